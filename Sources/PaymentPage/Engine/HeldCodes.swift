import SecretMemory
import Synchronization

/// The codes of cards between the shopper's button and what came of it: in guarded memory, for ten minutes
/// at most.
final class HeldCodes: Sendable {
  private final class Held: Sendable {
    let code: SecretSlot
    let until: Int64
    init(_ code: consuming SecretSlot, until: Int64) {
      self.code = code
      self.until = until
    }
  }

  static let milliseconds: Int64 = 600_000

  private let held = Mutex<[Int64: Held]>([:])

  /// Keeps the code of an attempt.
  func keep(_ code: consuming SecretSlot, of attempt: Int64, at now: Int64) {
    let held = Held(code, until: now + Self.milliseconds)
    self.held.withLock { $0[attempt] = held }
  }

  /// Codes of shoppers at their banks' pages; the code of one more is asked for again when she is back, so
  /// that those who never come back leave slots to those who pay.
  static let mostAtBank = 2_048

  /// The shopper goes to the bank's page.
  func goToBank(_ attempt: Int64) {
    held.withLock { if $0.count > Self.mostAtBank { $0[attempt] = nil } }
  }

  /// Wipes the code of an attempt.
  func forget(_ attempt: Int64) { held.withLock { $0[attempt] = nil } }

  /// Wipes the codes whose time is over.
  func forget(olderThan now: Int64) {
    held.withLock { held in held = held.filter { $0.value.until > now } }
  }

  func has(_ attempt: Int64) -> Bool { held.withLock { $0[attempt] != nil } }

  var count: Int { held.withLock { $0.count } }

  /// Lends the code of an attempt, nil where there is none.
  func with<Result>(_ attempt: Int64, _ body: (RawSpan?) -> Result) -> Result {
    guard let held = held.withLock({ $0[attempt] }) else { return body(nil) }
    return Self.lend(held.code, body)
  }

  private static func lend<Result>(
    _ code: borrowing SecretSlot, _ body: (RawSpan?) -> Result
  ) -> Result { body(code.bytes) }
}
