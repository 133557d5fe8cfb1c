import AccessPolicy
import AcquirerGateway
import Administration
import AuditLog
import Configuration
import Glibc
import Ledgers
import SecretMemory
import ServiceLog
import SystemCalls
import Tokenization
import VaultCore
import VaultManagement
import VaultServer

/// What the administration socket tells of the running service.
struct ServiceStatusSource: Sendable {
  let configuration: ServiceConfiguration
  let manager: VaultManager
  let tokenizer: Tokenizer
  let server: VaultServer
  let gateway: Gateway
  let condition: ServiceCondition
  let log: LogQueue
  let startedMilliseconds: Int64

  private var vault: Vault { manager.vault }

  func hooks(slots: SecretPool) -> AdministrationHooks {
    var hooks = AdministrationHooks(clock: .machine)
    hooks.service = { [self] in status() }
    hooks.metrics = { [self] in metrics() }
    hooks.keyring = { [vault] in try vault.keyring }
    hooks.slots = slots
    hooks.vault = manager
    hooks.rules = manager.rules
    hooks.keepAtHandSeconds = configuration.audit.keepAtHandSeconds
    hooks.keySource = KeySourceHooks(configuration.keys.source, of: vault) { [condition] in
      condition.personsToDestroy
    }
    hooks.upkeep = manager.upkeep
    hooks.inventory = { [self] in try inventory().write(to: &$0, atMilliseconds: $1) }
    hooks.record = { [vault] entry in try vault.record(entry) }
    return hooks
  }

  private func inventory() -> Inventory {
    Inventory(
      server: server.tls, listen: listen, authorities: server.authorities,
      acquirers: condition.acquirers)
  }

  private var listen: String { "\(configuration.listen.host):\(server.port)" }

  private var state: ServiceStatus.State {
    if condition.hasWritingEnded { return .writingEnded }
    if condition.isDraining { return .draining }
    return vault.isSealed ? .sealed : .serving
  }

  private func status() -> ServiceStatus {
    ServiceStatus(
      state: state, version: Version.current, isDevelopment: configuration.development,
      processIdentifier: getpid(), startedMilliseconds: startedMilliseconds,
      uptimeSeconds: (SystemClock.unixMilliseconds() - startedMilliseconds) / 1_000,
      listen: listen,
      connections: server.counters.connectionsOpen, paymentsInFlight: vault.paymentsInFlight,
      policyGeneration: tokenizer.policy.generation)
  }

  private func metrics() -> [Metric] {
    let answers = server.counters.answers
    func labels(_ answer: ServerCounters.Answers) -> [(String, String)] {
      [("operation", answer.operation.word), ("status", "\(answer.status)")]
    }
    var metrics = [
      Metric(
        "cadenas_requests_total", .counter, "Answers, by operation and HTTP status.",
        samples: answers.map { .init(Int64(clamping: $0.count), labels: labels($0)) }),
      Metric(
        "cadenas_request_seconds_total", .counter,
        "Time from the end of a request's head to its answer, summed.",
        samples: answers.map {
          .init(microseconds: Int64(clamping: $0.microseconds), labels: labels($0))
        }),
      Metric(
        "cadenas_connections", .gauge, "Open connections.",
        Int64(server.counters.connectionsOpen)),
      Metric(
        "cadenas_connection_events_total", .counter, "What happened to connections.",
        samples: ServerCounters.Event.allCases.map {
          .init(Int64(clamping: server.counters.count($0)), labels: [("event", $0.rawValue)])
        }),
      Metric(
        "cadenas_payments_in_flight", .gauge, "Payments that wait for their acquirer.",
        Int64(vault.paymentsInFlight)),
      Metric(
        "cadenas_policy_generation", .gauge, "Configurations put in force since the start.",
        Int64(clamping: tokenizer.policy.generation)),
      Metric(
        "cadenas_audit_checkpoint_entries", .gauge,
        "Entries of the audit log that the newest signed checkpoint covers.",
        Int64(clamping: vault.checkpoint?.size ?? 0)),
      Metric(
        "cadenas_same_digits_refused_total", .counter,
        "Tokenize requests refused since too many new cards shared first and last digits.",
        Int64(clamping: vault.books.digitFigures.refused)),
      Metric(
        "cadenas_same_digits_pairs", .gauge, "Pairs of first and last digits that are counted.",
        Int64(vault.books.digitFigures.pairs)),
      Metric(
        "cadenas_same_digits_forgotten_total", .counter,
        "Pairs that were forgotten at limits.same_digits_pairs.",
        Int64(clamping: vault.books.digitFigures.forgotten)),
      Metric(
        "cadenas_log_lines_lost_total", .counter,
        "Lines of the log that were left out, since nobody read them or they could not be written.",
        Int64(clamping: log.linesLost)),
      Metric("cadenas_sealed", .gauge, "1 while the keyring is closed.", vault.isSealed ? 1 : 0),
    ]
    metrics += acquirers()
    return metrics
  }

  private func acquirers() -> [Metric] {
    let counts = gateway.counts.sorted { $0.key < $1.key }
    func samples(_ value: (GatewayCounts) -> Int) -> [Metric.Sample] {
      counts.map { .init(Int64(value($0.value)), labels: [("acquirer", $0.key)]) }
    }
    let outcomes: [(String, (GatewayCounts) -> Int)] = [
      ("answered", \.answered), ("rejected", \.rejected), ("unknown", \.unknown),
      ("not_sent", \.notSent),
    ]
    return [
      Metric(
        "cadenas_acquirer_messages_total", .counter, "What messages to acquirers came to.",
        samples: outcomes.flatMap { outcome, value in
          samples(value).map { .init($0.value, labels: $0.labels + [("outcome", outcome)]) }
        }),
      Metric(
        "cadenas_acquirer_card_number_in_answer_total", .counter,
        "Answers that held the card number, or nine or more digits of it: an alarm.",
        samples: samples(\.heldCardNumber)),
      Metric(
        "cadenas_acquirer_security_code_in_answer_total", .counter,
        "Answers of which a member was the security code; it was dropped.",
        samples: samples(\.heldSecurityCode)),
    ]
  }
}

/// The version of the programs.
enum Version {
  static let current = "0.1.0"
}
