import AccessPolicy
import AcquirerGateway
import Administration
import AuditLog
import ConfigurationReading
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
  let notifier: AlarmNotifier
  let stream: EntryStream?
  let startedMilliseconds: Int64
  /// The same by the monotonic clock, in nanoseconds: nobody sets that one.
  let startedNanoseconds = SystemClock.monotonicNanoseconds()

  private var vault: Vault { manager.vault }

  func hooks(slots: SecretPool) -> AdministrationHooks {
    var hooks = AdministrationHooks(clock: .machine)
    hooks.version = Version.full
    hooks.service = { [self] in status() }
    hooks.metrics = { [self] in metrics() }
    hooks.keyring = { [vault] in try vault.keyring }
    hooks.slots = slots
    hooks.vault = manager
    hooks.merchants = { [tokenizer] in tokenizer.policy.merchants.keys.sorted() }
    hooks.access = { [condition] in condition.grants }
    hooks.rules = manager.rules
    hooks.keepAtHandSeconds = configuration.audit.keepAtHandSeconds
    hooks.policy = { [condition] in condition.policy }
    hooks.keySource = KeySourceHooks(configuration.keys.source, of: vault)
    hooks.upkeep = manager.upkeep
    hooks.inventory = { [self] in try inventory().write(to: &$0, atMilliseconds: $1) }
    let acquirers = AcquirerReport(gateway: gateway, condition: condition)
    hooks.acquirers = { acquirers.write(to: &$0) }
    hooks.testAcquirer = { try acquirers.test($0) }
    hooks.record = { [vault] entry in try vault.record(entry) }
    hooks.recordRefusal = { [vault] entry in try vault.recordRefusal(entry) }
    return hooks
  }

  private func inventory() -> Inventory {
    Inventory(
      server: server.tls, listen: listen, authorities: server.authorities,
      acquirers: condition.routes.connections)
  }

  private var listen: String { "\(configuration.listen.host):\(server.port)" }

  private var state: ServiceStatus.State {
    if condition.hasWritingEnded { return .writingEnded }
    if condition.isDraining { return .draining }
    return vault.isSealed ? .sealed : .serving
  }

  private func status() -> ServiceStatus {
    let limits = ProcessLimits.current
    var status = ServiceStatus(
      state: state, version: Version.current, isDevelopment: configuration.development,
      processIdentifier: getpid(), startedMilliseconds: startedMilliseconds,
      uptimeSeconds: Int64(
        (SystemClock.monotonicNanoseconds() - startedNanoseconds) / 1_000_000_000),
      listen: listen,
      connections: server.counters.connectionsOpen, paymentsInFlight: vault.payments.count,
      policyGeneration: tokenizer.policy.generation, openFilesLimit: limits.openFiles,
      lockedMemoryLimitBytes: limits.lockedBytes)
    status.build = condition.build
    return status
  }

  private func metrics() -> [Metric] {
    let answers = server.counters.answers
    func labels(_ answer: ServerCounters.Answers) -> [(String, String)] {
      [("operation", answer.operation.word), ("status", "\(answer.status)")]
    }
    let metrics = [
      Metric(
        "cadenas_requests_total", .counter, "Answers, by operation and HTTP status.",
        samples: answers.map { .init(Int64(clamping: $0.count), labels: labels($0)) }),
      Metric(
        "cadenas_request_seconds_total", .counter,
        "Time from the end of a request's head to its answer, summed by operation and status.",
        samples: answers.map {
          .init(microseconds: Int64(clamping: $0.microseconds), labels: labels($0))
        }),
      Metric(
        "cadenas_connections", .gauge, "Open connections.",
        Int64(server.counters.connectionsOpen)),
      Metric(
        "cadenas_handshakes", .gauge,
        "Open connections whose client no policy knows, yet or at all.",
        Int64(server.handshakesUnderWay)),
      Metric(
        "cadenas_connection_events_total", .counter, "What happened to connections.",
        samples: ServerCounters.Event.allCases.map {
          .init(Int64(clamping: server.counters.count($0)), labels: [("event", $0.rawValue)])
        }),
      Metric(
        "cadenas_payments_in_flight", .gauge, "Payments that wait for their acquirer.",
        Int64(vault.payments.count)),
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
    return metrics + streamMetrics() + requestDurations() + AcquirerMetrics.all(gateway)
  }

  /// What became of alarms for a webhook and of entries for a stream; 0 where there is none.
  private func streamMetrics() -> [Metric] {
    let (told, sent) = (notifier.counts, stream?.counts ?? EntryStream.Counts())
    let notices = [
      ("told", told.told), ("failed", told.failed), ("left_out", told.leftOut),
    ]
    return [
      Metric(
        "cadenas_alarm_notices_total", .counter,
        "Alarms that the webhook was told, attempts that failed, and alarms that were given up.",
        samples: notices.map { .init(Int64(clamping: $0.1), labels: [("result", $0.0)]) }),
      Metric(
        "cadenas_alarm_notices_waiting", .gauge, "Alarms that the webhook is still to be told.",
        Int64(told.waiting)),
      Metric(
        "cadenas_audit_stream_sent_total", .counter,
        "Entries that were sent to the journal or to syslog.", Int64(clamping: sent.sent)),
      Metric(
        "cadenas_audit_stream_left_out_total", .counter,
        "Entries that were not, since nobody took them: cadenas audit show --after has them.",
        Int64(clamping: sent.leftOut)),
    ]
  }

  /// How long requests took, whatever they were answered.
  private func requestDurations() -> [Metric] {
    [
      Metric(
        "cadenas_request_duration_seconds",
        "Time from the end of a request's head to its answer, by operation.",
        histograms: server.counters.durations.map { operation, durations in
          ([("operation", operation.word)], durations)
        })
    ]
  }
}
