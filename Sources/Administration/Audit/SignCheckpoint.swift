internal import AuditLog
internal import Cryptography
internal import JSON
internal import Storage
internal import VaultManagement

/// `audit checkpoint`: a signed checkpoint of now; the newest one that is kept, where nobody can sign.
package struct SignCheckpoint: PlainAdminOperation {
  package static let route = AdminRoute.post("/v1/audit/checkpoint")
  package var terms: AdminTerms { AdminTerms(.audit, .short, .document, .auditCheckpoint) }

  package init() {}

  package func run(_ call: AdminCall) throws {
    // Before it is signed, so that the checkpoint covers it.
    try call.record(.done)
    let signed = try call.currentCheckpoint()
    let size = try AuditReader(call.store).size()
    try call.answer { json in
      json.member("origin", string: signed.checkpoint.origin)
      json.member("size", integer: signed.size)
      json.member("root", string: signed.checkpoint.root.hex)
      json.member("note", string: signed.note.encoded)
      json.member("entries_after", integer: size - min(size, signed.size))
    }
  }
}

extension AdminCall {
  /// The keys of the log, every one that is known; none while the keyring is closed.
  func logKeys() throws -> [VerifierKey] {
    guard hooks.vault?.isSealed != true, (try? keyring()) != nil else { return [] }
    return try auditKeys().compactMap(\.1)
  }

  /// A signed checkpoint of now, or the newest that is kept.
  func currentCheckpoint() throws -> SignedCheckpoint {
    if let vault = hooks.vault, !vault.isSealed { return try vault.signCheckpoint() }
    if let newest = try store.read({ try KeptCheckpoints.newest(in: $0) }) { return newest }
    throw AdministrationError.unavailable(
      "no checkpoint has been signed yet: the service signs one when its keyring is open")
  }
}
