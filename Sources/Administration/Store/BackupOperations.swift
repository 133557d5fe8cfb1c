internal import AuditLog
internal import Cryptography
internal import JSON
package import RecordFormat
internal import Storage
internal import VaultCore
package import VaultManagement

/// `store backup`: a backup, to a new file with an absolute path.
package struct BackUpStore: AdminOperation {
  /// What a note has to be, for the person who gave another.
  package static let noteRule =
    "a note has at most \(BackupRecord.longestNote) printable bytes, and may not hold "
    + FreeText.forbidden
  private static let longestPath = BackupRecord.longestPath - Store.draftAddedBytes

  package static let route = AdminRoute.change("/v1/store/backups", "path", "note")
  private let path: String
  private let note: FreeText
  private let why: KeyReason

  /// - Throws: ``AdministrationError/malformedRequest(_:)`` for a path that a backup cannot go to.
  package init(
    to path: String, note: FreeText, because why: KeyReason = .none
  ) throws(AdministrationError) {
    guard path.hasPrefix("/"), !path.hasSuffix("/"), !path.hasSuffix("/."), !path.hasSuffix("/..")
    else { throw .malformedRequest("a backup goes to a file with an absolute path") }
    let isPlain = path.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    guard path.utf8.count <= Self.longestPath, isPlain else {
      throw .malformedRequest(
        "the path of a backup is at most \(Self.longestPath) bytes without control characters")
    }
    self.path = path
    self.note = note
    self.why = why
  }

  package init(_ query: Query) throws(AdministrationError) {
    guard let path = query["path"] else { throw .malformedRequest("a backup has a path") }
    guard let note = FreeText(query["note"] ?? "", longest: BackupRecord.longestNote) else {
      throw .malformedRequest(Self.noteRule)
    }
    try self.init(to: path, note: note, because: query.reason())
  }

  package var fields: [Query.Field] {
    [("path", path), ("note", note == .none ? nil : note.text)] + why.fields
  }
  package var reason: KeyReason? { why }
  package var subject: AdminSubject { AdminSubject(words: why.words) }
  package var terms: AdminTerms {
    AdminTerms(.operate, .long, .progress, .storeBackup, isWriting: true)
  }

  package func run(_ call: AdminCall) throws {
    let run = BackupRun(
      upkeep: try call.upkeep(), keyring: { [hooks = call.hooks] in try? hooks.keyring?() },
      slots: call.hooks.slots, path: path, note: note, why: why, actor: call.actor)
    let result = try WatchedWork.run(into: call.sink) { try run.run($0) }
    try call.answer { json in
      json.member("intact", boolean: result.findings.isEmpty)
      json.member("records_verified", boolean: result.areRecordsVerified)
      result.record.write(to: &json)
      StoreCheck.write(result.findings, to: &json)
    }
  }
}

/// `store backup list`: every backup on record.
package struct ListBackups: PlainAdminOperation {
  package static let route = AdminRoute.get("/v1/store/backups")
  package var terms: AdminTerms { AdminTerms(.audit, .short, .document, .storeBackupList) }

  package init() {}

  package func run(_ call: AdminCall) throws {
    let records = try call.store.read { try BackupRecord.all(in: $0) }
    try call.show { $0.member("backups", objects: records) { $1.write(to: &$0) } }
  }
}

/// `store backup forget`: the file of a backup is destroyed.
package struct ForgetBackup: AdminOperation {
  package static let route = AdminRoute.change("/v1/store/backups/forget", "id")
  private let backup: KeyIdentifier
  private let why: KeyReason

  /// - Throws: ``AdministrationError/malformedRequest(_:)`` without a reason.
  package init(_ backup: KeyIdentifier, because why: KeyReason) throws(AdministrationError) {
    guard why != .none else { throw .malformedRequest("a reason has to be given") }
    self.backup = backup
    self.why = why
  }

  package init(_ query: Query) throws(AdministrationError) {
    guard let backup = query["id"].flatMap({ KeyIdentifier($0) }) else {
      throw .malformedRequest("a backup is named by eight hexadecimal digits")
    }
    try self.init(backup, because: query.reason())
  }

  package var fields: [Query.Field] { [("id", backup.text)] + why.fields }
  package var reason: KeyReason? { why }
  package var subject: AdminSubject { AdminSubject(words: " id=\(backup.text)" + why.words) }
  package var terms: AdminTerms {
    AdminTerms(.operate, .short, .document, .storeBackupForget, isWriting: true)
  }

  package func run(_ call: AdminCall) throws {
    let persons = call.persons(.forget)
    if persons > 1 { try call.refuseNamelessPerson() }
    guard let vault = call.hooks.vault else {
      guard persons <= 1 else {
        throw AdministrationError.refused(
          "it takes \(persons) persons (administration.approvals.forget), who are told apart by a running "
            + "service only: start it first")
      }
      let record = try call.upkeep().forgetBackup(backup, because: why, actor: call.actor)
      return try call.tell(.forgotten(record), of: .forget(backup, file: record.digest), nil)
    }
    let answer = try vault.forgetBackup(
      backup, because: why, actor: call.actor, persons: persons)
    try call.tell(answer, of: .forget(backup, file: .zero), vault)
  }
}

/// `store compact`: gives room back, and lets nothing lie in it that is deleted.
package struct CompactStore: PlainChange {
  package static let route = AdminRoute.change("/v1/store/compact")
  package let why: KeyReason
  package var terms: AdminTerms {
    AdminTerms(.operate, .long, .progress, .storeCompact, isWriting: true)
  }

  package init(because why: KeyReason = .none) { self.why = why }

  package func run(_ call: AdminCall) throws {
    let upkeep = try call.upkeep()
    let result = try WatchedWork.run(into: call.sink) { [why, actor = call.actor] progress in
      do throws(VaultError) {
        return try upkeep.compact(because: why, actor: actor) { progress.report($0, of: $1) }
      } catch {
        // What stopped it or went wrong has its entry.
        if case .store = error { throw RecordedFailure(cause: error) }
        throw error
      }
    }
    try call.answer { json in
      json.member("bytes_before", integer: result.bytesBefore)
      json.member("bytes_after", integer: result.bytesAfter)
      json.member("paused_ms", integer: result.nanosecondsPaused / 1_000_000)
    }
  }
}

extension AdminCall {
  fileprivate func upkeep() throws(AdministrationError) -> StoreUpkeep {
    guard let upkeep = hooks.upkeep else {
      throw .unavailable("the store is open for reading only")
    }
    return upkeep
  }
}

extension BackupRecord {
  /// Writes the members of the backup.
  func write(to json: inout JSONWriter) {
    json.member("id", string: identifier.text)
    json.member("state", string: state.name)
    json.member("created", unixMilliseconds: Int64(clamping: beganMilliseconds))
    json.member("path", string: path)
    json.member("bytes", integer: bytes == 0 ? nil : bytes)
    json.member("sha256", string: bytes == 0 ? nil : digest.hex)
    json.member("log_size", integer: log.size)
    json.member("log_root", string: log.root.hex)
    json.member("kek", string: keyEncryptionKey.text)
    if let keys {
      json.member("keys", strings: keys.sorted().map(\.text))
    } else {
      json.member("keys", string: nil)
    }
    json.member("actor", string: actor)
    json.member("note", string: note.isEmpty ? nil : note)
  }
}
