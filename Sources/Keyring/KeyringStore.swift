import Cryptography
package import RecordFormat
import SecretMemory
package import Storage

/// Reads, makes and writes the keyring of a store.
///
/// The one row of the table `keyring`, under the key `keyring`, is the wrapped keyring; its header
/// names the KEK in clear.
package enum KeyringStore {
  private static let rowKey: [UInt8] = Array("keyring".utf8)

  /// Which KEK the store's keyring is wrapped under, and its generation; nil where there is none.
  package static func header(
    in transaction: borrowing some StoreReading & ~Copyable
  ) throws -> KeyringHeader? {
    guard let blob = try transaction.get(rowKey.rawSpan, in: .keyring) else { return nil }
    do { return try KeyringHeader(of: blob) } catch { throw KeyringError.malformedKeyring }
  }

  /// Opens the keyring with the KEK that it names.
  ///
  /// - Throws: ``KeyringError``, `StorageError`.
  package static func open(
    in store: Store, source: FileKeySource
  ) throws -> Keyring {
    let row = try store.read { transaction -> [UInt8]? in
      guard let blob = try transaction.get(rowKey.rawSpan, in: .keyring) else { return nil }
      return unsafe blob.withUnsafeBytes { unsafe [UInt8]($0) }
    }
    guard let blob = row else { throw KeyringError.noKeyring }
    return try open(blob, store: store.storeIdentifier, source: source)
  }

  private static func open(
    _ blob: [UInt8], store: StoreIdentifier, source: FileKeySource
  ) throws(KeyringError) -> Keyring {
    let header: KeyringHeader
    do { header = try KeyringHeader(of: blob.rawSpan) } catch { throw .malformedKeyring }
    let secret = try source.load(header.kekIdentifier)
    let key = KeyEncryptionKey(header.kekIdentifier, KeyMaterial(secret))
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

  /// Makes a KEK in `source` and the first key of each role. The KEK is durable when this returns; the
  /// keyring is to be written with ``save(_:for:in:)``.
  package static func create(
    source: FileKeySource, cryptoperiods: Cryptoperiods, atMilliseconds now: UInt64
  ) throws(KeyringError) -> Keyring {
    do {
      var random = try RandomPool()
      var identifiers: Set<KeyIdentifier> = []
      func fresh() throws -> KeyIdentifier {
        while true {
          let candidate = KeyIdentifier(UInt32(truncatingIfNeeded: try random.next()))
          if identifiers.insert(candidate).inserted { return candidate }
        }
      }
      let kekIdentifier = try fresh()
      let secret = try SecretBytes.random(count: FileKeySource.keySize)
      try source.create(kekIdentifier, secret)
      var entries = [
        KeyringEntry(
          identifier: kekIdentifier, role: .kek, state: .active, createdMilliseconds: now,
          cryptoperiodSeconds: cryptoperiods[.kek], material: nil)
      ]
      for role in [KeyRole.data, .fingerprint, .audit] {
        let material = KeyMaterial(try SecretBytes.random(count: 32))
        entries.append(
          KeyringEntry(
            identifier: try fresh(), role: role, state: .active, createdMilliseconds: now,
            cryptoperiodSeconds: cryptoperiods[role], material: material))
      }
      return try Keyring(
        entries: entries,
        keyEncryptionKey: KeyEncryptionKey(kekIdentifier, KeyMaterial(secret)), generation: 1)
    } catch let error as KeyringError {
      throw error
    } catch {
      throw .systemUnavailable
    }
  }

  /// Writes the keyring in the place of the one before.
  package static func save(
    _ keyring: Keyring, for store: StoreIdentifier, in transaction: inout StoreWriteTransaction
  ) throws {
    let blob = try keyring.seal(store: store)
    try transaction.put(key: rowKey.rawSpan, value: blob.rawSpan, in: .keyring)
  }
}
