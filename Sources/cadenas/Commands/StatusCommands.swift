import Administration
import ArgumentParser

struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Show how the running service is.",
    discussion: "Exit status 0 while a service answers, 3 where none does.")

  @OptionGroup var common: CommonOptions

  func run() throws {
    try common.show(ShowStatus(), offline: false) { status in
      let warnings = status.rows("key_warnings").map { warning in
        Console.styled("warning", warning["urgent"]?.isTrue == true ? .red : .yellow)
          + " \(warning.text("role")) key \(warning.text("key")): \(warning.text("text"))\n"
      }
      return TextTable.pairs(Self.pairs(status)) + warnings.joined()
    }
  }

  private static func pairs(_ status: DocumentView) -> [(name: String, value: String)] {
    [
      ("state", status.text("state")),
      ("version", status.text("version")),
      ("development", status.text("development")),
      ("process", status.text("pid")),
      ("started", status.text("started")),
      ("uptime", status.text("uptime_seconds") + " s"),
      ("listens on", status.text("listen")),
      ("connections", status.text("connections")),
      ("payments in flight", status.text("payments_in_flight")),
      ("policy generation", status.text("policy_generation")),
      ("store", status.text("store")),
      ("cards", status.text("cards")),
      ("audit entries", status.text("audit_entries")),
      ("store used", status.size("store_used_bytes") + " of " + status.size("store_map_bytes")),
    ] + journal(status["journal"]) + room(status) + StoreHealth(status).pairs
      + check(status["store_check"])
      + shares(status.rows("shares")) + work(status["key_work"]) + alarms(status.rows("alarms"))
  }

  /// Why every batch waits for LMDB, where it does.
  private static func journal(_ journal: DocumentView?) -> [(name: String, value: String)] {
    guard let journal, journal["in_use"]?.isTrue != true else { return [] }
    return [("journal", Console.styled("none", .yellow) + ": \(journal.text("lack"))")]
  }

  /// What is left for new cards, or what they wait for.
  private static func room(_ status: DocumentView) -> [(name: String, value: String)] {
    let used = "\(status.text("store_used_percent")) % used"
    var pairs = [
      (
        name: "room for new cards",
        value: status["accepts_new_cards"]?.isTrue == true
          ? "\(used); \(status.size("store_available_bytes")) left, for about "
            + "\(status.text("store_available_cards")) cards"
          : Console.styled("none", .red) + ": \(status.text("refused")) is refused (507)"
      )
    ]
    for lack in status.rows("lacks_room") {
      let limit = lack["limit"]?.text ?? "-"
      pairs.append(
        (
          "\(lack.text("file")) lacks",
          lack.size("bytes") + (limit == "-" ? "" : " of \(limit)")
        ))
    }
    return pairs
  }

  /// How far the look at the whole store is, while it is under way.
  private static func check(_ check: DocumentView?) -> [(name: String, value: String)] {
    guard let check, check["running"]?.isTrue == true else { return [] }
    return [("store is read", "\(check.text("done")) of \(check.text("total")) records")]
  }

  /// The rules that have raised alarms, where there are any.
  private static func alarms(_ alarms: [DocumentView]) -> [(name: String, value: String)] {
    let raised = alarms.filter { $0["raised"]?.integer != 0 }
    guard !raised.isEmpty else { return [] }
    return [
      (
        "alarms",
        raised.map { "\($0.text("raised")) \($0.text("rule"))" }.joined(separator: ", ")
          + "; see cadenas audit show --operation alarm"
      )
    ]
  }

  private static func shares(_ shares: [DocumentView]) -> [(name: String, value: String)] {
    shares.map { progress in
      (
        progress.text("purpose") == "unseal" ? "shares to unseal" : "shares to replace",
        (progress.texts("entered").isEmpty ? "none" : progress.list("entered"))
          + "; \(progress.text("missing")) more within \(ShareOption.timeLeft(progress))"
      )
    }
  }

  private static func work(_ work: DocumentView?) -> [(name: String, value: String)] {
    guard let work else { return [] }
    if let failure = work["failure"]?.text, failure != "-" {
      return [("work on keys", "ended early: \(failure)")]
    }
    guard work["running"]?.isTrue == true else { return [] }
    return [("work on keys", "\(work.text("done")) of \(work.text("total"))")]
  }
}

struct MetricsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "metrics",
    abstract: "Print the running service's counters for Prometheus.",
    discussion: """
      The text format of Prometheus, for the textfile collector of its node exporter or for a \
      script that serves it: the vault itself has no other network socket.
      """)

  @OptionGroup var config: ConfigurationOption

  func run() throws {
    Console.write(try Session(config).document(ShowMetrics(), offline: false))
  }
}
