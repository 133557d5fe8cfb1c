internal import AuditLog
internal import JSON
internal import RecordFormat
internal import VaultCore
package import VaultManagement

/// `approvals`: the requests that wait for another person.
package struct ListApprovals: PlainAdminOperation {
  package static let route = AdminRoute.get("/v1/approvals")
  package var terms: AdminTerms { AdminTerms(.audit, .short, .document, .approvals) }

  package init() {}

  package func run(_ call: AdminCall) throws { try call.show(call.vault().approvalsDocument()) }
}

/// `approve`: approves a request, by its eight hexadecimal digits.
package struct Approve: AdminOperation {
  package static let route = AdminRoute.change("/v1/approvals/approve", "id")
  private let identifier: String
  private let why: KeyReason

  package init(_ identifier: String, because why: KeyReason = .none) {
    self.identifier = identifier
    self.why = why
  }

  package init(_ query: Query) throws(AdministrationError) {
    self.init(try query.approval(), because: try query.reason())
  }

  package var fields: [Query.Field] { [("id", identifier)] + why.fields }
  package var reason: KeyReason? { why }
  package var subject: AdminSubject {
    AdminSubject(words: " approval=\(identifier)" + why.words)
  }
  package var terms: AdminTerms {
    AdminTerms(.audit, .persons, .progress, .approve, isFreeOfTickets: true)
  }

  package func run(_ call: AdminCall) throws {
    let vault = try call.vault()
    guard let waiting = try vault.approvals().first(where: { $0.identifier == identifier }) else {
      throw VaultError.unknownApproval
    }
    try call.refuseNamelessPerson()
    if case .archive(let order) = waiting.subject { try call.checkMayLeave(order) }
    let answer = try vault.approve(
      identifier, because: why, actor: call.actor, persons: call.persons(waiting.subject.kind),
      progress: call.tellProgress)
    try call.tell(answer, of: waiting.subject, vault)
  }
}

/// `reject`: rejects a request, by its eight hexadecimal digits.
package struct Reject: AdminOperation {
  package static let route = AdminRoute.change("/v1/approvals/reject", "id")
  private let identifier: String
  private let why: KeyReason

  package init(_ identifier: String, because why: KeyReason) {
    self.identifier = identifier
    self.why = why
  }

  package init(_ query: Query) throws(AdministrationError) {
    self.init(try query.approval(), because: try query.reason())
  }

  package var fields: [Query.Field] { [("id", identifier)] + why.fields }
  package var reason: KeyReason? { why }
  package var subject: AdminSubject {
    AdminSubject(words: " approval=\(identifier)" + why.words)
  }
  package var terms: AdminTerms {
    AdminTerms(.audit, .short, .document, .reject, isFreeOfTickets: true)
  }

  package func run(_ call: AdminCall) throws {
    let vault = try call.vault()
    try vault.reject(identifier, because: why, actor: call.actor)
    try call.answer(vault.approvalsDocument())
  }
}

extension Query {
  fileprivate func approval() throws(AdministrationError) -> String {
    guard let identifier = self["id"], KeyIdentifier(identifier) != nil else {
      throw .malformedRequest("a request for approval is named by eight hexadecimal digits")
    }
    return identifier
  }
}

extension VaultManager {
  fileprivate func approvalsDocument() throws -> [UInt8] {
    let waiting = try approvals()
    return JSONWriter.document { json in
      json.member("approvals", objects: waiting) { json, approval in
        json.member("id", string: approval.identifier)
        json.member("operation", string: approval.subject.kind.operation.rawValue)
        json.member("key", string: approval.subject.key?.text)
        json.member("asks", string: approval.subject.sentence)
        json.member("requested_by", string: approval.requester)
        json.member("requested", unixMilliseconds: Int64(clamping: approval.requestedMilliseconds))
        json.member("ends", unixMilliseconds: Int64(clamping: approval.endMilliseconds))
        json.member("persons", integer: approval.persons)
        json.member("missing", integer: approval.missing)
        json.member("approved_by", strings: approval.approvers)
        json.member("ticket", string: approval.reason.ticket)
        json.member("reason", string: approval.reason.text)
      }
    }
  }
}
