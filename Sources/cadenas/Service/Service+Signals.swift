import AccessPolicy
import AcquirerGateway
import Administration
import AuditLog
import ConfigurationReading
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Tokenization
import VaultCore
import VaultManagement
import VaultServer

extension Service {
  /// Reads configuration, certificates and CRLs anew and puts them in force together, or leaves
  /// everything as it is and says what is wrong.
  func reload(_ path: String) {
    let next = tokenizer.policy.generation + 1
    do {
      let new = try ServiceConfiguration.load(path: path)
      try new.checkBINDigits(underLimitsInForce: configuration.limits)
      let parts = try ServiceParts(new, generation: next)
      // Without an entry nothing is changed.
      try vault.record(
        AuditEntry(
          actor: .system, operation: .reload, outcome: .intent))
      let rules = RuleLines.inForce(new, parts, startedWith: configuration)
      let policy = ChangePolicy(new.administration)
      let routes = AcquirerRoutes(parts.definitions, over: gateway)
      try noting(rules) {
        try manager.raiseApprovals(to: policy.persons)
        try server.update(
          terms: parts.terms(over: routes), authorities: parts.authorities,
          certificate: parts.certificate)
      }
      gateway.putInForce(routes)
      manager.update(alarms: new.alarms)
      notifier.update(parts.webhook)
      concerns.update(new)
      administration.update(access: parts.access)
      condition.put(policy: policy, routes: routes, grants: AccessGrants(new), digest: new.digest)
      for section in configuration.sectionsThatNeedRestart(comparedTo: new) {
        logger.warning("a change needs a restart", metadata: ["section": "\(section)"])
      }
      logger.notice("configuration reloaded", metadata: ["generation": "\(next)"])
      logger.tellCautions(about: new, parts)
      record(.reload, .done)
    } catch {
      let failure = CommandFailure(error)
      logger.log(.error, "configuration not reloaded; the one before stays in force", failure)
      record(.reload, .refused)
    }
  }

  /// Writes what `new` changes, and puts it in force with `body`; where that fails, it is written that all is
  /// as it was.
  private func noting(_ new: RulesInForce, _ body: () throws -> Void) throws {
    try manager.note(new)
    do { try body() } catch {
      try? manager.note(rules.withLock { $0 })
      throw error
    }
    rules.withLock { $0 = new }
  }

  /// Stops: what was accepted is answered, then everything is closed.
  func stop() -> Int32 {
    logger.notice("stopping")
    condition.beginDraining()
    let limit = TimeAmount.seconds(Int64(configuration.limits.drainSeconds))
    let deadline = NIODeadline.now() + limit
    let server = server
    let isDone =
      (try? group.any().makeFutureWithTask { await server.stop(within: limit) }.wait()) ?? false
    try? gateway.shutdown(within: max(deadline - .now(), .milliseconds(100))).wait()
    ticker.cancel()
    record(.serve, .stopped)
    administration.stop()
    vault.close()
    do { try OfflineNotes(of: configuration.store.path).leave(vault.store) } catch {
      logger.log(.warning, "how the store was left is not noted", CommandFailure(error))
    }
    publisher.finish()
    notifier.finish()
    stream?.finish(within: .seconds(2))
    try? group.syncShutdownGracefully()
    if !isDone { logger.warning("the drain limit passed with requests unanswered") }
    guard let cause = condition.causeOfEnd else {
      logger.notice("stopped")
      return 0
    }
    logger.critical("stopped, since nothing could be written", metadata: ["reason": "\(cause)"])
    return CommandFailure.Status.unavailable.rawValue
  }

  private func record(_ operation: AuditOperation, _ outcome: AuditOutcome) {
    do {
      try vault.record(
        AuditEntry(actor: .system, operation: operation, outcome: outcome))
    } catch {
      logger.error(
        "no audit entry could be written", metadata: ["operation": "\(operation.rawValue)"])
    }
  }
}

extension ServiceConfiguration {
  /// The sections in which `new` differs and which are read at start only.
  func sectionsThatNeedRestart(comparedTo new: ServiceConfiguration) -> [String] {
    var sections: [String] = []
    if new.listen != listen { sections.append("listen") }
    if new.store != store { sections.append("store") }
    if new.keys != keys || new.keyRules != keyRules || new.distinctAccounts != distinctAccounts {
      sections.append("keys")
    }
    if new.audit != audit { sections.append("audit") }
    if new.limits != limits { sections.append("limits") }
    if new.development != development { sections.append("development") }
    if new.administration.socketPath != administration.socketPath {
      sections.append("administration.socket")
    }
    if new.administration.socketGroup != administration.socketGroup {
      sections.append("administration.socket_group")
    }
    return sections
  }
}
