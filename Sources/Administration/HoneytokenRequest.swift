internal import AuditLog
package import Cards
package import Vault

/// What can be asked about honeytokens.
package enum HoneytokenRequest: Equatable, Sendable {
  /// A new one, for the database of a merchant.
  case add(merchant: String, note: FreeText)
  /// Every one.
  case list
  /// One that is not watched any more.
  case remove(Token)
}

extension HoneytokenRequest {
  /// What a note has to be, for the person who gave another.
  package static let noteRule =
    "a note has at most \(Honeytoken.longestNote) printable bytes, and may not hold "
    + FreeText.forbidden

  var auditOperation: AuditOperation {
    switch self {
    case .add: .honeytokenAdd
    case .list: .honeytokenList
    case .remove: .honeytokenRemove
    }
  }

  var leastRole: Role { self == .list ? .auditor : .operator }

  var method: String { self == .list ? "GET" : "POST" }

  var target: String {
    switch self {
    case .list: "/v1/honeytokens"
    case .add(let merchant, let note):
      "/v1/honeytokens"
        + Query.text([("merchant", merchant), ("note", note == .none ? nil : note.text)])
    case .remove(let token): "/v1/honeytokens/remove" + Query.text([("token", token.text)])
    }
  }

  /// Reads what ``method`` and ``target`` say; nil where no such thing can be asked.
  static func parse(
    method: String, path: Substring, query: Substring
  ) throws(AdministrationError) -> HoneytokenRequest? {
    switch (method, path) {
    case ("GET", "/v1/honeytokens") where query.isEmpty: return .list
    case ("POST", "/v1/honeytokens"):
      let query = try Query(query, knowing: ["merchant", "note"])
      guard let merchant = query["merchant"] else {
        throw .malformedRequest("a honeytoken is for a merchant")
      }
      guard let note = FreeText(query["note"] ?? "", longest: Honeytoken.longestNote) else {
        throw .malformedRequest(noteRule)
      }
      return .add(merchant: merchant, note: note)
    case ("POST", "/v1/honeytokens/remove"):
      let query = try Query(query, knowing: ["token"])
      guard let token = query["token"].flatMap({ Token($0) }) else {
        throw .malformedRequest("a honeytoken is named by its text, tok_…")
      }
      return .remove(token)
    default: return nil
    }
  }
}
