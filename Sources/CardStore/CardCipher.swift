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

  /// Contexts for the keys of `keyring`; released cards lie in `slots`.
  init(keyring: Keyring, slots: SecretPool) throws(CardStoreError) {
    contexts = KeyContexts(keyring)
    self.slots = slots
    random = try ciphered(RandomPool())
    do throws(SecretMemoryError) {
      ownSlots = try SecretPool(slots: 2, slotSize: CardRecord.plaintextByteCount)
    } catch { throw .noSecretMemory }
    guard let slot = ownSlots.lease() else { throw .noSecretMemory }
    scratch = slot
  }

  /// Goes on with another keyring of the store.
  func adopt(_ keyring: Keyring) { contexts.adopt(keyring) }

  /// The keyring whose keys are used.
  var keyring: Keyring { contexts.keyring }

  /// The key that new records stand under.
  var activeKey: KeyIdentifier { keyring.activeDataKey.identifier }

  /// The key that fingerprints are made with.
  var activeFingerprintKey: KeyIdentifier { keyring.activeFingerprintKey.identifier }

  /// The key under which older cards are still found, while fingerprints are made anew.
  var replacedFingerprintKey: KeyIdentifier? { keyring.replacedFingerprintKey?.identifier }

  /// Whether fingerprints are being made anew under another key.
  var isReplacingFingerprints: Bool { replacedFingerprintKey != nil }

  /// A random number, for a token.
  func randomNumber() throws(CardStoreError) -> UInt64 { try ciphered(random.next()) }

  /// Appends the record of `card` to `record`, sealed under the active data key.
  func seal(
    _ card: borrowing StoredCard, token: Token, merchant: UInt32, into record: inout [UInt8]
  ) throws(CardStoreError) {
    let key = activeKey
    guard let context = try ciphered(contexts.cipher(key)) else { throw .unknownKey(key) }
    let nonce = try ciphered(random.bytes(count: XAES256GCM.nonceSize))
    do throws(RecordError) {
      try CardRecord.seal(
        card, token: token, merchant: merchant, keyIdentifier: key, nonce: nonce.rawSpan,
        cipher: &context.base, scratch: &scratch, into: &record)
    } catch { throw CardStoreError(error) }
  }

  /// Opens a record to look at the card, one at a time.
  ///
  /// - Throws: ``CardStoreError/recordDoesNotOpen``.
  func open(_ record: RawSpan, token: Token) throws(CardStoreError) -> StoredCard {
    try open(record, token: token, slots: ownSlots)
  }

  /// Opens a record for a card that leaves the store.
  ///
  /// - Throws: ``CardStoreError/recordDoesNotOpen``, ``CardStoreError/noSecretMemory``.
  func release(_ record: RawSpan, token: Token) throws(CardStoreError) -> StoredCard {
    try open(record, token: token, slots: slots)
  }

  private func open(
    _ record: RawSpan, token: Token, slots: SecretPool
  ) throws(CardStoreError) -> StoredCard {
    guard let slot = slots.lease() else { throw .noSecretMemory }
    let key = try CardStore.header(of: record).keyIdentifier
    // The name of the key stands in clear and may be what is damaged.
    guard let context = try ciphered(contexts.cipher(key)) else { throw .recordDoesNotOpen }
    do throws(RecordError) {
      return try CardRecord.open(
        record, token: token, cipher: &context.base, scratch: &scratch, slot: slot)
    } catch { throw CardStoreError(error) }
  }

  /// The fingerprint of a card number under a fingerprint key: the active one unless another is named.
  func fingerprint(
    _ number: borrowing PAN, merchant: UInt32, customer: CustomerReference?,
    under key: KeyIdentifier? = nil
  ) throws(CardStoreError) -> Digest256 {
    let identifier = key ?? activeFingerprintKey
    guard let authenticator = try ciphered(contexts.authenticator(identifier)) else {
      throw .unknownKey(identifier)
    }
    return Fingerprint.compute(
      of: number, merchant: merchant, customer: customer, with: &authenticator.base)
  }
}
