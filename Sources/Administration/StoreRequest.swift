package import RecordFormat
internal import Vault

/// What can be asked about the store as a whole, beside its figures and its verification.
package enum StoreRequest: Equatable, Sendable {
  /// A backup, to a new file with an absolute path.
  case backup(to: String, note: String)
  /// Every backup on record.
  case backups
  /// The file of a backup is destroyed.
  case forgetBackup(KeyIdentifier, reason: String)
  /// Gives room back, and lets nothing lie in it that is deleted.
  case compact
}

extension StoreRequest {
  /// The longest reason, in bytes: it stands in an entry beside the backup's name.
  package static let longestReason = 200

  var form: AdminRequest.Form {
    switch self {
    case .backup, .compact: .progress
    case .backups, .forgetBackup: .document
    }
  }

  var auditOperation: String {
    switch self {
    case .backup: AuditWord.Operation.storeBackup
    case .backups: "store.backup.list"
    case .forgetBackup: AuditWord.Operation.storeBackupForget
    case .compact: AuditWord.Operation.storeCompact
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
    let encode = PercentEncoding.encode
    return switch self {
    case .backups: "/v1/store/backups"
    case .backup(let path, let note):
      "/v1/store/backups?path=\(encode(path))&note=\(encode(note))"
    case .forgetBackup(let backup, let reason):
      "/v1/store/backups/forget?id=\(backup.text)&reason=\(encode(reason))"
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
      guard let values = values(of: ["path", "note"], in: query) else {
        throw .malformedRequest("a backup has a path and a note")
      }
      request = .backup(to: values[0], note: values[1])
    case ("POST", "/v1/store/backups/forget"):
      guard let values = values(of: ["id", "reason"], in: query),
        let backup = KeyIdentifier(values[0])
      else { throw .malformedRequest("a backup to be forgotten has an id, and a reason is given") }
      request = .forgetBackup(backup, reason: values[1])
    default: return nil
    }
    if let mistake = request.mistake { throw .malformedRequest(mistake) }
    return request
  }

  /// The values of a query that has exactly these members in this order.
  private static func values(of names: [String], in query: Substring) -> [String]? {
    let parts = query.split(separator: "&", omittingEmptySubsequences: false)
    guard parts.count == names.count else { return nil }
    var values: [String] = []
    for (name, part) in zip(names, parts) {
      guard part.hasPrefix("\(name)="),
        let value = PercentEncoding.decode(part.dropFirst(name.utf8.count + 1))
      else { return nil }
      values.append(value)
    }
    return values
  }
}

// MARK: - Texts

extension StoreRequest {
  /// What is wrong with the texts of the request, for the one who asks; nil where nothing is.
  package var mistake: String? {
    switch self {
    case .backups, .compact: nil
    case .backup(let path, let note):
      Self.mistake(inPath: path)
        ?? Self.mistake(in: note, called: "a note", longest: BackupRecord.longestNote)
    case .forgetBackup(_, let reason):
      reason.isEmpty
        ? "a reason has to be given"
        : Self.mistake(in: reason, called: "a reason", longest: Self.longestReason)
    }
  }

  private static func mistake(inPath path: String) -> String? {
    guard path.hasPrefix("/"), !path.hasSuffix("/"), !path.hasSuffix("/."), !path.hasSuffix("/..")
    else { return "a backup goes to a file with an absolute path" }
    // The draft's name is four bytes longer.
    guard path.utf8.count <= BackupRecord.longestPath - 4, isPlain(path) else {
      return "the path of a backup is at most \(BackupRecord.longestPath - 4) bytes "
        + "without control characters"
    }
    return nil
  }

  private static func mistake(in text: String, called name: String, longest: Int) -> String? {
    guard text.utf8.count <= longest, isPlain(text) else {
      return "\(name) is at most \(longest) bytes without control characters"
    }
    guard !holdsLongNumber(text) else {
      return "\(name) holds twelve or more digits in a row, which could be a card number"
    }
    return nil
  }

  private static func isPlain(_ text: String) -> Bool {
    text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
  }

  /// Twelve or more digits in a row, spaces and hyphens ignored.
  private static func holdsLongNumber(_ text: String) -> Bool {
    var digits = 0
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        digits += 1
        if digits == 12 { return true }
      case UInt8(ascii: " "), UInt8(ascii: "-"): continue
      default: digits = 0
      }
    }
    return false
  }
}
