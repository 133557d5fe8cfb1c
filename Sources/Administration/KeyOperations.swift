internal import AuditLog
internal import Glibc
internal import JSON
internal import Keyring
internal import RecordFormat
internal import Storage
internal import Vault

extension Operations {
  /// Microseconds between two looks at background work.
  private static let lookMicroseconds: UInt32 = 100_000

  /// The vault of the running service.
  func vault() throws -> Vault {
    guard let vault = hooks.vault else {
      throw AdministrationError.unavailable("keys are changed by a running service only")
    }
    return vault
  }

  private func keySource() throws -> KeySourceHooks {
    guard let source = hooks.keySource else {
      throw AdministrationError.unavailable("keys are changed by a running service only")
    }
    return source
  }

  /// Does what changes keys or who may use them, and gives its document.
  func changeKeys(_ request: AdminRequest, actor: String, into sink: Sink) throws -> [UInt8] {
    switch request {
    case .keysRotate(let role, let key):
      return try rotate(role, to: key, actor: actor, into: sink)
    case .keysReencrypt(let rate):
      let vault = try vault()
      try vault.beginReencryption(cardsPerSecond: rate, actor: actor)
      try follow(into: sink) { try vault.isReencrypting }
      return try reencryptionDocument()
    case .keysReencryptStop:
      try vault().stopReencryption(actor: actor)
      return try reencryptionDocument()
    case .keysRetire(let order, let retirement):
      return try retire(order, as: retirement, actor: actor)
    case .keysDestroy(let order, let execute):
      return try destroy(order, execute: execute, actor: actor, into: sink)
    case .approvals:
      return try approvals(actor: actor)
    case .approve(let identifier):
      return try approve(identifier, actor: actor, into: sink)
    case .reject(let identifier, let reason):
      try vault().reject(identifier, because: reason, actor: actor)
      return try approvalsDocument()
    case .seal:
      try seal(actor: actor, into: sink)
      return document(isSealed: true)
    case .unseal:
      try unseal(actor: actor, into: sink)
      return document(isSealed: false)
    case .share, .ceremony, .status, .metrics, .keysStatus, .keysCertificate, .keysPublicKey,
      .keysHistory,
      .keysInventory, .audit, .storeStats, .storeVerify, .store, .honeytokens:
      throw AdministrationError.malformedRequest("the request changes no key")
    }
  }

  /// Rotates a key; of a fingerprint key it waits until every card has its new fingerprint.
  private func rotate(
    _ role: KeyRole, to key: KeyIdentifier?, actor: String, into sink: Sink
  ) throws -> [UInt8] {
    let vault = try vault()
    let rotation =
      role.wrapsKeyring
      ? try keySource().withNextKey(key) { next, origin in
        try vault.replaceKeyEncryptionKey(by: next, origin: origin, actor: actor)
      } : try vault.rotate(role, actor: actor)
    if role.isReplacedCardByCard {
      try follow(into: sink) { try vault.keyring.entry(rotation.old)?.isBeingReplaced == true }
    }
    var json = JSONWriter()
    json.beginObject()
    json.member("role", string: role.name)
    json.member("new", string: rotation.new.text)
    json.member("old", string: rotation.old.text)
    json.member("check_value", string: rotation.checkValue)
    json.endObject()
    return json.bytes
  }

  private func reencryptionDocument() throws -> [UInt8] {
    let vault = try vault()
    let work = vault.keyWork
    var json = JSONWriter()
    json.beginObject()
    json.member("moved", integer: work.done)
    json.member("left", integer: try vault.cardsToMove())
    json.member("damaged", integer: work.damaged)
    json.endObject()
    return json.bytes
  }

  /// Tells how far work on keys is while what was asked for is not done.
  private func follow(into sink: Sink, while isUnderWay: () throws -> Bool) throws {
    let vault = try vault()
    while try isUnderWay() {
      let work = vault.keyWork
      try sink(.progress(done: work.done, total: max(work.total, work.done)))
      if let failure = work.failure {
        throw AdministrationError.unavailable(
          "it has begun, and is not done: \(failure). It is tried again at the next start, or when "
            + "it is asked for again")
      }
      usleep(Self.lookMicroseconds)
    }
  }
}

// MARK: - Out of service

extension Operations {
  private func retire(
    _ order: AdminRequest.KeyOrder, as retirement: Vault.Retirement, actor: String
  ) throws -> [UInt8] {
    let vault = try vault()
    let entry = try vault.keyring.entry(order.key)
    var rotation: KeyRotation?
    if let entry, entry.role.wrapsKeyring, entry.state == .active {
      rotation = try keySource().withNextKey(nil) { next, _ in
        let made = try vault.retire(
          order.key, as: retirement, replacement: next, because: order.reason, actor: actor)
        guard let made else { throw KeyringError.wrongState(order.key, entry.state) }
        return made
      }
    } else {
      rotation = try vault.retire(order.key, as: retirement, because: order.reason, actor: actor)
    }
    var json = JSONWriter()
    json.beginObject()
    json.member("key", string: order.key.text)
    json.member("role", string: entry?.role.name)
    json.member("state", string: try vault.keyring.entry(order.key)?.state.name)
    json.member("replaced_by", string: rotation?.new.text ?? entry?.successor?.text)
    json.endObject()
    return json.bytes
  }

