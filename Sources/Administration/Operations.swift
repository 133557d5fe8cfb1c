internal import AuditLog
internal import CardStore
internal import Glibc
internal import JSON
package import Keyring
internal import RecordFormat
package import Storage

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
  /// - Parameter actor: who asks, as entries name them; see ``HostUser/actor``.
  package func run(
    _ request: AdminRequest, actor: String, into sink: Sink
  ) throws(AdministrationError) {
    do {
      try answer(request, actor: actor, into: sink)
    } catch let error as AdministrationError {
      throw error
    } catch let error as StorageError {
      throw .store(error)
    } catch let error as AuditError {
      throw error == .abandoned ? .abandoned : .audit(error)
    } catch let error as KeyringError {
      throw .keyring(error)
    } catch {
      // Of other errors only the kind is told: a description could name anything.
      throw .unavailable("the operation failed (\(type(of: error)))")
    }
  }

  /// Notes that `actor` was refused `request`, where that is kept.
  package func recordRefusal(of request: AdminRequest, actor: String) throws {
    guard let operation = request.auditOperation else { return }
    try hooks.record?(
      AuditEntry(
        actor: actor, operation: operation, outcome: "refused", reason: "not-permitted"))
  }

  private func answer(_ request: AdminRequest, actor: String, into sink: Sink) throws {
    switch request {
    case .status: try sink(.document(status()))
    case .metrics: try sink(.metrics(Metric.text(metrics())))
    case .keysStatus:
      let document = try keysStatus()
      try record(request, actor, "done")
      try sink(.document(document))
    case .keysRotate(let role, let key):
      try sink(.document(try rotateKey(role, to: key, actor: actor, into: sink)))
    case .keysReencrypt(let rate):
      try sink(.document(try reencrypt(cardsPerSecond: rate, actor: actor, into: sink)))
    case .keysReencryptStop:
      try keyHooks().stopReencryption(actor)
      try sink(.document(try reencryptionDocument()))
    case .storeStats:
      let document = try storeStats()
      try record(request, actor, "done")
      try sink(.document(document))
    case .auditShow(let query):
      try record(request, actor, "done")
      try showAudit(query, into: sink)
    case .auditVerify:
      let result = try verifyAudit(into: sink)
      try record(request, actor, result.isIntact ? "intact" : "changed")
      try sink(.document(result.document))
    case .storeVerify:
      let result = try verifyStore(into: sink)
      try record(request, actor, result.isIntact ? "intact" : "changed")
      try sink(.document(result.document))
    }
  }

  private func record(_ request: AdminRequest, _ actor: String, _ outcome: String) throws {
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

  /// The document of `keys status`.
  private func keysStatus() throws -> [UInt8] {
    let counts = try CardVerifier.cardCounts(in: store)
    var json = JSONWriter()
    json.beginObject()
    json.name("keys")
    json.beginArray()
    let uses = try store.read { try KeyTally.read(.uses, $0) }
    for key in try keyring().status(
      cards: counts, uses: uses, rules: hooks.rules, atMilliseconds: now)
    {
      json.beginObject()
      json.member("id", string: key.identifier.text)
      json.member("role", string: key.role.name)
      json.member("state", string: key.state.name)
      json.member("check_value", string: key.checkValue)
      json.member("created", unixMilliseconds: Int64(clamping: key.createdMilliseconds))
      json.member(
        "cryptoperiod_end", unixMilliseconds: Int64(clamping: key.cryptoperiodEndMilliseconds))
      json.member("cards", integer: key.cards)
      json.member("origin", string: key.origin.name)
      json.member("replaced_by", string: key.successor?.text)
      json.member("uses", integer: key.uses)
      json.member("warnings", strings: key.warnings.map(\.text))
      json.endObject()
    }
    json.endArray()
    json.endObject()
    return json.bytes
  }

  private var now: UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return UInt64(clamping: time.tv_sec) * 1_000 + UInt64(clamping: time.tv_nsec) / 1_000_000
  }
}

extension KeyWarning {
  /// What to tell a person.
  package var text: String {
    switch self {
    case .compromised: "compromised: move its cards with cadenas keys reencrypt"
    case .cryptoperiodEnded: "its cryptoperiod has ended: rotate it"
    case .cryptoperiodEnds(let days): "its cryptoperiod ends in \(days) days"
    case .nearlyUsedUp(let percent): "\(percent) % of its allowed uses are used up: rotate it"
    case .destructionIncomplete: "its destruction is not complete"
    }
  }
}
