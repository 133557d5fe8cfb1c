internal import AuditLog
package import RecordFormat
package import Vault

/// What can be asked about the store as a whole, beside its figures and its verification.
package enum StoreRequest: Equatable, Sendable {
  /// A backup, to a new file with an absolute path.
  case backup(to: String, note: FreeText)
  /// Every backup on record.
  case backups
  /// The file of a backup is destroyed.
  case forgetBackup(KeyIdentifier, because: KeyReason)
  /// Gives room back, and lets nothing lie in it that is deleted.
  case compact
}

extension StoreRequest {
  var form: AdminRequest.Form {
    switch self {
    case .backup, .compact: .progress
    case .backups, .forgetBackup: .document
    }
  }

  var auditOperation: AuditOperation {
    switch self {
    case .backup: .storeBackup
    case .backups: .storeBackupList
    case .forgetBackup: .storeBackupForget
    case .compact: .storeCompact
    }
  }

  var leastRole: Role {
    switch self {
    case .backups: .auditor
    case .backup, .forgetBackup, .compact: .operator
    }
  }

  var isLong: Bool { form == .progress }

  /// Whether a store that no service works with has to be opened for writing.
  package var isWriting: Bool { self != .backups }

  var method: String { self == .backups ? "GET" : "POST" }

  var target: String {
    switch self {
    case .backups: "/v1/store/backups"
    case .backup(let path, let note):
      "/v1/store/backups"
        + Query.text([("path", path), ("note", note == .none ? nil : note.text)])
    case .forgetBackup(let backup, let reason):
      "/v1/store/backups/forget" + Query.text([("id", backup.text)] + reason.pairs)
    case .compact: "/v1/store/compact"
    }
  }

  /// Reads what ``method`` and ``target`` say; nil where no such thing can be asked.
  static func parse(
    method: String, path: Substring, query: Substring
  ) throws(AdministrationError) -> StoreRequest? {
    let request: StoreRequest
    switch (method, path) {
    case ("GET", "/v1/store/backups") where query.isEmpty: request = .backups
    case ("POST", "/v1/store/compact") where query.isEmpty: request = .compact
    case ("POST", "/v1/store/backups"):
      let query = try Query(query, knowing: ["path", "note"])
      guard let path = query["path"] else { throw .malformedRequest("a backup has a path") }
      guard let note = FreeText(query["note"] ?? "", longest: BackupRecord.longestNote) else {
        throw .malformedRequest(noteRule)
      }
      request = .backup(to: path, note: note)
    case ("POST", "/v1/store/backups/forget"):
      let query = try Query(query, knowing: ["id", "ticket", "reason"])
      guard let backup = query["id"].flatMap({ KeyIdentifier($0) }) else {
        throw .malformedRequest("a backup is named by eight hexadecimal digits")
      }
      request = .forgetBackup(backup, because: try AdminRequest.reason(query))
    default: return nil
    }
    if let mistake = request.mistake { throw .malformedRequest(mistake) }
    return request
  }
}

// MARK: - Texts

extension StoreRequest {
  /// What a note has to be, for the person who gave another.
  package static let noteRule =
    "a note has at most \(BackupRecord.longestNote) printable bytes, and may not hold "
    + FreeText.forbidden

  /// What is wrong with the request, for the one who asks; nil where nothing is.
  package var mistake: String? {
    switch self {
    case .backups, .compact: nil
    case .backup(let path, _): Self.mistake(inPath: path)
    case .forgetBackup(_, let reason): reason == .none ? "a reason has to be given" : nil
    }
  }

  private static func mistake(inPath path: String) -> String? {
    guard path.hasPrefix("/"), !path.hasSuffix("/"), !path.hasSuffix("/."), !path.hasSuffix("/..")
    else { return "a backup goes to a file with an absolute path" }
    let isPlain = path.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    // The draft's name is four bytes longer.
    guard path.utf8.count <= BackupRecord.longestPath - 4, isPlain else {
      return "the path of a backup is at most \(BackupRecord.longestPath - 4) bytes "
        + "without control characters"
    }
    return nil
  }
}
