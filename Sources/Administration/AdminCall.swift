package import AuditLog
internal import Bytes
internal import Cryptography
internal import JSON
internal import Keyring
internal import Ledgers
package import Storage
internal import VaultManagement

/// One piece of an operation's answer, in the order in which it comes.
package enum AdminPart: Equatable, Sendable {
  /// The whole answer: one JSON document without an end of line.
  case document([UInt8])
  /// The whole answer in the format of Prometheus.
  case metrics([UInt8])
  /// Lines of the audit log, each with its end.
  case lines([UInt8])
  /// How far a long operation is; its answer follows.
  case progress(done: UInt64, total: UInt64)
}

/// The use cases behind the administration socket and the command line: one implementation, whether
/// a service runs or a command opens the store itself.
///
/// Every call blocks until it is done; call it on a thread that may wait.
package struct Operations: Sendable {
  /// Takes a part of the answer; what it throws ends the operation.
  package typealias Sink = (AdminPart) throws -> Void

  let store: Store
  let hooks: AdministrationHooks

  /// Operations on `store`.
  package init(store: Store, hooks: AdministrationHooks) {
    self.store = store
    self.hooks = hooks
  }

  /// Does what is asked, and gives the answer to `sink`.
  ///
  /// Where the service records entries, the one about this is durable before anything protected is
  /// given out, and so is the one about what is refused or fails before that is told.
  /// - Parameters:
  ///   - actor: who asks, as entries name them; see `HostUser.actor(of:holding:)`.
  ///   - body: what came with the request.
  package func run(
    _ operation: any AdminOperation, actor: AuditActor, body: AdminBody? = nil, into sink: Sink
  ) throws(AdministrationError) {
    do {
      try checkTicket(of: operation)
      try withoutActuallyEscaping(sink) { sink in
        try operation.run(
          AdminCall(
            store: store, hooks: hooks, actor: actor, body: body, terms: operation.terms,
            sink: sink))
      }
    } catch let failure as RecordedFailure {
      throw self.failure(failure.cause)
    } catch {
      if operation.terms.leavesEntry { record(error, of: operation, actor: actor) }
      throw failure(error)
    }
  }

  /// Refuses a change without a ticket, where the configuration asks for one.
  private func checkTicket(of operation: any AdminOperation) throws(AdministrationError) {
    guard let reason = operation.reason, reason.ticket.isEmpty,
      !operation.terms.isFreeOfTickets, hooks.policy().needsTicket
    else { return }
    throw .ticketNeeded
  }

  /// What an error amounts to, which may be that the store's file is not what was opened any more.
  private func failure(_ error: any Error) -> AdministrationError {
    let failure = AdministrationError(any: error)
    guard case .store(let error) = failure else { return failure }
    return .store(store.cause(of: error))
  }
}

/// One operation under way: what it works on, who asks, and where the answer goes.
package struct AdminCall {
  let store: Store
  let hooks: AdministrationHooks
  /// Who asks, as entries name them.
  let actor: AuditActor
  /// What came with the request.
  let body: AdminBody?
  /// What the log calls what is asked, and whether it leaves an entry.
  fileprivate let terms: AdminTerms
  /// Takes the parts of the answer.
  let sink: Operations.Sink

  /// Gives the document that is the answer.
  func answer(_ document: [UInt8]) throws { try sink(.document(document)) }

  /// Gives an object as the answer.
  func answer(_ members: (inout JSONWriter) throws -> Void) throws {
    try answer(JSONWriter.document(members))
  }

  /// Gives out what protected state says, after the entry about that is durable.
  func show(_ document: [UInt8]) throws {
    try record(.done)
    try answer(document)
  }

  /// The same with an object.
  func show(_ members: (inout JSONWriter) throws -> Void) throws {
    try show(JSONWriter.document(members))
  }

  /// The same, signed by the audit key where that is asked for: then it has a member more, `note`, and the
  /// entry has the SHA-256 of what was signed.
  func show(signed isSigned: Bool, _ members: (inout JSONWriter) throws -> Void) throws {
    guard isSigned else { return try show(members) }
    guard let vault = hooks.vault else {
      throw AdministrationError.unavailable("only a running service signs what it shows")
    }
    let document = try JSONWriter.document(members)
    try record(.done, reason: "sha256=\(Digest256.sha256(document.rawSpan).hex)")
    let note = try vault.sign(
      String(decoding: document, as: UTF8.self), of: terms.audited, for: actor)
    let last = JSONWriter.document { $0.member("note", string: note.encoded) }
    try answer(document.dropLast() + [UInt8(ascii: ",")] + last.dropFirst())
  }

  /// Appends the entry about what is asked, where it leaves one.
  func record(_ outcome: AuditOutcome, key: String? = nil, reason: String? = nil) throws {
    guard terms.leavesEntry else { return }
    try hooks.record?(
      AuditEntry(
        actor: actor, operation: terms.audited, key: key, outcome: outcome, reason: reason))
  }

  /// How many different persons something takes.
  func persons(_ kind: ApprovalKind) -> Int { hooks.policy().persons[kind, default: 1] }

  /// The present time, in Unix milliseconds.
  var now: Int64 { hooks.clock.milliseconds() }

  /// The vault of the running service.
  func vault() throws(AdministrationError) -> VaultManager { try service(hooks.vault) }

  /// Where its KEK comes from.
  func keySource() throws(AdministrationError) -> KeySourceHooks { try service(hooks.keySource) }

  private func service<Part>(_ part: Part?) throws(AdministrationError) -> Part {
    guard let part else { throw .unavailable("keys are changed by a running service only") }
    return part
  }

  /// The keyring.
  /// - Throws: ``AdministrationError/unavailable(_:)`` where it is closed.
  func keyring() throws -> Keyring {
    guard let keyring = hooks.keyring else {
      throw AdministrationError.unavailable("the keyring is not open")
    }
    return try keyring()
  }
}
