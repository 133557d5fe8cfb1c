import AccessPolicy
import AcquirerGateway
import Administration
import AuditLog
import ConfigurationReading
import Logging
import NIOCore
import NIOPosix
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
          actor: AuditEntry.systemActor, operation: .reload, outcome: .intent))
      let persons = new.administration.approvals["destroy", default: 1]
      try manager.raiseApprovals(toPersons: persons)
      let routes = AcquirerRoutes(parts.definitions, over: gateway)
      try server.update(
        terms: parts.terms(over: routes), authorities: parts.authorities,
        certificate: parts.certificate)
      gateway.putInForce(routes)
      manager.update(alarms: new.alarms)
      administration.update(access: parts.access)
      condition.put(personsToDestroy: persons, routes: routes)
      for section in configuration.sectionsThatNeedRestart(comparedTo: new) {
        logger.warning("a change needs a restart", metadata: ["section": "\(section)"])
      }
      logger.notice("configuration reloaded", metadata: ["generation": "\(next)"])
      logger.tellEnds(of: new)
      record(.reload, .done)
    } catch {
      let failure = CommandFailure(error)
      logger.log(.error, "configuration not reloaded; the one before stays in force", failure)
      record(.reload, .refused)
    }
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
    publisher.finish()
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
        AuditEntry(actor: AuditEntry.systemActor, operation: operation, outcome: outcome))
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
    if new.keys != keys || new.keyRules != keyRules { sections.append("keys") }
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
