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
  ) throws(KeyringError) -> KeyringHeader? {
    guard let blob = try blob(in: transaction) else { return nil }
    do { return try KeyringHeader(of: blob.rawSpan) } catch { throw .malformedKeyring }
  }

  private static func blob(
    in transaction: borrowing some StoreReading & ~Copyable
  ) throws(KeyringError) -> [UInt8]? {
    try onStore(transaction.get(rowKey.rawSpan, in: .keyring)?.array)
  }

  /// Which KEK the store's keyring is wrapped under.
  package static func keyEncryptionKeyIdentifier(
    of store: Store
  ) throws(KeyringError) -> KeyIdentifier {
    let found = try store.read { (transaction) throws(KeyringError) in try header(in: transaction) }
    guard let header = found else { throw .noKeyring }
    return header.kekIdentifier
  }

  /// Opens the keyring with the KEK that it names.
  package static func open(
    in store: Store, source: any KeyEncryptionKeySource
  ) throws(KeyringError) -> Keyring {
    try open(in: store, with: source.load(keyEncryptionKeyIdentifier(of: store)))
  }

  /// Opens the keyring of a store that is to be served; nil where custodians have to.
  ///
  /// The source has to fit the store: otherwise it would wait for shares that nobody has, or look for
  /// a key that nobody made.
  package static func openAtStart(
    of store: Store, source: any KeyEncryptionKeySource
  ) throws(KeyringError) -> Keyring? {
    let key = try keyEncryptionKeyIdentifier(of: store)
    let isShared = try CustodianSet.read(in: store)?.keyIdentifier == key
    switch (isShared, source.isHeldByCustodians) {
    case (true, true): return nil
    case (true, false): throw .sourceRefuses(.heldByCustodians(key))
    case (false, true): throw .sourceRefuses(.notHeldByCustodians(key))
    case (false, false): return try open(in: store, source: source)
    }
  }

  /// Opens the keyring with `key`.
  package static func open(
    in store: Store, with key: KeyEncryptionKey
  ) throws(KeyringError) -> Keyring {
    let found = try store.read { (transaction) throws(KeyringError) in try blob(in: transaction) }
    guard let blob = found else { throw .noKeyring }
    return try open(blob, store: store.storeIdentifier, key: key)
  }

  /// Opens the keyring of `copy`, a copy of the store of `keyring`, with that one's KEK.
  ///
  /// - Returns: nil where the copy's is wrapped under another KEK.
  package static func open(
    inCopy copy: Store, ofStoreOf keyring: Keyring
  ) throws(KeyringError) -> Keyring? {
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
    try change.addMissingRoles(cryptoperiods: cryptoperiods, atMilliseconds: now)
    return try change.keyring()
  }

  /// Writes the keyring in the place of the one before.
  package static func save(
    _ keyring: Keyring, for store: StoreIdentifier, in transaction: inout StoreWriteTransaction
  ) throws(KeyringError) {
    let blob = try keyring.seal(store: store)
    try onStore(transaction.put(key: rowKey.rawSpan, value: blob.rawSpan, in: .keyring))
  }
}
