internal import AuditLog
internal import JSON
internal import Keyring
package import RecordFormat
internal import VaultCore
package import VaultManagement

/// A key, and why something is to be done with it.
package struct KeyOrder: Equatable, Sendable {
  let key: KeyIdentifier
  let reason: KeyReason

  package init(key: KeyIdentifier, reason: KeyReason) {
    self.key = key
    self.reason = reason
  }

  /// Reads ``fields``.
  init(_ query: Query) throws(AdministrationError) {
    guard let key = query["key"].flatMap({ KeyIdentifier($0) }) else {
      throw .malformedRequest("a key is named by eight hexadecimal digits")
    }
    self.init(key: key, reason: try query.reason())
  }

  var fields: [Query.Field] { [("key", key.text)] + reason.fields }
  var subject: AdminSubject { AdminSubject(key: key.text, words: reason.words) }
}

/// `keys deactivate`: takes a key out of service.
package struct DeactivateKey: AdminOperation {
  package static let route = AdminRoute.change("/v1/keys/deactivate", "key")
  private let order: KeyOrder

  package init(_ order: KeyOrder) { self.order = order }
  package init(_ query: Query) throws(AdministrationError) { order = try KeyOrder(query) }

  package var fields: [Query.Field] { order.fields }
  package var reason: KeyReason? { order.reason }
  package var subject: AdminSubject { order.subject }
  package var terms: AdminTerms { AdminTerms(.audit, .urgent, .document, .keysDeactivate) }
  package func run(_ call: AdminCall) throws { try call.retire(order, as: .deactivated) }
}

/// `keys compromise`: notes that somebody else may know a key.
package struct CompromiseKey: AdminOperation {
  package static let route = AdminRoute.change("/v1/keys/compromise", "key")
  private let order: KeyOrder

  package init(_ order: KeyOrder) { self.order = order }
  package init(_ query: Query) throws(AdministrationError) { order = try KeyOrder(query) }

  package var fields: [Query.Field] { order.fields }
  package var reason: KeyReason? { order.reason }
  package var subject: AdminSubject { order.subject }
  package var terms: AdminTerms { AdminTerms(.audit, .urgent, .document, .keysCompromise) }
  package func run(_ call: AdminCall) throws { try call.retire(order, as: .compromised) }
}

extension AdminCall {
  fileprivate func retire(_ order: KeyOrder, as retirement: VaultManager.Retirement) throws {
    let vault = try vault()
    let entry = try vault.keyring.entry(order.key)
    var rotation: KeyRotation?
    if let entry, entry.role.wrapsKeyring, entry.state == .active {
      rotation = try keySource().withNextKey(nil) {
        (next, _) throws(VaultError) in
        let made = try vault.retire(
          order.key, as: retirement, replacement: next, because: order.reason, actor: actor)
        guard let made else { throw .keyring(.wrongState(order.key, entry.state)) }
        return made
      }
    } else {
      rotation = try vault.retire(order.key, as: retirement, because: order.reason, actor: actor)
    }
    let state = try vault.keyring.entry(order.key)?.state.name
    try answer { json in
      json.member("key", string: order.key.text)
      json.member("role", string: entry?.role.name)
      json.member("state", string: state)
      json.member("replaced_by", string: rotation?.new.text ?? entry?.successor?.text)
    }
  }
}
