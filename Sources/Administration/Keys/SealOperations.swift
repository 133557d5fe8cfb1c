internal import AuditLog
internal import JSON
internal import Storage
internal import VaultCore
package import VaultManagement

/// `seal`: closes the keyring; one that is closed already stays so.
package struct Seal: PlainChange {
  package static let route = AdminRoute.change("/v1/seal")
  package let why: KeyReason
  package var terms: AdminTerms {
    AdminTerms(.operate, .urgent, .progress, .seal, isFreeOfTickets: true)
  }

  package init(because why: KeyReason = .none) { self.why = why }

  package func run(_ call: AdminCall) throws {
    let vault = try call.vault()
    if !vault.isSealed {
      try WatchedWork.run(into: call.sink) { [why, actor = call.actor] _ in
        try vault.seal(because: why, actor: actor)
      }
    }
    try call.answer { $0.member("state", string: "sealed") }
  }
}

/// `unseal`: opens the keyring, with what the key source has.
package struct Unseal: PlainChange {
  package static let route = AdminRoute.change("/v1/unseal")
  package let why: KeyReason
  package var terms: AdminTerms { AdminTerms(.operate, .persons, .progress, .unseal) }

  package init(because why: KeyReason = .none) { self.why = why }

  package func run(_ call: AdminCall) throws {
    let vault = try call.vault()
    guard vault.isSealed else { throw VaultError.notSealed }
    let keyring = try call.keySource().openKeyring()
    let cards = UInt64(try call.store.read { try $0.count(of: .cards) })
    try vault.unseal(with: keyring, because: why, actor: call.actor) { opened in
      try? call.sink(.progress(done: UInt64(opened), total: max(cards, UInt64(opened))))
    }
    try call.answer { $0.member("state", string: "serving") }
  }
}
