internal import Bytes
package import Cryptography
package import RecordFormat
import Storage

/// An open keyring: every key of the store, as it was when the keyring was read.
///
/// A value that is only read. Whoever changes keys makes another keyring of it with
/// ``KeyringChange``, writes that, and puts it in this one's place: see ``LiveKeyring``.
package final class Keyring: Sendable {
  /// The key that seals new cards.
  package let activeDataKey: DataKey
  /// The key that fingerprints new cards.
  package let activeFingerprintKey: FingerprintKey
  /// While fingerprints are made anew: the key before, under which older cards are still found.
  package let replacedFingerprintKey: FingerprintKey?

  /// The KEK that the keyring is wrapped under.
  package var keyEncryptionKeyIdentifier: KeyIdentifier { keyEncryptionKey.identifier }
  /// Rises with each change of the keyring.
  package let generation: UInt64
  /// Every key, in the order of their creation.
  package let entries: [KeyringEntry]

  /// Bytes of every key: of AES-256, of HMAC-SHA-256, and of an Ed25519 seed.
  package static let keySize = 32

  let keyEncryptionKey: KeyEncryptionKey
  private let dataKeys: [KeyIdentifier: DataKey]
  private let fingerprintKeys: [KeyIdentifier: FingerprintKey]

  init(
    entries: [KeyringEntry], keyEncryptionKey: KeyEncryptionKey, generation: UInt64
  ) throws(KeyringError) {
    self.keyEncryptionKey = keyEncryptionKey
    self.generation = generation
    guard Self.active(.kek, in: entries).map(\.identifier) == [keyEncryptionKey.identifier],
      entries.allSatisfy({ ($0.material?.count ?? Self.keySize) == Self.keySize })
    else { throw .malformedKeyring }
    var completed = entries
    for index in completed.indices where completed[index].checkValue == nil {
      completed[index].checkValue = try completed[index].computeCheckValue(keyEncryptionKey)
    }
    self.entries = completed
    var dataKeys: [KeyIdentifier: DataKey] = [:]
    var fingerprintKeys: [KeyIdentifier: FingerprintKey] = [:]
    for entry in entries {
      guard let material = entry.material else { continue }
      switch entry.role {
      case .data: dataKeys[entry.identifier] = DataKey(entry.identifier, material)
      case .fingerprint:
        fingerprintKeys[entry.identifier] = FingerprintKey(entry.identifier, material)
      case .kek, .audit: break
      }
    }
    self.dataKeys = dataKeys
    self.fingerprintKeys = fingerprintKeys
    let data = try Self.current(.data, in: entries).identifier
    let fingerprint = try Self.current(.fingerprint, in: entries).identifier
    _ = try Self.current(.audit, in: entries)
    let replaced = entries.filter(\.isBeingReplaced)
    guard let dataKey = dataKeys[data], let fingerprintKey = fingerprintKeys[fingerprint],
      replaced.count <= 1, replaced.allSatisfy({ $0.successor == fingerprint })
    else { throw .malformedKeyring }
    activeDataKey = dataKey
    activeFingerprintKey = fingerprintKey
    replacedFingerprintKey = replaced.first.flatMap { fingerprintKeys[$0.identifier] }
  }

  /// The entry of this identifier, whatever its state.
  package func entry(_ identifier: KeyIdentifier) -> KeyringEntry? {
    entries.first { $0.identifier == identifier }
  }

  /// The entry of the key that protects what is new.
  package func current(_ role: KeyRole) throws(KeyringError) -> KeyringEntry {
    try Self.current(role, in: entries)
  }

  /// The data key of this identifier that still opens records, whatever its state.
  package func dataKey(_ identifier: KeyIdentifier) -> DataKey? { dataKeys[identifier] }

  /// The fingerprint key of this identifier, whatever its state.
  package func fingerprintKey(_ identifier: KeyIdentifier) -> FingerprintKey? {
    fingerprintKeys[identifier]
  }

  /// The fingerprint keys before the present one whose secret is still there, the newest first.
  package var replacedFingerprintKeys: [KeyIdentifier] {
    entries.reversed().map(\.identifier).filter {
      $0 != activeFingerprintKey.identifier && fingerprintKeys[$0] != nil
    }
  }

  /// Lends the key that signs checkpoints and certificates to `body`.
  ///
  /// - Throws: ``KeyringError/systemUnavailable``, or what `body` throws.
  package func withSigningKey<R>(
    _ body: (KeyIdentifier, borrowing Ed25519PrivateKey) throws -> R
  ) throws -> R {
    try withSigningKey(try current(.audit).identifier, body)
  }

  /// Lends the audit key `identifier`, which must still have its secret, to `body`.
  package func withSigningKey<R>(
    _ identifier: KeyIdentifier, _ body: (KeyIdentifier, borrowing Ed25519PrivateKey) throws -> R
  ) throws -> R {
    guard let entry = entry(identifier), entry.role == .audit, let material = entry.material else {
      throw KeyringError.unknownKey(identifier)
    }
    let key = try material.withBytes { try Ed25519PrivateKey(seed: $0) }
    return try body(identifier, key)
  }

  /// The keyring as it is stored: wrapped under its KEK, with a new nonce.
  func seal(store: StoreIdentifier) throws(KeyringError) -> [UInt8] {
    do {
      var random = try RandomPool()
      let nonce = try random.bytes(count: XAES256GCM.nonceSize)
      var cipher = try keyEncryptionKey.makeCipher()
      return try KeyringBlob.seal(
        entries,
        header: KeyringHeader(
          kekIdentifier: keyEncryptionKey.identifier, generation: generation),
        store: store.bytes.rawSpan, nonce: nonce.rawSpan, cipher: &cipher)
    } catch let error as RecordError where error == .tooLarge || error == .invalidContent {
      throw .malformedKeyring
    } catch {
      throw .systemUnavailable
    }
  }

  private static func active(_ role: KeyRole, in entries: [KeyringEntry]) -> [KeyringEntry] {
    entries.filter { $0.role == role && $0.state == .active }
  }

  /// The one active key of a role that nothing is about to replace.
  private static func current(
    _ role: KeyRole, in entries: [KeyringEntry]
  ) throws(KeyringError) -> KeyringEntry {
    let candidates = active(role, in: entries).filter { !$0.isBeingReplaced }
    guard let entry = candidates.first else { throw .noActiveKey(role) }
    guard candidates.count == 1 else { throw .malformedKeyring }
    return entry
  }
}

extension KeyringEntry {
  /// The check value of the key; nil where its secret is not at hand.
  func computeCheckValue(_ kek: KeyEncryptionKey) throws(KeyringError) -> [UInt8]? {
    do throws(CryptographyError) {
      if role == .kek { return identifier == kek.identifier ? try kek.checkValue() : nil }
      return try material?.withBytes { bytes throws(CryptographyError) in
        role == .audit
          ? KeyCheckValue.ofSigningKey(try Ed25519PrivateKey(seed: bytes).publicKey)
          : try KeyCheckValue.ofSymmetricKey(bytes)
      }
    } catch {
      throw .systemUnavailable
    }
  }
}
