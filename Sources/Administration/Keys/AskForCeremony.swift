internal import AuditLog
internal import JSON
internal import Keyring
internal import RecordFormat
internal import VaultCore
package import VaultManagement

/// `keys ceremony create`, `replace`, before anybody types a passphrase: asks for the approval of the
/// ceremony, or finds it.
package struct AskForCeremony: AdminOperation {
  package static let route = AdminRoute.change(
    "/v1/ceremony/request", "vault", "threshold", "custodians", "period")
  private let order: CeremonyOrder
  private let why: KeyReason

  package init(_ order: CeremonyOrder, because why: KeyReason) {
    self.order = order
    self.why = why
  }

  package init(_ query: Query) throws(AdministrationError) {
    let names = (query["custodians"] ?? "").split(separator: "\n").map { CustodyName(String($0)) }
    let period: UInt64? = try query.number("period")
    guard let vault = query["vault"].flatMap({ CustodyName($0) }), period != 0,
      let plan = try? CustodyPlan(
        vault: vault, threshold: query.required("threshold"), custodians: names.compactMap { $0 }),
      plan.custodians.count == names.count
    else { throw .malformedRequest(CustodyProblem.invalidPlan.explanation) }
    self.init(CeremonyOrder(plan, cryptoperiodSeconds: period), because: try query.reason())
  }

  package var fields: [Query.Field] {
    [
      ("vault", order.plan.vault.text), ("threshold", String(order.plan.threshold)),
      ("custodians", order.plan.custodians.map(\.text).joined(separator: "\n")),
      ("period", order.cryptoperiodSeconds.map { String($0) }),
    ] + why.fields
  }
  package var reason: KeyReason? { why }
  package var subject: AdminSubject { AdminSubject(words: " role=kek" + why.words) }
  package var terms: AdminTerms { AdminTerms(.operate, .short, .document, .ceremony) }

  package func run(_ call: AdminCall) throws {
    let vault = try call.vault()
    let persons = call.persons(.ceremony)
    if persons > 1 { try call.refuseNamelessPerson() }
    let answer = try vault.ask(
      for: order, because: why, actor: call.actor, persons: persons)
    guard let answer else {
      return try call.answer { json in
        json.member("operation", string: AuditOperation.ceremony.rawValue)
        json.member("granted", boolean: true)
        json.write(nil, persons: persons)
      }
    }
    try call.tell(answer, of: .ceremony(order), vault)
  }
}
