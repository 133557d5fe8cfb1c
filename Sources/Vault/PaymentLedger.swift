import Cards
import Cryptography
import RecordFormat
import SecretMemory
import Storage

/// Payments whose intent is durable and whose outcome is not: what a restart has to close.
///
/// Rows of `meta`: `payment/` ‖ payment id(16) → idempotency row key(32) ‖ sequence of the intent's
/// audit entry(8, big-endian). Confined to the writer thread.
final class PaymentLedger {
  /// One payment that a former process left open.
  struct Open {
    let identifier: PaymentIdentifier
    let rowKey: Digest256
    let intentSequence: UInt64
  }

  private static let prefix: [UInt8] = Array("payment/".utf8)

  private var identifiers = IdentifierSequence(after: nil)
  private let randomNumber: () throws -> UInt64

  init(randomNumber: @escaping () throws -> UInt64) {
    self.randomNumber = randomNumber
  }

  /// A new payment identifier.
  func next(atMilliseconds now: Int64) throws -> PaymentIdentifier {
    PaymentIdentifier(
      try identifiers.next(
        atMilliseconds: UInt64(clamping: now), random: try randomNumber()))
  }

  /// Notes that an outcome is owed.
  func begin(
    _ identifier: PaymentIdentifier, rowKey: Digest256, intentSequence: UInt64,
    in transaction: inout StoreWriteTransaction
  ) throws {
    let value = rowKey.bytes + intentSequence.bigEndianBytes
    try transaction.put(
      key: Self.key(identifier).rawSpan, value: value.rawSpan, in: .meta)
  }

  /// The outcome is in the same transaction.
  func end(
    _ identifier: PaymentIdentifier, in transaction: inout StoreWriteTransaction
  ) throws {
    try transaction.delete(Self.key(identifier).rawSpan, in: .meta)
  }

  /// Every payment without an outcome.
  static func open(
    in transaction: borrowing some StoreReading & ~Copyable
  ) throws -> [Open] {
    var found: [Open] = []
    try transaction.forEach(in: .meta, from: Self.prefix.rawSpan) { key, value in
      let key = [UInt8](copying: key)
      guard key.starts(with: prefix) else { return false }
      let value = [UInt8](copying: value)
      guard value.count == 40,
        let identifier = PaymentIdentifier(
          bytes: Array(key[prefix.count...]).rawSpan),
        let rowKey = Digest256(Array(value[..<32]).rawSpan)
      else { throw VaultError.malformedRow }
      found.append(
        Open(
          identifier: identifier, rowKey: rowKey,
          intentSequence: value[32...].reduce(0) { $0 << 8 | UInt64($1) }))
      return true
    }
    return found
  }

  /// The key of a payment's row.
  static func key(_ identifier: PaymentIdentifier) -> [UInt8] {
    let bytes = identifier.bytes
    return prefix + bytes.indices.map { bytes[$0] }
  }
}
