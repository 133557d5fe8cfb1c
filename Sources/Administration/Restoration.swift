package import AuditLog
internal import Cryptography
internal import JSON
package import Keyring
package import Ledgers
package import RecordFormat
package import SecretMemory
package import Storage
internal import SystemCalls
internal import VaultCore
package import VaultManagement

/// Makes a store of a backup, where there is none.
///
/// The new store is another one, with an identifier and an audit log of its own, whose first entry
/// names the log in the backup. It has its name when every record of it has been opened.
package struct Restoration {
  /// The backup's file.
  package let file: String
  /// The store's directory: absent, or empty.
  package let directory: String
  /// Greatest size of the store in bytes.
  package let mapSize: Int
  /// What is known of the log from elsewhere.
  package let lastKnown: LastKnown?
  /// Why, for an entry.
  let reason: KeyReason
  /// Who restores, as entries name them.
  package let actor: AuditActor
  private let clock: Clock
  private let slots: SecretPool
  private let permit: (Store) throws -> Void
  private let key: (KeyringHeader, Store) throws -> Key

  /// What opens a backup.
  package struct Key: Sendable {
    let key: KeyEncryptionKey
    let custodians: [String]

    /// A key, and the custodians whose shares have rebuilt it; none where its source has it whole.
    package init(_ key: KeyEncryptionKey, custodians: [String] = []) {
      self.key = key
      self.custodians = custodians
    }
  }

  /// Describes a restoration.
  ///
  /// - Parameters:
  ///   - slots: where cards lie while they are looked at.
  ///   - permit: is shown the backup before anything is made, and throws where it must not be used.
  ///   - key: gives the KEK that the backup's keyring names: from its source, or from the custodians
  ///     whom the backup knows.
  package init(
    of file: String, to directory: String, mapSize: Int, lastKnown: LastKnown?,
    because reason: KeyReason = .none, actor: AuditActor, clock: Clock, slots: SecretPool,
    permit: @escaping (Store) throws -> Void,
    key: @escaping (KeyringHeader, Store) throws -> Key
  ) {
    self.file = file
    self.directory = directory
    self.mapSize = mapSize
    self.lastKnown = lastKnown
    self.reason = reason
    self.actor = actor
    self.clock = clock
    self.slots = slots
    self.permit = permit
    self.key = key
  }

  /// Restores, and returns the document of `store restore`. After an error there is no store.
  ///
  /// - Parameter progress: told what is done and how far it is.
  /// - Throws: ``AdministrationError/refused(_:)`` where there is something in the directory, or the
  ///   backup is not what it should be; what `permit` and `key` throw; `StorageError`, `KeyringError`.
  package func run(
    progress: (_ what: String, _ done: UInt64, _ total: UInt64) -> Void
  ) throws -> [UInt8] {
    try checkTarget()
    // Closed when this returns: the copy is opened again by its own name.
    let backup = try examine(progress)
    var random = try RandomPool()
    guard let identifier = StoreIdentifier(try random.bytes(count: 16)) else {
      throw AdministrationError.unavailable("the system gives no random bytes")
    }
    try Store.restore(
      from: file, to: directory, mapSize: mapSize, storeIdentifier: identifier,
      leavingOut: RestoredStore.tablesLeftBehind,
      progress: { done, total in
        progress("copying", UInt64(done), UInt64(total))
        return true
      },
      populate: { transaction in
        try backup.contents.begin(
          backup.origin, keyring: backup.keyring, openedBy: backup.key.custodians,
          as: identifier, because: reason, actor: actor, clock: clock, in: &transaction)
      },
      verify: { store in try verify(store, with: backup.key.key, progress) })
    return document(backup.origin, identifier)
  }

  private struct Backup {
    let contents: RestoredStore
    let origin: RestoreOrigin
    let key: Key
    let keyring: Keyring
  }

  /// Reads what there is to know of the backup, and verifies its log, which stays behind.
  private func examine(
    _ progress: (String, UInt64, UInt64) -> Void
  ) throws -> Backup {
    let copy = try Store.open(copy: file)
    try permit(copy)
    guard let header = try copy.read({ try KeyringStore.header(in: $0) }) else {
      throw KeyringError.noKeyring
    }
    let key = try key(header, copy)
    let keyring = try KeyringStore.open(in: copy, with: key.key)
    let log = try copy.read { try BackupRecord.Log.read(in: $0) }
    let result = try AuditVerifier.verify(copy) { done, total in
      progress("verifying the log", done, total)
      return true
    }
    if let finding = result.findings(against: log).first {
      throw AdministrationError.refused("\(file) is not sound: \(finding.detail)")
    }
    if let lastKnown { try check(lastKnown, against: log, of: copy) }
    let contents = try RestoredStore(readingFrom: copy)
    return Backup(
      contents: contents,
      origin: RestoreOrigin(
        store: copy.storeIdentifier, log: log, cards: contents.cards, lastKnown: lastKnown?.log),
      key: key, keyring: keyring)
  }

  /// Refuses a backup whose log is not the one that was known.
  private func check(
    _ known: LastKnown, against log: BackupRecord.Log, of copy: Store
  ) throws {
    if let store = known.store, store != copy.storeIdentifier {
      throw AdministrationError.refused(
        "the checkpoint is of the store \(store.bytes.hexadecimal), and \(file) is of "
          + copy.identifierText)
    }
    guard known.log.size <= log.size else { return }
    var frontier = MerkleFrontier()
    try copy.read { (transaction) throws(StorageError) in
      guard known.log.size > 0 else { return }
      try transaction.forEach(in: .audit) { (_, line) throws(StorageError) in
        frontier.append(MerkleHash.leaf(line))
        return frontier.size < known.log.size
      }
    }
    guard frontier.root == known.log.root else {
      throw AdministrationError.refused(
        "the log in \(file) does not have the root that was known for its first "
          + "\(known.log.size) entries: it is another log, or one that was changed")
    }
  }

  /// Opens every record of the store as it will be.
  private func verify(
    _ store: Store, with key: KeyEncryptionKey, _ progress: (String, UInt64, UInt64) -> Void
  ) throws {
    let keyring = try KeyringStore.open(in: store, with: key)
    let check = try StoreInspection(
      store: store, keys: .init(keyring: keyring, slots: slots)
    ).run { progress("opening records", $0, $1) }
    let log = try AuditVerifier.verify(store)
    let findings =
      check.findings.filter { !$0.isHarmless }
      + log.findings(against: try store.read { try BackupRecord.Log.read(in: $0) })
    if let finding = findings.first {
      throw AdministrationError.refused(
        "what \(file) holds does not verify, and no store was made: \(finding.detail)")
    }
  }

  private func document(_ origin: RestoreOrigin, _ identifier: StoreIdentifier) -> [UInt8] {
    JSONWriter.document { json in
      json.member("store", string: identifier.bytes.hexadecimal)
      json.member("directory", string: directory)
      json.member("cards", integer: origin.cards)
      json.member("from_store", string: origin.store.bytes.hexadecimal)
      json.member("log_size", integer: origin.log.size)
      json.member("log_root", string: origin.log.root.hex)
      json.member("known_size", integer: origin.lastKnown?.size)
      json.member("known_root", string: origin.lastKnown?.root.hex)
      json.member("lost_entries", integer: origin.lostEntries)
    }
  }
}

extension Restoration {
  /// What a restoration that was cut off leaves behind.
  private static let leftovers: Set<String> = ["lock", "cards.mdb.new", "cards.mdb.new-lock"]

  private func checkTarget() throws(AdministrationError) {
    guard FileFacts.exists(directory) else { return }
    let names: [String]
    do throws(SystemFailure) { names = try Directory.names(in: directory) } catch {
      throw .refused("\(directory) exists and cannot be used: \(systemMessage(error.errno))")
    }
    // The mark of damage is all that is left of a store that was moved away; what has only its name stays.
    let foreign = names.first {
      !Self.leftovers.contains($0) && !DamageMark.isLeft(as: $0, in: directory)
    }
    if let name = foreign {
      throw .refused(
        "\(directory) is not empty (\(name)): a backup is restored to where no store is; move what "
          + "is there out of the way first")
    }
  }
}
