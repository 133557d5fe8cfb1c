internal import AuditLog
internal import CardStore
internal import Glibc
internal import JSON
internal import Keyring
internal import RecordFormat
package import Storage
internal import Vault

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
  /// given out.
  /// - Parameters:
  ///   - actor: who asks, as entries name them; see ``HostUser/actor``.
  ///   - body: what came with the request.
  package func run(
    _ request: AdminRequest, actor: String, body: AdminBody? = nil, into sink: Sink
  ) throws(AdministrationError) {
    do {
      try answer(request, actor: actor, body: body, into: sink)
    } catch {
      throw AdministrationError(any: error)
    }
  }

  /// Notes that `actor` was refused `request`, where that is kept.
  package func recordRefusal(of request: AdminRequest, actor: String) throws {
    guard let operation = request.auditOperation else { return }
    try hooks.record?(
      AuditEntry(
        actor: actor, operation: operation, outcome: .refused, reason: "not-permitted"))
  }

  private func answer(
    _ request: AdminRequest, actor: String, body: AdminBody?, into sink: Sink
  ) throws {
    switch request {
    case .status: try sink(.document(status()))
    case .metrics: try sink(.metrics(Metric.text(metrics())))
    case .keysRotate, .keysReencrypt, .keysReencryptStop, .keysRetire, .keysDestroy, .approvals,
      .approve, .reject, .seal, .unseal:
      try sink(.document(try changeKeys(request, actor: actor, into: sink)))
    case .share(let purpose):
      try sink(.document(try enterShare(body, for: purpose, actor: actor, into: sink)))
    case .ceremony: try sink(.document(try replaceCustodians(body, actor: actor, into: sink)))
    case .keysStatus: try give(keysStatus(), for: request, actor, into: sink)
    case .keysCertificate(let key, let kind):
      try give(keyCertificate(key, kind), for: request, actor, into: sink)
    case .keysPublicKey: try give(publicKeys(), for: request, actor, into: sink)
    case .keysHistory(let key):
      try give(keyHistory(key, into: sink), for: request, actor, into: sink)
    case .keysInventory: try give(keyInventory(), for: request, actor, into: sink)
    case .storeStats: try give(storeStats(), for: request, actor, into: sink)
    case .audit(let request): try audit(request, actor: actor, into: sink)
    case .storeVerify:
      let result = try verifyStore(into: sink)
      try record(request, actor, result.isIntact ? .intact : .changed)
      try sink(.document(result.document))
    case .store(let request): try look(after: request, actor: actor, into: sink)
    case .honeytokens(let request): try sink(.document(try tend(request, actor: actor)))
    }
  }

  /// Gives out what protected state says, after the entry about that is durable.
  func give(
    _ document: [UInt8], for request: AdminRequest, _ actor: String, into sink: Sink
  ) throws {
    try record(request, actor, .done)
    try sink(.document(document))
  }

  func record(_ request: AdminRequest, _ actor: String, _ outcome: AuditOutcome) throws {
    guard let operation = request.auditOperation else { return }
    try hooks.record?(AuditEntry(actor: actor, operation: operation, outcome: outcome))
  }
}

/// A verification's answer, and whether all was well.
struct VerificationAnswer {
  let isIntact: Bool
  let document: [UInt8]
}

extension Operations {
  /// The keyring.
  /// - Throws: ``AdministrationError/unavailable(_:)`` where it is closed.
  func keyring() throws -> Keyring {
    guard let keyring = hooks.keyring else {
      throw AdministrationError.unavailable("the keyring is not open")
    }
    return try keyring()
  }
}
