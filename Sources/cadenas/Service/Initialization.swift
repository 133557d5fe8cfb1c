import Administration
import AuditLog
import Configuration
import Cryptography
import Glibc
import Keyring
import RecordFormat
import Storage
import Vault

/// What `cadenas init` does: makes the KEK, the first key of each role, and the store.
enum Initialization {
  /// What was made.
  struct Outcome {
    let keys: [KeyStatus]
    let keyFile: String
    let store: String
  }

  /// Makes a store where there is none. The KEK is durable before the store that needs it.
  static func run(_ configuration: ServiceConfiguration) throws -> Outcome {
    let directory = configuration.store.path
    guard unsafe access(directory + "/cards.mdb", F_OK) != 0 else {
      throw StorageError.alreadyInitialized(directory: directory)
    }
    if configuration.keys == .credentials {
      throw CommandFailure(
        .invalid,
        "a credential is read-only: run init with \"keys: {source: file, path: …}\", "
          + "encrypt the key file with systemd-creds, and then set \"source: credential\"")
    }
    let source = try KeyOpening.source(configuration.keys)
    let now = UInt64(Clocks.unixMilliseconds())
    let keyring = try KeyringStore.create(
      under: source.makeKey(besides: []), cryptoperiods: .standard, atMilliseconds: now)
    let identifier = try newIdentifier()
    do {
      try Store.create(
        at: directory, mapSize: Int(configuration.store.mapSizeBytes), storeIdentifier: identifier
      ) { transaction in
        try KeyringStore.save(keyring, for: identifier, in: &transaction)
        if configuration.development { try KeyOpening.markDevelopment(in: &transaction) }
        try recordFirstEntries(of: keyring, in: &transaction)
      }
    } catch {
      // A key that wraps nothing would only be taken for one that matters. One that wraps a store,
      // which came to stand although a later step failed, stays.
      if unsafe access(directory + "/cards.mdb", F_OK) != 0 {
        unsafe unlink(source.path(of: keyring.keyEncryptionKeyIdentifier))
      }
      throw error
    }
    return Outcome(
      keys: try keyring.status(cards: [:], atMilliseconds: now),
      keyFile: source.path(of: keyring.keyEncryptionKeyIdentifier), store: directory)
  }

  private static func newIdentifier() throws -> StoreIdentifier {
    var random = try RandomPool()
    guard let identifier = StoreIdentifier(try random.bytes(count: 16)) else {
      throw CommandFailure(.unavailable, "the system gives no random bytes")
    }
    return identifier
  }

  /// The store's first entry, and one for each key, so that no key's life begins before the log.
  private static func recordFirstEntries(
    of keyring: Keyring, in transaction: inout StoreWriteTransaction
  ) throws {
    let log = AuditLog()
    let actor = HostUser.current.actor
    let now = Clocks.unixMilliseconds()
    try log.append(
      AuditEntry(actor: actor, operation: "init", outcome: AuditWord.Outcome.done),
      atMilliseconds: now, in: &transaction)
    for key in keyring.entries {
      let checkValue = key.checkValue.map(KeyCheckValue.text) ?? "-"
      try log.append(
        AuditEntry(
          actor: actor, operation: AuditWord.Operation.keysCreate, key: key.identifier.text,
          outcome: AuditWord.Outcome.done,
          reason: "role=\(key.role.name) check_value=\(checkValue)"),
        atMilliseconds: now, in: &transaction)
    }
    try log.batchWillCommit(&transaction)
  }
}
