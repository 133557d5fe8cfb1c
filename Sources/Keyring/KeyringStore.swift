internal import Bytes
import Cryptography
package import RecordFormat
package import Storage

/// Reads, makes and writes the keyring of a store.
///
/// The row `keyring` of the table of that name is the wrapped keyring; its header names the KEK in
/// clear.
package enum KeyringStore {
  private static let rowKey: [UInt8] = Array("keyring".utf8)

  /// Which KEK the store's keyring is wrapped under, and its generation; nil where there is none.
  package static func header(
    in transaction: borrowing some StoreReading & ~Copyable
  ) throws -> KeyringHeader? {
    guard let blob = try transaction.get(rowKey.rawSpan, in: .keyring) else { return nil }
    do { return try KeyringHeader(of: blob) } catch { throw KeyringError.malformedKeyring }
  }

  /// Which KEK the store's keyring is wrapped under.
  ///
  /// - Throws: ``KeyringError/noKeyring``, `StorageError`.
  package static func keyEncryptionKeyIdentifier(of store: Store) throws -> KeyIdentifier {
    guard let header = try store.read({ try header(in: $0) }) else { throw KeyringError.noKeyring }
    return header.kekIdentifier
  }

  /// Opens the keyring with the KEK that it names.
  ///
  /// - Throws: ``KeyringError``, `StorageError`.
  package static func open(in store: Store, source: FileKeySource) throws -> Keyring {
    let identifier = try keyEncryptionKeyIdentifier(of: store)
    return try open(
      in: store, with: KeyEncryptionKey(identifier, try source.load(identifier)))
  }

  /// Opens the keyring with `key`.
  ///
  /// - Throws: ``KeyringError``, `StorageError`.
  package static func open(in store: Store, with key: KeyEncryptionKey) throws -> Keyring {
    let row = try store.read { transaction -> [UInt8]? in
      guard let blob = try transaction.get(rowKey.rawSpan, in: .keyring) else { return nil }
      return blob.array
    }
    guard let blob = row else { throw KeyringError.noKeyring }
    return try open(blob, store: store.storeIdentifier, key: key)
  }

  /// Opens the keyring of `copy`, a copy of the store of `keyring`, with that one's KEK.
  ///
  /// - Returns: nil where the copy's is wrapped under another KEK.
  /// - Throws: ``KeyringError``, `StorageError`.
  package static func open(inCopy copy: Store, ofStoreOf keyring: Keyring) throws -> Keyring? {
    let key = keyring.keyEncryptionKey
    guard try keyEncryptionKeyIdentifier(of: copy) == key.identifier else { return nil }
    return try open(in: copy, with: key)
  }

  private static func open(
    _ blob: [UInt8], store: StoreIdentifier, key: KeyEncryptionKey
  ) throws(KeyringError) -> Keyring {
    let header: KeyringHeader
    do { header = try KeyringHeader(of: blob.rawSpan) } catch { throw .malformedKeyring }
    let entries: [KeyringEntry]
    do {
      var cipher = try key.makeCipher()
      entries = try KeyringBlob.open(
        blob.rawSpan, store: store.bytes.rawSpan, cipher: &cipher)
    } catch let error as RecordError {
      switch error {
      case .authenticationFailed: throw .keyringDoesNotOpen(header.kekIdentifier)
      case .unsupportedVersion, .malformed, .invalidContent, .tooLarge: throw .malformedKeyring
      case .memoryUnavailable, .cipher: throw .systemUnavailable
      }
    } catch {
      throw .systemUnavailable
    }
    return try Keyring(
      entries: entries, keyEncryptionKey: key, generation: header.generation)
  }

  /// The first keyring of a store: the first key of each role, under a KEK that is durable already.
  /// It is to be written with ``save(_:for:in:)``.
  package static func create(
    under key: KeyEncryptionKey, origin: KeyOrigin = .initialization,
    cryptoperiods: Cryptoperiods, atMilliseconds now: UInt64
  ) throws(KeyringError) -> Keyring {
    let entry = try KeyringEntry.keyEncryptionKey(
      key, origin: origin, cryptoperiodSeconds: cryptoperiods[.kek], atMilliseconds: now)
    var change = KeyringChange(firstUnder: key, entry)
    for role in [KeyRole.data, .fingerprint, .audit] {
      try change.rotate(role, cryptoperiodSeconds: cryptoperiods[role], atMilliseconds: now)
    }
    return try change.keyring()
  }

  /// Writes the keyring in the place of the one before.
  package static func save(
    _ keyring: Keyring, for store: StoreIdentifier, in transaction: inout StoreWriteTransaction
  ) throws {
    let blob = try keyring.seal(store: store)
    try transaction.put(key: rowKey.rawSpan, value: blob.rawSpan, in: .keyring)
  }
}
