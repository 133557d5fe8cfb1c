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
  package static func open(
    in store: Store, source: FileKeySource
  ) throws -> Keyring {
    guard let header = try store.read({ try Self.header(in: $0) }) else {
      throw KeyringError.noKeyring
    }
    let secret = try source.load(header.kekIdentifier)
    let key = KeyEncryptionKey(header.kekIdentifier, KeyMaterial(secret))
    let entries = try store.read { transaction in
      guard let blob = try transaction.get(rowKey.rawSpan, in: .keyring) else {
        throw KeyringError.noKeyring
      }
      var cipher = try key.makeCipher()
      let identifier = store.storeIdentifier.bytes
      do {
        return try KeyringBlob.open(blob, store: identifier.rawSpan, cipher: &cipher)
      } catch RecordError.authenticationFailed {
        throw KeyringError.keyringDoesNotOpen(header.kekIdentifier)
      } catch {
        throw KeyringError.malformedKeyring
      }
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
