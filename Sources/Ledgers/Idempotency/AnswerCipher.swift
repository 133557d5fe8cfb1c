import Bytes
import Cryptography
package import Keyring
package import RecordFormat

/// Digests and seals for the idempotency table. Confined to the writer thread.
package final class AnswerCipher {
  private static let rowDomain: StaticString = "cadenas/idempotency/v1"
  private static let requestDomain: StaticString = "cadenas/request/v1"

  private let keys: LiveKeyring
  let contexts: KeyContexts
  private var random: RandomPool

  package init(keys: LiveKeyring) throws(LedgerError) {
    self.keys = keys
    contexts = KeyContexts(keys.current)
    random = try onCryptography(RandomPool())
  }

  /// Goes on with another keyring of the store.
  func adopt(_ keyring: Keyring) { contexts.adopt(keyring) }

  /// The key that new answers are sealed under.
  package var activeKey: KeyIdentifier { contexts.keyring.activeDataKey.identifier }

  /// A random number, for a payment identifier.
  package func randomNumber() throws(LedgerError) -> UInt64 { try onCryptography(random.next()) }

  /// Row key: HMAC of `"cadenas/idempotency/v1" ‖ merchant number(4) ‖ length(4) ‖ actor ‖ idempotency
  /// key`, since two merchants' authorities may vouch for the same identity. Request digest: HMAC of
  /// `"cadenas/request/v1" ‖ digest of the request(32) ‖ digits`.
  ///
  /// - Parameter older: keys before the present one that may have made a row which still counts.
  func row(
    for idempotency: Idempotency, actor: String, merchant: UInt32, digits: RawSpan?,
    older: [KeyIdentifier]
  ) throws(LedgerError) -> IdempotencyLedger.Row {
    let active = contexts.keyring.activeFingerprintKey.identifier
    var newest = try row(
      for: idempotency, actor: actor, merchant: merchant, digits: digits, under: active)
    for key in older {
      newest.older.append(
        try row(for: idempotency, actor: actor, merchant: merchant, digits: digits, under: key))
    }
    keys.countUse(of: active)
    return newest
  }

  private func row(
    for idempotency: Idempotency, actor: String, merchant: UInt32, digits: RawSpan?,
    under key: KeyIdentifier
  ) throws(LedgerError) -> IdempotencyLedger.Row {
    guard let authenticator = try onCryptography(contexts.authenticator(key)) else {
      throw .unknownKey
    }
    let actor = Array(actor.utf8)
    authenticator.base.begin()
    authenticator.base.update(Self.rowDomain)
    authenticator.base.update(bigEndian: merchant)
    authenticator.base.update(bigEndian: UInt32(actor.count))
    authenticator.base.update(actor.rawSpan)
    authenticator.base.update(idempotency.key.rawSpan)
    let rowKey = authenticator.base.finish()
    authenticator.base.begin()
    authenticator.base.update(Self.requestDomain)
    authenticator.base.update(idempotency.requestDigest.bytes.rawSpan)
    if let digits { authenticator.base.update(digits) }
    return IdempotencyLedger.Row(
      key: rowKey, requestDigest: authenticator.base.finish(), digestKey: key)
  }

  /// Holds one seal back for an answer, before anything is written that the answer tells of.
  ///
  /// - Throws: ``KeyringError/keyUsedUp(_:)`` where the active data key has none left.
  package func holdSeal() throws(LedgerError) { try onKeys(keys.holdSeal()) }

  /// Gives the seal back that ``holdSeal()`` held.
  package func releaseSeal() { keys.releaseSeal() }

  /// The bytes of a row with its answer.
  ///
  /// - Parameter isHeld: whether a seal was held back for it; then it is not refused.
  /// - Throws: ``KeyringError/keyUsedUp(_:)`` where none was held and none is left.
  func seal(
    _ answer: [UInt8], of row: IdempotencyRow, rowKey: Digest256, isHeld: Bool
  ) throws(LedgerError) -> [UInt8] {
    let nonce = try onCryptography(random.bytes(count: XAES256GCM.nonceSize))
    if isHeld {
      keys.countHeldSeal(under: activeKey)
    } else {
      try onKeys(keys.countSeal(under: activeKey))
    }
    let context = try context(activeKey)
    return try onRecord(
      row.seal(
        answer: answer.rawSpan, rowKey: rowKey, nonce: nonce.rawSpan, cipher: &context.base))
  }

  /// The answer in a row.
  func open(
    _ row: [UInt8], rowKey: Digest256, dataKey: KeyIdentifier
  ) throws(LedgerError) -> [UInt8] {
    let context = try context(dataKey)
    return try onRecord(
      IdempotencyRow.openAnswer(row.rawSpan, rowKey: rowKey, cipher: &context.base))
  }

  private func context(_ identifier: KeyIdentifier) throws(LedgerError) -> KeyContexts.Cipher {
    guard let context = try onCryptography(contexts.cipher(identifier)) else { throw .unknownKey }
    return context
  }
}
