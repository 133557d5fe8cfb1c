import Glibc
package import RecordFormat

/// Where key-encryption keys are made and kept. Whoever works with keys need not know which kind it is.
///
/// The three there are give a key into this process's memory. One whose keys stay where they are, such
/// as an HSM, takes a ``KeyEncryptionKey`` that wraps and unwraps without holding bytes.
package protocol KeyEncryptionKeySource: Sendable {
  /// Whether its keys are in the hands of custodians, whose shares open the vault.
  var isHeldByCustodians: Bool { get }

  /// The directory in which new keys are written; nil where they are kept elsewhere.
  var directoryOfNewKeys: String? { get }

  /// Where a person finds a key, or looks for it.
  func place(of identifier: KeyIdentifier) -> String

  /// A key that is there.
  func load(_ identifier: KeyIdentifier) throws(KeyringError) -> KeyEncryptionKey

  /// Makes a new key, durable, for a store that has `known` keys: none where the store is yet to be
  /// made.
  func make(besides known: [KeyIdentifier]) throws(KeyringError) -> KeyEncryptionKey

  /// Takes a key out of the source for good. One that is gone already is fine; see
  /// ``destroy(_:of:)`` for one that may be elsewhere.
  func destroy(_ identifier: KeyIdentifier) throws(KeyringError)
}

extension KeyEncryptionKeySource {
  package var isHeldByCustodians: Bool { false }

  package var directoryOfNewKeys: String? { nil }

  package func place(of identifier: KeyIdentifier) -> String { identifier.text + ".kek" }

  /// Looks whether the source gives the KEK in force of `keyring`, as the next start or unseal will ask it
  /// to.
  package func checkKeyInForce(of keyring: Keyring) throws(KeyringError) {
    let identifier = keyring.keyEncryptionKeyIdentifier
    // One that custodians hold is in no source.
    guard let entry = keyring.entry(identifier), entry.origin != .ceremony else { return }
    try entry.check(load(identifier))
  }

  /// Takes the KEK of an entry out of the source. One that custodians held is gone with their shares,
  /// which are theirs to destroy.
  ///
  /// One that is not there counts as destroyed only where the KEK in force of `keyring` is: below the mount
  /// point of a disk that is not mounted, no key is.
  /// - Throws: ``KeyringError/keyOutOfReach(_:besides:directory:)``.
  package func destroy(_ key: KeyringEntry, of keyring: Keyring) throws(KeyringError) {
    if key.origin == .ceremony { return }
    do throws(KeyringError) { try checkKeyInForce(of: keyring) } catch {
      guard case .keyEncryptionKeyMissing(let inForce, let directory) = error else { throw error }
      throw .keyOutOfReach(key.identifier, besides: inForce, directory: directory)
    }
    try destroy(key.identifier)
  }
}

/// Files `KEYID.kek` among the credentials that systemd hands to the unit: root's, and read-only.
package struct CredentialKeySource: KeyEncryptionKeySource {
  private let directory: String?

  /// A source over the directory that the environment names; nil where it names none, which counts
  /// when a key is asked for.
  package init(directory: String?) { self.directory = directory }

  private func files() throws(KeyringError) -> FileKeySource {
    guard let directory else { throw .sourceRefuses(.noCredentials) }
    return FileKeySource(directory: directory)
  }

  package func load(_ identifier: KeyIdentifier) throws(KeyringError) -> KeyEncryptionKey {
    try files().load(identifier)
  }

  package func make(besides known: [KeyIdentifier]) throws(KeyringError) -> KeyEncryptionKey {
    throw .sourceRefuses(.credentialIsReadOnly(isFirst: known.isEmpty))
  }

  package func destroy(_ identifier: KeyIdentifier) throws(KeyringError) {
    guard unsafe access(try files().place(of: identifier), F_OK) != 0 else {
      throw .sourceRefuses(.credentialRemains(identifier))
    }
  }
}

/// Shares that custodians hold. The vault takes them one by one, see ``ShareCollection``; no key can be
/// had here but one of before the custodians, which is to be destroyed.
package struct CustodianKeySource: KeyEncryptionKeySource {
  private let former: FileKeySource?

  /// - Parameter formerPath: the directory with a key of before the custodians.
  package init(formerPath: String?) { former = formerPath.map(FileKeySource.init) }

  package var isHeldByCustodians: Bool { true }

  package func load(_ identifier: KeyIdentifier) throws(KeyringError) -> KeyEncryptionKey {
    throw .sourceRefuses(.sharesNeeded)
  }

  package func make(besides known: [KeyIdentifier]) throws(KeyringError) -> KeyEncryptionKey {
    throw .sourceRefuses(known.isEmpty ? .ceremonyNeeded : .sharesNeeded)
  }

  package func destroy(_ identifier: KeyIdentifier) throws(KeyringError) {
    guard let former else { throw .sourceRefuses(.noFormerPath(identifier)) }
    try former.destroy(identifier)
  }
}

/// Why a source of key-encryption keys does not do what was asked, although nothing is broken.
package enum KeySourceRefusal: Equatable, Sendable {
  /// The process was given no credentials.
  case noCredentials
  /// Nobody but root makes a credential: neither the first one of a store nor the next.
  case credentialIsReadOnly(isFirst: Bool)
  /// The process still gets the credential of a key that is to be gone.
  case credentialRemains(KeyIdentifier)
  /// Custodians hold the key in shares.
  case sharesNeeded
  /// Custodians are to hold the first key of a store, which takes a ceremony.
  case ceremonyNeeded
  /// Nobody has said where a key of before the custodians lies.
  case noFormerPath(KeyIdentifier)
  /// Custodians hold the key of the store, and the source is another one.
  case heldByCustodians(KeyIdentifier)
  /// The source is custodians, and nobody holds a share of the key of the store.
  case notHeldByCustodians(KeyIdentifier)
}
