/// Card numbers that pass Luhn, of the range 497010, one after the other.
///
/// A run starts somewhere in the range at random, so that two runs seldom meet the same card.
struct TestCardNumbers {
  /// How many digits a number has.
  static let length = 16
  private static let prefix: [UInt8] = [4, 9, 7, 0, 1, 0]
  private static let rangeSize = 1_000_000_000

  private let first: Int
  private let stride: Int
  private var position: Int

  /// The numbers `offset`, `offset + stride`, … after `first`: with as many offsets as `stride`,
  /// several makers share one range and never give the same number.
  init(first: Int, offset: Int, stride: Int) {
    self.first = first
    self.stride = stride
    position = offset
  }

  /// A random place to start.
  static func randomStart() -> Int { Int.random(in: 0..<rangeSize) }

  /// Writes the next number as ASCII digits over the first ``length`` bytes of `buffer`.
  mutating func next(into buffer: inout [UInt8]) {
    precondition(buffer.count >= Self.length, "a number has 16 digits")
    var rest = (first + position) % Self.rangeSize
    position += stride
    for (index, digit) in Self.prefix.enumerated() { buffer[index] = digit }
    for index in (6..<15).reversed() {
      buffer[index] = UInt8(rest % 10)
      rest /= 10
    }
    var sum: UInt8 = 0
    for index in 0..<15 {
      // From the right the check digit comes first, so the digits at even places are doubled.
      let doubled = buffer[index] * (index.isMultiple(of: 2) ? 2 : 1)
      sum += doubled > 9 ? doubled - 9 : doubled
      buffer[index] += 0x30
    }
    buffer[15] = 0x30 + (10 - sum % 10) % 10
  }
}
