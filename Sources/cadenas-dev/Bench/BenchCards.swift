import Bytes
import NIOCore

/// Cards that have a token before a run begins.
struct BenchCards: Sendable {
  /// A token's length in bytes, as text.
  static let tokenLength = 30

  /// Where each card's number stands in the range of test numbers.
  private(set) var numbers: [Int] = []
  private var tokens: [UInt8] = []

  var count: Int { numbers.count }

  /// Adds a card whose token stands at `range` of `answer`.
  mutating func add(_ number: Int, token range: Range<Int>, of answer: RawSpan) {
    numbers.append(number)
    tokens.append(contentsOf: answer.extracting(range))
  }

  mutating func add(_ other: BenchCards) {
    numbers += other.numbers
    tokens += other.tokens
  }

  /// Every `stride`th card from the one at `offset` on.
  func share(_ offset: Int, of stride: Int) -> BenchCards {
    var share = BenchCards()
    for index in Swift.stride(from: offset, to: count, by: stride) {
      share.numbers.append(numbers[index])
      share.tokens += token(index)
    }
    return share
  }

  /// The token of the card at `index`, as text.
  func token(_ index: Int) -> ArraySlice<UInt8> {
    tokens[index * Self.tokenLength..<(index + 1) * Self.tokenLength]
  }
}
