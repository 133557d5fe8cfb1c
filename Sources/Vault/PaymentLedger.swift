import Bytes
import Cards
import Cryptography
import Keyring
import RecordFormat
import Storage

/// Payments whose intent is durable and whose outcome is not: what a restart has to close.
///
/// Rows of `meta`: `payment/` ‖ payment id(16) → idempotency row key(32) ‖ sequence of the intent's
/// audit entry(8, big-endian). Each holds one seal back, for the answer that its idempotency key will
/// keep: so that an outcome is never lost to the bound of seals. Confined to the writer thread.
final class PaymentLedger {
  /// One payment that a former process left open.
  struct Open {
    let identifier: PaymentIdentifier
    let rowKey: Digest256
    let intentSequence: UInt64
  }

  private static let prefix: [UInt8] = Array("payment/".utf8)

  private var identifiers = IdentifierSequence(after: nil)
  private let keys: LiveKeyring
  private let randomNumber: () throws -> UInt64

  /// Takes the payments of `store` up that are open.
  init(in store: Store, keys: LiveKeyring, randomNumber: @escaping () throws -> UInt64) throws {
    self.keys = keys
    self.randomNumber = randomNumber
    keys.restoreHeldSeals(UInt64(try store.read { try Self.open(in: $0) }.count))
  }

  /// A new payment identifier.
  func next(atMilliseconds now: Int64) throws -> PaymentIdentifier {
    PaymentIdentifier(
      try identifiers.next(
        atMilliseconds: UInt64(clamping: now), random: try randomNumber(),
        spread: try randomNumber()))
  }

  /// Holds the seal of an outcome back, before anything is written of the payment.
  ///
  /// - Throws: ``KeyringError/keyUsedUp(_:)`` where the active data key has none left.
  func holdOutcome() throws(KeyringError) { try keys.holdSeal() }

  /// Notes that an outcome is owed, whose seal is held.
  func begin(
    _ identifier: PaymentIdentifier, rowKey: Digest256, intentSequence: UInt64,
    in transaction: inout StoreWriteTransaction
  ) throws {
    let value = rowKey.bytes + intentSequence.bigEndianBytes
    try transaction.put(
      key: Self.key(identifier).rawSpan, value: value.rawSpan, in: .meta)
  }

  /// The outcome is in the same transaction, and its seal is given back for it.
  func end(
    _ identifier: PaymentIdentifier, in transaction: inout StoreWriteTransaction
  ) throws {
    guard try transaction.delete(Self.key(identifier).rawSpan, in: .meta) else { return }
    keys.releaseSeal()
  }

  /// Every payment without an outcome.
  static func open(
    in transaction: borrowing some StoreReading & ~Copyable
  ) throws -> [Open] {
    var found: [Open] = []
    try transaction.forEach(in: .meta, from: Self.prefix.rawSpan) { key, value in
      guard key.starts(with: prefix) else { return false }
      var rest = RowReader(value)
      guard let identifier = PaymentIdentifier(bytes: key.extracting(prefix.count...)),
        let rowKey = rest.digest(), let sequence = rest.number(UInt64.self), rest.isAtEnd
      else { throw VaultError.malformedRow }
      found.append(Open(identifier: identifier, rowKey: rowKey, intentSequence: sequence))
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
