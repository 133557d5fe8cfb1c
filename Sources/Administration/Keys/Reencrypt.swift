internal import AuditLog
internal import JSON
internal import VaultCore
package import VaultManagement

/// `keys reencrypt`: moves every card to the active data key, at most so many a second; 0 sets no bound.
package struct Reencrypt: AdminOperation {
  package static let route = AdminRoute.change("/v1/keys/reencrypt", "rate")
  private let cardsPerSecond: UInt64
  private let why: KeyReason

  package init(cardsPerSecond: UInt64, because why: KeyReason = .none) {
    self.cardsPerSecond = cardsPerSecond
    self.why = why
  }

  package init(_ query: Query) throws(AdministrationError) {
    guard let rate = query["rate"].flatMap({ UInt64($0) }), rate <= 1 << 32 else {
      throw .malformedRequest("a re-encryption names a rate in cards a second, 0 for none")
    }
    self.init(cardsPerSecond: rate, because: try query.reason())
  }

  package var fields: [Query.Field] { [("rate", String(cardsPerSecond))] + why.fields }
  package var reason: KeyReason? { why }
  package var subject: AdminSubject { AdminSubject(words: why.words) }
  package var terms: AdminTerms { AdminTerms(.audit, .long, .progress, .keysReencrypt) }

  package func run(_ call: AdminCall) throws {
    let vault = try call.vault()
    try vault.beginReencryption(cardsPerSecond: cardsPerSecond, because: why, actor: call.actor)
    try call.followKeyWork(vault) { try vault.isReencrypting }
    try call.answer(vault.reencryptionDocument())
  }
}

/// `keys reencrypt --stop`: stops moving cards.
package struct StopReencryption: PlainChange {
  package static let route = AdminRoute.change("/v1/keys/reencrypt/stop")
  package let why: KeyReason
  package var terms: AdminTerms { AdminTerms(.audit, .short, .document, .keysReencrypt) }

  package init(because why: KeyReason = .none) { self.why = why }

  package func run(_ call: AdminCall) throws {
    let vault = try call.vault()
    try vault.stopReencryption(because: why, actor: call.actor)
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
