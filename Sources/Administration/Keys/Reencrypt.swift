internal import AuditLog
internal import JSON
internal import VaultCore
internal import VaultManagement

/// `keys reencrypt`: moves every card to the active data key, at most so many a second; 0 sets no bound.
package struct Reencrypt: AdminOperation {
  package static let route = AdminRoute.post("/v1/keys/reencrypt", "rate")
  private let cardsPerSecond: UInt64

  package init(cardsPerSecond: UInt64) { self.cardsPerSecond = cardsPerSecond }

  package init(_ query: Query) throws(AdministrationError) {
    guard let rate = query["rate"].flatMap({ UInt64($0) }), rate <= 1 << 32 else {
      throw .malformedRequest("a re-encryption names a rate in cards a second, 0 for none")
    }
    cardsPerSecond = rate
  }

  package var fields: [Query.Field] { [("rate", String(cardsPerSecond))] }
  package var terms: AdminTerms { AdminTerms(.auditor, .long, .progress, .keysReencrypt) }

  package func run(_ call: AdminCall) throws {
    let vault = try call.vault()
    try vault.beginReencryption(cardsPerSecond: cardsPerSecond, actor: call.actor)
    try call.followKeyWork(vault) { try vault.isReencrypting }
    try call.answer(vault.reencryptionDocument())
  }
}

/// `keys reencrypt --stop`: stops moving cards.
package struct StopReencryption: PlainAdminOperation {
  package static let route = AdminRoute.post("/v1/keys/reencrypt/stop")
  package var terms: AdminTerms { AdminTerms(.auditor, .short, .document, .keysReencrypt) }

  package init() {}

  package func run(_ call: AdminCall) throws {
    let vault = try call.vault()
    try vault.stopReencryption(actor: call.actor)
    try call.answer(vault.reencryptionDocument())
  }
}

extension VaultManager {
  fileprivate func reencryptionDocument() throws -> [UInt8] {
    let work = keyWork
    let left = try cardsToMove()
    return JSONWriter.document { json in
      json.member("moved", integer: work.done)
      json.member("left", integer: left)
      json.member("damaged", integer: work.damaged)
    }
  }
}