  /// Destroys a key; a dry run tells what stands in its way.
  private func destroy(
    _ order: AdminRequest.KeyOrder, execute: Bool, actor: String, into sink: Sink
  ) throws -> [UInt8] {
    let vault = try vault()
    let persons = try keySource().personsToDestroy()
    guard execute else {
      let needs = try vault.needs(of: order.key)
      try hooks.record?(
        AuditEntry(
          actor: actor, operation: "keys.destroy", key: order.key.text, outcome: "dry-run"))
      return try destructionDocument(of: order.key, needs: needs, persons: persons)
    }
    try refuseNamelessPerson(actor)
    let answer = try vault.destroy(
      order.key, because: order.reason, actor: actor, persons: persons)
    return try complete(answer, of: order.key, persons: persons, into: sink)
  }

  private func complete(
    _ answer: DestructionAnswer, of key: KeyIdentifier, persons: Int, into sink: Sink
  ) throws -> [UInt8] {
    switch answer {
    case .waits(let approval):
      return try destructionDocument(of: key, approval: approval, persons: persons)
    case .begun:
      let vault = try vault()
      try follow(into: sink) { try vault.keyring.entry(key)?.state == .destroying }
      return try destructionDocument(of: key, persons: persons)
    }
  }

  private func destructionDocument(
    of key: KeyIdentifier, needs: KeyNeeds? = nil, approval: Approval? = nil, persons: Int
  ) throws -> [UInt8] {
    let keyring = try vault().keyring
    guard let entry = keyring.entry(key) else { throw KeyringError.unknownKey(key) }
    var json = JSONWriter()
    json.beginObject()
    json.member("key", string: key.text)
    json.member("role", string: entry.role.name)
    json.member("state", string: entry.state.name)
    json.member("needed_by", strings: needs?.sentences ?? [])
    json.member("approval", string: approval?.identifier)
    json.member("persons", integer: approval?.persons ?? persons)
    json.member("missing", integer: approval?.missing ?? 0)
    json.member("wrapped_by", strings: keyring.wrappers(of: entry).map(\.text))
    json.endObject()
    return json.bytes
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

// MARK: - Approvals

extension Operations {
  private func approvals(actor: String) throws -> [UInt8] {
    let document = try approvalsDocument()
    try hooks.record?(AuditEntry(actor: actor, operation: "approvals", outcome: "done"))
    return document
  }

  private func approvalsDocument() throws -> [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    json.name("approvals")
    json.beginArray()
    for approval in try vault().approvals() {
      json.beginObject()
      json.member("id", string: approval.identifier)
      json.member("operation", string: "keys.destroy")
      json.member("key", string: approval.key.text)
      json.member("requested_by", string: approval.requester)
      json.member("requested", unixMilliseconds: Int64(clamping: approval.requestedMilliseconds))
      json.member("ends", unixMilliseconds: Int64(clamping: approval.endMilliseconds))
      json.member("persons", integer: approval.persons)
      json.member("missing", integer: approval.missing)
      json.member("approved_by", strings: approval.approvers)
      json.member("ticket", string: approval.reason.ticket)
      json.member("reason", string: approval.reason.text)
      json.endObject()
    }
    json.endArray()
    json.endObject()
    return json.bytes
  }

  /// Persons are told apart by the names of their accounts: one whose name the system cannot tell at the
  /// moment could be somebody who has asked already.
  private func refuseNamelessPerson(_ actor: String) throws {
    guard !actor.hasPrefix("user:#") else {
      throw AdministrationError.refused("the system does not know the name of your account")
    }
  }

  private func approve(_ identifier: String, actor: String, into sink: Sink) throws -> [UInt8] {
    let vault = try vault()
    guard let waiting = try vault.approvals().first(where: { $0.identifier == identifier }) else {
      throw VaultError.unknownApproval
    }
    let persons = try keySource().personsToDestroy()
    try refuseNamelessPerson(actor)
    let answer = try vault.approve(identifier, actor: actor, persons: persons)
    return try complete(answer, of: waiting.key, persons: persons, into: sink)
  }
}

// MARK: - Open and closed

extension Operations {
  /// Closes the keyring; one that is closed already stays so.
  private func seal(actor: String, into sink: Sink) throws {
    let vault = try vault()
    guard !vault.isSealed else { return }
    try WatchedWork.run(into: sink) { _ in try vault.seal(actor: actor) }
  }

  private func unseal(actor: String, into sink: Sink) throws {
    let vault = try vault()
    guard vault.isSealed else { throw VaultError.notSealed }
    let keyring = try keySource().openKeyring()
    let cards = UInt64(try store.read { try $0.count(of: .cards) })
    try vault.unseal(with: keyring, actor: actor) { opened in
      try? sink(.progress(done: UInt64(opened), total: max(cards, UInt64(opened))))
    }
  }

  private func document(isSealed: Bool) -> [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    json.member("state", string: isSealed ? "sealed" : "serving")
    json.endObject()
    return json.bytes
  }
}
