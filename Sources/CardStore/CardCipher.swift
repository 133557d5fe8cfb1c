import Bytes
import Cards
import Cryptography
import Keyring
import RecordFormat
import SecretMemory

/// Seals and opens records: the contexts, nonces and plaintext memory of one thread.
///
/// Not Sendable on purpose: the writer has one, and each thread that scans the store has its own.
final class CardCipher {
  /// Slots for cards that leave the store.
  private let slots: SecretPool
  /// The thread's own slots, so that comparing and indexing never wait for what clients hold: one is
  /// `scratch`, the other for the one card that is looked at.
  private let ownSlots: SecretPool
  private let contexts: KeyContexts
  private var random: RandomPool
  private var scratch: SecretSlot
  private var nonce = [UInt8](repeating: 0, count: XAES256GCM.nonceSize)

  /// Contexts for the keys of `keyring`; released cards lie in `slots`.
  init(keyring: Keyring, slots: SecretPool) throws {
    contexts = KeyContexts(keyring)
    self.slots = slots
    random = try RandomPool()
    ownSlots = try SecretPool(slots: 2, slotSize: CardRecord.plaintextByteCount)
    guard let slot = ownSlots.lease() else { throw CardStoreError.noSecretMemory }
    scratch = slot
  }

  /// Goes on with another keyring of the store.
  func adopt(_ keyring: Keyring) { contexts.adopt(keyring) }

  private var keyring: Keyring { contexts.keyring }

  /// The key that new records stand under.
  var activeKey: KeyIdentifier { keyring.activeDataKey.identifier }

  /// The key that fingerprints are made with.
  var activeFingerprintKey: KeyIdentifier { keyring.activeFingerprintKey.identifier }

  /// The key under which older cards are still found, while fingerprints are made anew.
  var replacedFingerprintKey: KeyIdentifier? { keyring.replacedFingerprintKey?.identifier }

  /// Whether fingerprints are being made anew under another key.
  var isReplacingFingerprints: Bool { replacedFingerprintKey != nil }

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
      cipher: &context.base, scratch: &scratch, into: &record)
  }

  /// Opens a record to look at the card, one at a time.
  ///
  /// - Throws: ``CardStoreError/recordDoesNotOpen``.
  func open(_ record: RawSpan, token: Token) throws -> StoredCard {
    try open(record, token: token, slots: ownSlots)
  }

  /// Opens a record for a card that leaves the store.
  ///
  /// - Throws: ``CardStoreError/recordDoesNotOpen``, ``CardStoreError/noSecretMemory``.
  func release(_ record: RawSpan, token: Token) throws -> StoredCard {
    try open(record, token: token, slots: slots)
  }

  private func open(_ record: RawSpan, token: Token, slots: SecretPool) throws -> StoredCard {
    guard let slot = slots.lease() else { throw CardStoreError.noSecretMemory }
    do {
      let header = try CardRecordHeader(of: record)
      let context = try context(header.keyIdentifier)
      return try CardRecord.open(
        record, token: token, cipher: &context.base, scratch: &scratch, slot: slot)
    } catch let error as RecordError {
      switch error {
      case .unsupportedVersion, .malformed, .authenticationFailed, .invalidContent:
        throw CardStoreError.recordDoesNotOpen
      case .tooLarge, .memoryUnavailable, .cipher: throw error
      }
    } catch CardStoreError.unknownKey {
      // The name of the key stands in clear and may be what is damaged.
      throw CardStoreError.recordDoesNotOpen
    }
  }

  /// The fingerprint of a card number under a fingerprint key: the active one unless another is named.
  func fingerprint(
    _ number: borrowing PAN, merchant: UInt32, customer: CustomerReference?,
    under key: KeyIdentifier? = nil
  ) throws -> Digest256 {
    let identifier = key ?? activeFingerprintKey
    guard let authenticator = try contexts.authenticator(identifier) else {
      throw CardStoreError.unknownKey(identifier)
    }
    return Fingerprint.compute(
      of: number, merchant: merchant, customer: customer, with: &authenticator.base)
  }

  private func context(_ identifier: KeyIdentifier) throws -> KeyContexts.Cipher {
    guard let context = try contexts.cipher(identifier) else {
      throw CardStoreError.unknownKey(identifier)
    }
    return context
  }
}
