import Administration
import AuditLog
import ConfigurationReading
import Cryptography
import Glibc
import Keyring
import Storage
import SystemCalls
import VaultCore

/// What `cadenas init` does: makes the KEK, the first key of each role, and the store.
enum Initialization {
  /// The keys that were made, the file of the KEK and the store.
  struct Outcome {
    let keys: [KeyStatus]
    let keyFile: String
    let store: String
  }

  /// Makes a store where there is none. The KEK is durable before the store that needs it.
  static func run(_ configuration: ServiceConfiguration) throws -> Outcome {
    try checkAbsence(of: configuration.store.path)
    let source = configuration.keys.source
    try checkPlaces(configuration)
    let now = UInt64(SystemClock.unixMilliseconds())
    let keyring = try KeyringStore.create(
      under: source.make(besides: []), cryptoperiods: configuration.keyRules.cryptoperiods,
      atMilliseconds: now)
    let kek = keyring.keyEncryptionKeyIdentifier
    do {
      try makeStore(configuration, try newIdentifier(), keyring)
    } catch {
      // A key that wraps nothing would only be taken for one that matters. One that wraps a store,
      // which came to stand although a later step failed, stays.
      if !exists(configuration.store.path) { try? source.destroy(kek) }
      throw error
    }
    return Outcome(
      keys: try keyring.status(cards: [:], atMilliseconds: now),
      keyFile: source.place(of: kek),
      store: configuration.store.path)
  }

  /// Whether there is a store in `directory`.
  static func exists(_ directory: String) -> Bool {
    unsafe access(directory + "/cards.mdb", F_OK) == 0
  }

  /// Refuses to go on where there is a store.
  static func checkAbsence(of directory: String) throws(StorageError) {
    guard !exists(directory) else { throw .alreadyInitialized(directory: directory) }
  }

  /// Makes the store with its keyring and first entries, and what `body` adds, in one transaction.
  static func makeStore(
    _ configuration: ServiceConfiguration, _ identifier: StoreIdentifier, _ keyring: Keyring,
    entries: [AuditEntry] = [], _ body: (inout StoreWriteTransaction) throws -> Void = { _ in }
  ) throws {
    try Store.create(
      at: configuration.store.path, mapSize: Int(configuration.store.mapSizeBytes),
      storeIdentifier: identifier
    ) { transaction in
      try KeyringStore.save(keyring, for: identifier, in: &transaction)
      if configuration.development { try DevelopmentMark.set(in: &transaction) }
      try body(&transaction)
      let first = AuditEntry(
        actor: actor, operation: .initialize, outcome: .done)
      try record([first] + entries + creations(of: keyring), in: &transaction)
    }
  }

  /// Who makes the store.
  static var actor: AuditActor { HostUser.currentActor }

  static func newIdentifier() throws -> StoreIdentifier {
    var random = try RandomPool()
    guard let identifier = StoreIdentifier(try random.bytes(count: 16)) else {
      throw CommandFailure(.unavailable, "the system gives no random bytes")
    }
    return identifier
  }

  /// An entry for each key, so that no key's life begins before the log.
  private static func creations(of keyring: Keyring) -> [AuditEntry] {
    keyring.entries.map { .creation(of: $0, by: actor) }
  }

  private static func record(
    _ entries: [AuditEntry], in transaction: inout StoreWriteTransaction
  ) throws {
    let log = AuditLog()
    for entry in entries {
      try log.append(entry, atMilliseconds: SystemClock.unixMilliseconds(), in: &transaction)
    }
    try log.batchWillCommit(&transaction)
  }
}
