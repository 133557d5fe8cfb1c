import Cards
import Cryptography
import Keyring
import RecordFormat
import SecretMemory

/// Seals and opens records: the contexts, nonces and plaintext memory of one thread.
///
/// Not Sendable on purpose: the writer has one, and each thread that scans the store has its own.
final class CardCipher {
  private final class Context {
    var cipher: XAES256GCM
    init(_ key: DataKey) throws { cipher = try key.makeCipher() }
  }

  private let keyring: Keyring
  private let slots: SecretPool
  private var contexts: [KeyIdentifier: Context] = [:]
  private var authenticator: MessageAuthenticator
  private var random: RandomPool
  private var scratch: SecretSlot
  private var nonce = [UInt8](repeating: 0, count: XAES256GCM.nonceSize)

  /// Contexts for the keys of `keyring`; opened cards lie in `slots`.
  init(keyring: Keyring, slots: SecretPool) throws {
    self.keyring = keyring
    self.slots = slots
    authenticator = try keyring.activeFingerprintKey.makeAuthenticator()
    random = try RandomPool()
    let pool = try SecretPool(slots: 1, slotSize: CardRecord.plaintextByteCount)
    guard let slot = pool.lease() else { throw CardStoreError.noSecretMemory }
    scratch = slot
  }

  /// The key that new records stand under.
  var activeKey: KeyIdentifier { keyring.activeDataKey.identifier }

  /// The key that fingerprints are made with.
  var activeFingerprintKey: KeyIdentifier { keyring.activeFingerprintKey.identifier }

  /// A random number, for a token.
  func randomNumber() throws -> UInt64 { try random.next() }

  /// Appends the record of `card` to `record`, sealed under the active data key.
  func seal(
    _ card: borrowing StoredCard, token: Token, merchant: UInt32, into record: inout [UInt8]
  ) throws {
    let key = activeKey
    let context = try context(key)
    try unsafe nonce.withUnsafeMutableBytes { try unsafe random.fill($0) }
    let nonce = nonce
    try CardRecord.seal(
      card, token: token, merchant: merchant, keyIdentifier: key, nonce: nonce.rawSpan,
      cipher: &context.cipher, scratch: &scratch, into: &record)
  }

  /// Opens a record into a slot of secret memory.
  func open(_ record: RawSpan, token: Token) throws -> StoredCard {
    let header = try CardRecordHeader(of: record)
    let context = try context(header.keyIdentifier)
    guard let slot = slots.lease() else { throw CardStoreError.noSecretMemory }
    return try CardRecord.open(
      record, token: token, cipher: &context.cipher, scratch: &scratch, slot: slot)
  }

  /// The fingerprint of a card number under the active fingerprint key.
  func fingerprint(
    _ number: borrowing PAN, merchant: UInt32, customer: CustomerReference?
  ) -> Digest256 {
    Fingerprint.compute(
      of: number, merchant: merchant, customer: customer, with: &authenticator)
  }

  private func context(_ identifier: KeyIdentifier) throws -> Context {
    if let context = contexts[identifier] { return context }
    guard let key = keyring.dataKey(identifier) else {
      throw CardStoreError.unknownKey(identifier)
    }
    let context = try Context(key)
    contexts[identifier] = context
    return context
  }
}
