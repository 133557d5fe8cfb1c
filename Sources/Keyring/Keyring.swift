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

  /// The roles of which there is no key, not even one that is destroyed. Who opens a vault adds them, with
  /// ``KeyringChange/addMissingRoles(cryptoperiods:atMilliseconds:)``.
  package let missingRoles: [KeyRole]

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
      case .data:
        dataKeys[entry.identifier] = DataKey(identifier: entry.identifier, material: material)
      case .fingerprint:
        fingerprintKeys[entry.identifier] = FingerprintKey(
          identifier: entry.identifier, material: material)
      case .kek, .audit: break
      }
    }
    self.dataKeys = dataKeys
    self.fingerprintKeys = fingerprintKeys
    let data = try Self.current(.data, in: entries).identifier
    let fingerprint = try Self.current(.fingerprint, in: entries).identifier
    // A keyring of an older version has no key of a role that came later, see ``missingRoles``.
    let missing = KeyRole.missing(in: entries)
    for role in KeyRole.allCases where !missing.contains(role) {
      _ = try Self.current(role, in: entries)
    }
    missingRoles = missing
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

  /// The key that signs checkpoints and certificates.
  package func signingKey() throws(KeyringError) -> SigningKey {
    try signingKey(try current(.audit).identifier)
  }

  /// The audit key `identifier`, which must still have its secret.
  package func signingKey(_ identifier: KeyIdentifier) throws(KeyringError) -> SigningKey {
    guard let entry = entry(identifier), let key = try entry.signingKey() else {
      throw .unknownKey(identifier)
    }
    return SigningKey(identifier: identifier, key: key)
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

extension KeyRole {
  /// The roles of which `entries` has no key.
  static func missing(in entries: [KeyringEntry]) -> [KeyRole] {
    allCases.filter { role in !entries.contains { $0.role == role } }
  }
}

/// An audit key that signs, for as long as somebody holds it.
package struct SigningKey: ~Copyable {
  package let identifier: KeyIdentifier
  package let key: Ed25519PrivateKey
}

extension KeyringEntry {
  /// The key that signs; nil for an entry of another role, or without its secret.
  func signingKey() throws(KeyringError) -> Ed25519PrivateKey? {
    guard role.signs, let material else { return nil }
    return try onSystem(
      material.withUnprotectedKeyBytes { bytes throws(CryptographyError) in
        try Ed25519PrivateKey(seed: bytes)
      })
  }

  /// The check value of the key; nil where its secret is not at hand.
  func computeCheckValue(_ kek: KeyEncryptionKey) throws(KeyringError) -> [UInt8]? {
    if let key = try signingKey() { return KeyCheckValue.ofSigningKey(key.publicKey) }
    guard role.wrapsKeyring else { return try material?.checkValue() }
    return identifier == kek.identifier ? try kek.checkValue() : nil
  }

  /// Refuses a KEK that is not the one of this entry, although it has its name.
  package func check(_ kek: KeyEncryptionKey) throws(KeyringError) {
    guard let checkValue else { return }
    guard try kek.checkValue() == checkValue else { throw .keyringDoesNotOpen(identifier) }
  }
}
