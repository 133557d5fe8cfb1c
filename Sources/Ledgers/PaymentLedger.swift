import Bytes
package import Cards
package import Cryptography
package import Keyring
package import Storage

/// Payments whose intent is durable and whose outcome is not: what a restart has to close.
///
/// Rows of `meta`: `payment/` ‖ payment id(16) → idempotency row key(32) ‖ sequence of the intent's
/// audit entry(8, big-endian). Each holds one seal back, for the answer that its idempotency key will
/// keep: so that an outcome is never lost to the bound of seals. Confined to the writer thread.
package final class PaymentLedger {
  /// One payment that a former process left open.
  package struct Open {
    package let identifier: PaymentIdentifier
    package let rowKey: Digest256
    package let intentSequence: UInt64
  }

  private static let prefix: [UInt8] = Array("payment/".utf8)

  private var identifiers = IdentifierSequence(after: nil)
  private let keys: LiveKeyring
  private let cipher: AnswerCipher

  /// Takes the payments of `store` up that are open.
  ///
  /// - Parameter cipher: draws the random part of identifiers.
  package init(
    in store: Store, keys: LiveKeyring, cipher: AnswerCipher
  ) throws(LedgerError) {
    self.keys = keys
    self.cipher = cipher
    let open = try store.read { (transaction) throws(LedgerError) in try Self.open(in: transaction)
    }
    keys.restoreHeldSeals(UInt64(open.count))
  }

  /// A new payment identifier.
  package func next(atMilliseconds now: Int64) throws(LedgerError) -> PaymentIdentifier {
    let (random, spread) = (try cipher.randomNumber(), try cipher.randomNumber())
    do throws(CardError) {
      return PaymentIdentifier(
        try identifiers.next(
          atMilliseconds: UInt64(clamping: now), random: random, spread: spread))
    } catch { throw .identifiersExhausted }
  }

  /// Holds the seal of an outcome back, before anything is written of the payment.
  ///
  /// - Throws: ``KeyringError/keyUsedUp(_:)`` where the active data key has none left.
  package func holdOutcome() throws(LedgerError) { try onKeys(keys.holdSeal()) }

  /// Notes that an outcome is owed, whose seal is held.
  package func begin(
    _ identifier: PaymentIdentifier, rowKey: Digest256, intentSequence: UInt64,
    in transaction: inout StoreWriteTransaction
  ) throws(LedgerError) {
    let value = rowKey.bytes + intentSequence.bigEndianBytes
    try onStore(
      transaction.put(key: Self.key(identifier).rawSpan, value: value.rawSpan, in: .meta))
  }

  /// The outcome is in the same transaction, and its seal is given back for it.
  ///
  /// - Returns: false where none is owed any more.
  @discardableResult
  package func end(
    _ identifier: PaymentIdentifier, in transaction: inout StoreWriteTransaction
  ) throws(LedgerError) -> Bool {
    guard try onStore(transaction.delete(Self.key(identifier).rawSpan, in: .meta)) else {
      return false
    }
    keys.releaseSeal()
    return true
  }

  /// Every payment without an outcome.
  package static func open(
    in transaction: borrowing some StoreReading & ~Copyable
  ) throws(LedgerError) -> [Open] {
    var found: [Open] = []
    try transaction.forEach(in: .meta, from: Self.prefix.rawSpan) {
      (key, value) throws(LedgerError) in
      guard key.starts(with: prefix) else { return false }
      guard value.byteCount == 40,
        let identifier = PaymentIdentifier(
          bytes: key.extracting(prefix.count..<key.byteCount)),
        let rowKey = Digest256(value.extracting(0..<32))
      else { throw .malformedRow }
      found.append(
        Open(identifier: identifier, rowKey: rowKey, intentSequence: value.bigEndian(32..<40)))
      return true
    }
    return found
  }

  /// The key of a payment's row.
  package static func key(_ identifier: PaymentIdentifier) -> [UInt8] {
    let bytes = identifier.bytes
    return prefix + bytes.indices.map { bytes[$0] }
  }
}
