import Bytes
import NIOCore

/// What one connection asks, and whether the answers are right.
struct BenchRequests {
  /// What a connection is there for.
  enum Task {
    /// Part of a run.
    case measure(BenchPlan.Operation)
    /// Before a run: cards get tokens, which are kept.
    case prepare(numbers: [Int])
  }

  /// What the answer to the request under way has to be.
  private enum Expectation {
    case created, existing, approved, deleted, fixed
    /// Known, with the token of the prepared card at this index.
    case same(Int)
    /// The number itself.
    case number
    /// Known or new: its token is kept.
    case token(Int)
  }

  /// Twenty requests of ``BenchPlan/Operation/mix``: `t`okenize, `p`ush, `d`elete.
  private static let mix = Array("ttptttptttptttptttpd".utf8)
  /// Of ``BenchPlan/Operation/changes``: `t`okenize, under a `k`ey, with a `l`ater expiry, `d`elete.
  private static let changes = Array("ktltktldktltktkltktd".utf8)

  private let task: Task
  private let filled: Int
  private var newNumbers: TestCardNumbers
  private var messages: BenchMessages
  private var digits = [UInt8](repeating: 0x30, count: TestCardNumbers.length)
  private var expectation = Expectation.fixed
  private var step = 0
  /// How many cards were given a later expiry.
  private var laterCards = 0
  /// The token that this connection was given last, to be deleted by the mix and by changes.
  private var latest: [UInt8] = []
  private var random: SystemRandomNumberGenerator = SystemRandomNumberGenerator()

  /// Prepared cards: those to ask about, or those that were gathered.
  private(set) var cards: BenchCards

  /// - Parameters:
  ///   - connection: its place among the plan's connections.
  ///   - firstCard: where the run's new cards begin.
  init(_ task: Task, _ plan: BenchPlan, cards: BenchCards, connection: Int, firstCard: Int) {
    self.task = task
    self.cards = cards
    filled = plan.filled
    newNumbers = TestCardNumbers(
      first: firstCard, offset: connection, stride: plan.connections)
    messages = BenchMessages(
      host: "\(plan.endpoint)", series: firstCard * 10_000 + connection)
  }

  /// The next request; nil where there is nothing left to ask.
  mutating func next() -> ByteBuffer? {
    switch task {
    case .prepare(let numbers):
      guard step < numbers.count else { return nil }
      let number = numbers[step]
      step += 1
      return tokenize(number, .token(number))
    case .measure(let operation): return next(operation)
    }
  }

  private mutating func next(_ operation: BenchPlan.Operation) -> ByteBuffer? {
    switch operation {
    case .tokenizeNew: return tokenizeNew(.created)
    case .fixed: return tokenizeNew(.fixed)
    case .tokenizeKnown:
      guard filled == 0 else {
        return tokenize(Int.random(in: 0..<filled, using: &random), .existing)
      }
      let index = anyCard()
      return tokenize(cards.numbers[index], .same(index))
    case .pull:
      let index = anyCard()
      TestCardNumbers.write(cards.numbers[index], into: &digits)
      expectation = .number
      return messages.pull(cards.token(index))
    case .push: return push()
    case .delete:
      guard step < cards.count else { return nil }
      step += 1
      expectation = .deleted
      return messages.delete(cards.token(step - 1))
    case .mix:
      let kind = Self.mix[step % Self.mix.count]
      step += 1
      if kind == UInt8(ascii: "p") { return push() }
      guard kind == UInt8(ascii: "d"), !latest.isEmpty else { return tokenizeNew(.created) }
      expectation = .deleted
      return messages.delete(latest[...])
    case .changes: return nextChange()
    }
  }

  private mutating func nextChange() -> ByteBuffer {
    let kind = Self.changes[step % Self.changes.count]
    step += 1
    switch kind {
    case UInt8(ascii: "d") where !latest.isEmpty:
      expectation = .deleted
      return messages.delete(latest[...])
    case UInt8(ascii: "l") where cards.count > 0:
      let index = laterCards % cards.count
      TestCardNumbers.write(cards.numbers[index], into: &digits)
      expectation = .same(index)
      defer { laterCards += 1 }
      return messages.tokenize(digits, laterBy: laterCards / cards.count)
    case UInt8(ascii: "k"):
      expectation = .created
      newNumbers.next(into: &digits)
      return messages.tokenizeUnderKey(digits)
    default: return tokenizeNew(.created)
    }
  }

  private mutating func anyCard() -> Int { Int.random(in: 0..<cards.count, using: &random) }

  private mutating func tokenizeNew(_ expectation: Expectation) -> ByteBuffer {
    self.expectation = expectation
    newNumbers.next(into: &digits)
    return messages.tokenize(digits)
  }

  private mutating func tokenize(_ number: Int, _ expectation: Expectation) -> ByteBuffer {
    self.expectation = expectation
    TestCardNumbers.write(number, into: &digits)
    return messages.tokenize(digits)
  }

  private mutating func push() -> ByteBuffer {
    expectation = .approved
    return messages.push(cards.token(anyCard()))
  }

  /// Whether `answer`, which starts where `bytes` does, is the right one to the last request.
  mutating func check(_ answer: AnswerScanner.Answer, in bytes: RawSpan) -> Bool {
    switch expectation {
    case .fixed: return answer.status == 200
    case .deleted:
      latest.removeAll(keepingCapacity: true)
      return answer.status == 204
    case .approved:
      return answer.status == 200 && answer.holds("\"outcome\":\"approved\"", in: bytes)
    case .number:
      return answer.status == 200 && answer.holds("\"number\":\"", digits[...], in: bytes)
    case .existing: return answer.status == 200 && hasView(answer, in: bytes)
    case .same(let index):
      guard let token = answer.token, answer.status == 200 else { return false }
      return bytes.extracting(token).isEqual(to: cards.token(index))
    case .created:
      guard answer.status == 201, hasView(answer, in: bytes), let token = answer.token else {
        return false
      }
      switch task {
      case .measure(.mix), .measure(.changes): latest = bytes.extracting(token).array
      case .measure, .prepare: break
      }
      return true
    case .token(let number):
      guard answer.status < 300, let token = answer.token else { return false }
      cards.add(number, token: token, of: bytes)
      return true
    }
  }

  private func hasView(_ answer: AnswerScanner.Answer, in bytes: RawSpan) -> Bool {
    answer.token != nil && answer.holds("\"last4\":\"", digits[12...], in: bytes)
  }
}

extension RawSpan {
  func isEqual(to other: ArraySlice<UInt8>) -> Bool {
    unsafe withUnsafeBytes { bytes in unsafe bytes.elementsEqual(other) }
  }
}
