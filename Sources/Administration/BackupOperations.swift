internal import AuditLog
internal import Cryptography
internal import JSON
internal import RecordFormat
internal import Storage
internal import Vault

extension Operations {
  /// Does what concerns the store as a whole.
  func look(after request: StoreRequest, actor: String, into sink: Sink) throws {
    if let mistake = request.mistake { throw AdministrationError.malformedRequest(mistake) }
    switch request {
    case .backups:
      let document = try backups()
      try hooks.record?(
        AuditEntry(actor: actor, operation: request.auditOperation, outcome: .done))
      try sink(.document(document))
    case .backup(let path, let note):
      try sink(.document(try backUp(to: path, note: note, actor: actor, into: sink)))
    case .forgetBackup(let backup, let reason):
      try sink(.document(try forget(backup, because: reason, actor: actor)))
    case .compact: try sink(.document(try compact(actor: actor, into: sink)))
    }
  }

  private func upkeep() throws -> StoreUpkeep {
    guard let upkeep = hooks.upkeep else {
      throw AdministrationError.unavailable("the store is open for reading only")
    }
    return upkeep
  }

  private func backUp(
    to path: String, note: FreeText, actor: String, into sink: Sink
  ) throws -> [UInt8] {
    let run = BackupRun(
      upkeep: try upkeep(), keyring: { [hooks] in try? hooks.keyring?() }, slots: hooks.slots,
      path: path, note: note, actor: actor)
    let result = try WatchedWork.run(into: sink) { try run.run($0) }
    var json = JSONWriter()
    json.beginObject()
    json.member("intact", boolean: result.findings.isEmpty)
    json.member("records_verified", boolean: result.areRecordsVerified)
    result.record.write(to: &json)
    StoreCheck.write(result.findings, to: &json)
    json.endObject()
    return json.bytes
  }

  /// The document of `store backup list`.
  private func backups() throws -> [UInt8] {
    let records = try store.read { try BackupRecord.all(in: $0) }
    var json = JSONWriter()
    json.beginObject()
    json.name("backups")
    json.beginArray()
    for record in records {
      json.beginObject()
      record.write(to: &json)
      json.endObject()
    }
    json.endArray()
    json.endObject()
    return json.bytes
  }

  private func forget(
    _ backup: KeyIdentifier, because reason: KeyReason, actor: String
  ) throws -> [UInt8] {
    let record = try upkeep().forgetBackup(backup, because: reason, actor: actor)
    var json = JSONWriter()
    json.beginObject()
    record.write(to: &json)
    json.member("file_exists", boolean: FileFacts.exists(record.path))
    json.endObject()
    return json.bytes
  }

  /// The document of `store compact`.
  private func compact(actor: String, into sink: Sink) throws -> [UInt8] {
    let upkeep = try upkeep()
    let result = try WatchedWork.run(into: sink) { progress in
      try upkeep.compact(actor: actor) { progress.report($0, of: $1) }
    }
    var json = JSONWriter()
    json.beginObject()
    json.member("bytes_before", integer: result.bytesBefore)
    json.member("bytes_after", integer: result.bytesAfter)
    json.member("paused_ms", integer: result.nanosecondsPaused / 1_000_000)
    json.endObject()
    return json.bytes
  }
}

extension BackupRecord {
  /// Writes the members of the backup.
  fileprivate func write(to json: inout JSONWriter) {
    json.member("id", string: identifier.text)
    json.member("state", string: state.name)
    json.member("created", unixMilliseconds: Int64(clamping: beganMilliseconds))
    json.member("path", string: path)
    json.member("bytes", integer: bytes == 0 ? nil : bytes)
    json.member("sha256", string: bytes == 0 ? nil : digest.hex)
    json.member("log_size", integer: log.size)
    json.member("log_root", string: log.root.hex)
    json.member("kek", string: keyEncryptionKey.text)
    json.name("keys")
    if let keys {
      json.beginArray()
      for key in keys.sorted() { json.string(key.text) }
      json.endArray()
    } else {
      json.null()
    }
    json.member("actor", string: actor)
    json.member("note", string: note.isEmpty ? nil : note)
  }
}
