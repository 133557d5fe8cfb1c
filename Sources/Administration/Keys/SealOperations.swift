internal import AuditLog
internal import JSON
internal import Storage
internal import VaultCore
internal import VaultManagement

/// `seal`: closes the keyring; one that is closed already stays so.
package struct Seal: PlainAdminOperation {
  package static let route = AdminRoute.post("/v1/seal")
  package var terms: AdminTerms { AdminTerms(.operator, .urgent, .progress, .seal) }

  package init() {}

  package func run(_ call: AdminCall) throws {
    let vault = try call.vault()
    if !vault.isSealed {
      try WatchedWork.run(into: call.sink) { [actor = call.actor] _ in try vault.seal(actor: actor)
      }
    }
    try call.answer { $0.member("state", string: "sealed") }
  }
}

/// `unseal`: opens the keyring, with what the key source has.
package struct Unseal: PlainAdminOperation {
  package static let route = AdminRoute.post("/v1/unseal")
  package var terms: AdminTerms { AdminTerms(.operator, .persons, .progress, .unseal) }

  package init() {}

  package func run(_ call: AdminCall) throws {
    let vault = try call.vault()
    guard vault.isSealed else { throw VaultError.notSealed }
    let keyring = try call.keySource().openKeyring()
    let cards = UInt64(try call.store.read { try $0.count(of: .cards) })
    try vault.unseal(with: keyring, actor: call.actor) { opened in
      try? call.sink(.progress(done: UInt64(opened), total: max(cards, UInt64(opened))))
    }
    try call.answer { $0.member("state", string: "serving") }
  }
}
