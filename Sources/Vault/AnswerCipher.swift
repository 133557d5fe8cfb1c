import Cryptography
import Keyring
import RecordFormat
import SecretMemory

/// Digests and seals for the idempotency table. Confined to the writer thread.
final class AnswerCipher {
  private static let rowDomain: StaticString = "cadenas/idempotency/v1"
  private static let requestDomain: StaticString = "cadenas/request/v1"

  private let keyring: Keyring
  private let ciphers: CipherCache
  private var authenticator: MessageAuthenticator
  private var random: RandomPool

  init(keyring: Keyring) throws {
    self.keyring = keyring
    ciphers = CipherCache(keyring)
    authenticator = try keyring.activeFingerprintKey.makeAuthenticator()
    random = try RandomPool()
  }

  /// The key that new answers are sealed under.
  var activeKey: KeyIdentifier { keyring.activeDataKey.identifier }

  /// A random number, for a payment identifier.
  func randomNumber() throws -> UInt64 { try random.next() }

  /// Row key: HMAC of `"cadenas/idempotency/v1" ‖ merchant number(4) ‖ length(4) ‖ actor ‖ idempotency
  /// key`, since two merchants' authorities may vouch for the same identity. Request digest: HMAC of
  /// `"cadenas/request/v1" ‖ digest of the request(32) ‖ digits`.
  func row(
    for idempotency: Idempotency, actor: String, merchant: UInt32, digits: RawSpan?
  ) -> IdempotencyLedger.Row {
    let actor = Array(actor.utf8)
    authenticator.begin()
    authenticator.update(Self.rowDomain)
    authenticator.update(bigEndian: merchant)
    authenticator.update(bigEndian: UInt32(actor.count))
    authenticator.update(actor.rawSpan)
    authenticator.update(idempotency.key.rawSpan)
    let key = authenticator.finish()
    authenticator.begin()
    authenticator.update(Self.requestDomain)
    authenticator.update(idempotency.requestDigest.bytes.rawSpan)
    if let digits { authenticator.update(digits) }
    return IdempotencyLedger.Row(
      key: key, requestDigest: authenticator.finish(),
      digestKey: keyring.activeFingerprintKey.identifier)
  }

  /// The bytes of a row with its answer.
  func seal(_ answer: [UInt8], of row: IdempotencyRow, rowKey: Digest256) throws -> [UInt8] {
    let nonce = try random.bytes(count: XAES256GCM.nonceSize)
    let context = try context(activeKey)
    return try row.seal(
      answer: answer.rawSpan, rowKey: rowKey, nonce: nonce.rawSpan, cipher: &context.cipher)
  }

  /// The answer in a row.
  func open(_ row: [UInt8], rowKey: Digest256, dataKey: KeyIdentifier) throws -> [UInt8] {
    let context = try context(dataKey)
    return try IdempotencyRow.openAnswer(row.rawSpan, rowKey: rowKey, cipher: &context.cipher)
  }

  private func context(_ identifier: KeyIdentifier) throws -> CipherCache.Entry {
    guard let entry = try ciphers[identifier] else { throw VaultError.unknownKey }
    return entry
  }
}
