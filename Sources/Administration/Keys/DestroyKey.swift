internal import AuditLog
internal import JSON
internal import Keyring
internal import RecordFormat
internal import VaultCore
package import VaultManagement

/// `keys destroy`: destroys a key, or, in a dry run, tells what stands in its way.
package struct DestroyKey: AdminOperation {
  package static let route = AdminRoute.change("/v1/keys/destroy", "key", "execute")
  private let order: KeyOrder
  private let execute: Bool

  package init(_ order: KeyOrder, execute: Bool) {
    self.order = order
    self.execute = execute
  }

  package init(_ query: Query) throws(AdministrationError) {
    self.init(try KeyOrder(query), execute: query["execute"] == "1")
  }

  package var fields: [Query.Field] { order.fields + [("execute", execute ? "1" : nil)] }
  package var reason: KeyReason? { execute ? order.reason : nil }
  package var subject: AdminSubject { order.subject }
  package var terms: AdminTerms {
    AdminTerms(
      execute ? .operate : .audit, .long, execute ? .progress : .document, .keysDestroy)
  }

  package func run(_ call: AdminCall) throws {
    let vault = try call.vault()
    let persons = call.persons(.destroy)
    guard execute else {
      let needs = try vault.needs(of: order.key)
      try call.record(.dryRun, key: order.key.text)
      return try call.answer(
        vault.destructionDocument(of: order.key, needs: needs, persons: persons))
    }
    try call.refuseNamelessPerson()
    let answer = try vault.destroy(
      order.key, because: order.reason, actor: call.actor, persons: persons)
    try call.tell(answer, of: .destroy(order.key), vault)
  }
}

extension AdminCall {
  /// Persons are told apart by the names of their accounts: one whose name the system cannot tell at the
  /// moment could be somebody who has asked already.
  func refuseNamelessPerson() throws(AdministrationError) {
    guard !actor.name.hasPrefix("user:#") else {
      throw .refused("the system does not know the name of your account")
    }
  }
}

extension VaultManager {
  /// The document of `keys destroy`.
  func destructionDocument(
    of key: KeyIdentifier, needs: KeyNeeds? = nil, approval: Approval? = nil, persons: Int
  ) throws -> [UInt8] {
    let keyring = try keyring
    guard let entry = keyring.entry(key) else { throw KeyringError.unknownKey(key) }
    return JSONWriter.document { json in
      json.member("operation", string: AuditOperation.keysDestroy.rawValue)
      json.member("key", string: key.text)
      json.member("role", string: entry.role.name)
      json.member("state", string: entry.state.name)
      json.member("needed_by", strings: needs?.sentences ?? [])
      json.write(approval, persons: persons)
      json.member("wrapped_by", strings: keyring.wrappers(of: entry).map(\.text))
    }
  }
}

extension Keyring {
  /// The KEKs, not destroyed yet, that have wrapped a key: an old copy of the store still opens with
  /// them.
  fileprivate func wrappers(of key: KeyringEntry) -> [KeyIdentifier] {
    guard !key.role.wrapsKeyring else { return [] }
    let end = key.destroyedMilliseconds ?? .max
    return entries.filter {
      $0.role.wrapsKeyring && $0.state != .destroyed && $0.createdMilliseconds <= end
        && ($0.deactivatedMilliseconds ?? .max) >= key.createdMilliseconds
    }.map(\.identifier)
  }
}
