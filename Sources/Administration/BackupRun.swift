internal import AuditLog
internal import Keyring
internal import RecordFormat
internal import SecretMemory
internal import Storage
internal import VaultCore
internal import VaultManagement

/// The making of one backup: on record first, then the copy, then a look at all of it.
struct BackupRun: Sendable {
  /// Shares of the whole: copying, the file's digest, the records, the log.
  private enum Step {
    static let copy: Range<UInt64> = 0..<500
    static let digest: Range<UInt64> = 500..<600
    static let records: Range<UInt64> = 600..<850
    static let log: Range<UInt64> = 850..<WorkProgress.whole
  }

  /// What came of it.
  struct Result: Sendable {
    let record: BackupRecord
    let areRecordsVerified: Bool
    let findings: [StoreCheck.Finding]
  }

  let upkeep: StoreUpkeep
  /// The keyring as it is now; nil while it is closed.
  let keyring: @Sendable () -> Keyring?
  let slots: SecretPool?
  let path: String
  let note: FreeText
  let why: KeyReason
  let actor: AuditActor

  /// Makes it. When nobody waits for it any more, it stops as long as there is no whole file.
  func run(_ progress: WorkProgress) throws -> Result {
    try upkeep.begin()
    defer { upkeep.end() }
    try FileFacts.checkTarget(path, besides: upkeep.store.directory)
    let begun = try upkeep.beginBackup(to: path, note: note, because: why, actor: actor)
    progress.begin(Step.copy)
    do throws(StorageError) {
      _ = try upkeep.store.copy(to: path) { progress.report($0, of: $1) }
    } catch {
      // Where that cannot be written either, the record stays: as of one that is unfinished.
      try? upkeep.dropBackup(begun, after: .store(error), actor: actor)
      throw RecordedFailure(cause: Self.explained(error, path: path))
    }
    return try verify(begun, progress)
  }

  /// A file that is not as it should be stays on record as unfinished: it may be all there is.
  private func verify(_ begun: BackupRecord, _ progress: WorkProgress) throws -> Result {
    var record = begun
    progress.begin(Step.digest)
    record.digest = try FileFacts.sha256(ofFile: path) { progress.report($0, of: $1) }
    let copy = try Store.open(copy: path)
    record.bytes = UInt64(try copy.statistics().fileBytes)
    try copy.read { transaction in
      record.log = try BackupRecord.Log.read(in: transaction)
      guard let header = try KeyringStore.header(in: transaction) else {
        throw KeyringError.noKeyring
      }
      record.keyEncryptionKey = header.kekIdentifier
    }
    let present = keyring()
    let own = try present.flatMap { try KeyringStore.open(inCopy: copy, ofStoreOf: $0) }
    progress.begin(Step.records)
    // Where the KEK was replaced since, the present keyring opens the copy's records all the same.
    let keys = (own ?? present).flatMap { keyring in
      slots.map { StoreInspection.Keys(keyring: keyring, slots: $0) }
    }
    let check = try StoreInspection(store: copy, keys: keys)
      .run { progress.report($0, of: $1) }
    progress.begin(Step.log)
    let log = try AuditVerifier.verify(copy) { done, total in
      progress.report(done, of: total)
      return true
    }
    let findings = check.findings.filter { !$0.isHarmless } + log.findings(against: record.log)
    return Result(
      record: try upkeep.finishBackup(
        record, keyring: own, isVerified: findings.isEmpty, actor: actor),
      areRecordsVerified: keys != nil, findings: findings)
  }

  private static func explained(_ error: StorageError, path: String) -> any Error {
    switch error {
    case .full, .noRoom:
      AdministrationError.unavailable("there is no room for the backup \(path); nothing was kept")
    case .cancelled: AdministrationError.abandoned
    default: error
    }
  }
}

extension AuditVerification {
  /// What is wrong with the log of a copy that should end as `log` says.
  func findings(against log: BackupRecord.Log) -> [StoreCheck.Finding] {
    if let finding {
      return [
        StoreCheck.Finding(
          name: "log-changed",
          detail: "the audit log was changed at sequence \(finding.sequence) "
            + "(\(finding.reason.rawValue)); run: cadenas audit verify")
      ]
    }
    guard size == log.size, root == log.root else {
      return [
        StoreCheck.Finding(name: "log-changed", detail: "the audit log is not what it ends as")
      ]
    }
    return []
  }
}
