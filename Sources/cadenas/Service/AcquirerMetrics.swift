import AcquirerGateway
import Administration

/// The figures about messages to acquirers and the connections that they go on.
enum AcquirerMetrics {
  static func all(_ gateway: Gateway) -> [Metric] {
    messages(gateway.counts.sorted { $0.key < $1.key })
      + connections(gateway.connections.sorted { $0.key < $1.key })
  }

  private static func samples<Counts>(
    _ all: [(key: String, value: Counts)], _ value: (Counts) -> Int
  ) -> [Metric.Sample] {
    all.map { .init(Int64(value($0.value)), labels: [("acquirer", $0.key)]) }
  }

  private static func messages(_ all: [(key: String, value: GatewayCounts)]) -> [Metric] {
    let rows = all.flatMap { acquirer, counts in counts.rows.map { (acquirer, $0) } }
    return [
      Metric(
        "cadenas_acquirer_messages_total", .counter, "What messages to acquirers came to.",
        samples: all.flatMap { acquirer, counts in
          counts.totals.map {
            .init(Int64($0.count), labels: [("acquirer", acquirer), ("outcome", $0.outcome)])
          }
        }),
      Metric(
        "cadenas_acquirer_failures_total", .counter,
        "Messages that were not sent, or whose outcome nobody knows, by cause.",
        samples: rows.compactMap { acquirer, row in
          row.cause.map { cause in
            .init(
              Int64(row.count),
              labels: [("acquirer", acquirer), ("outcome", row.outcome), ("cause", cause)])
          }
        }),
      Metric(
        "cadenas_acquirer_duration_seconds",
        "Time from sending a message to its outcome, connecting included.",
        histograms: all.map { ([("acquirer", $0.key)], $0.value.durations) }),
      Metric(
        "cadenas_acquirer_places_refused_total", .counter,
        "Payments refused since the acquirer, the merchant or all together had as many messages under "
          + "way as they may: nothing was sent.",
        samples: MessageShares.Refusal.allCases.flatMap { share in
          samples(all) { $0.refused[share] ?? 0 }.map {
            .init($0.value, labels: $0.labels + [("share", share.rawValue)])
          }
        }),
      Metric(
        "cadenas_acquirer_card_number_in_answer_total", .counter,
        "Answers that held the card number, or nine or more digits of it: an alarm.",
        samples: samples(all, \.heldCardNumber)),
      Metric(
        "cadenas_acquirer_security_code_in_answer_total", .counter,
        "Answers of which a member was the security code; it was dropped.",
        samples: samples(all, \.heldSecurityCode)),
    ]
  }

  private static func connections(_ all: [(key: String, value: ConnectionCounts)]) -> [Metric] {
    [
      Metric(
        "cadenas_acquirer_connections", .gauge, "Open connections to acquirers.",
        samples: samples(all, \.open)),
      Metric(
        "cadenas_acquirer_connections_idle", .gauge,
        "Open connections to acquirers that wait for a message.", samples: samples(all, \.idle)),
      Metric(
        "cadenas_acquirer_connections_opened_total", .counter,
        "Connections to acquirers whose handshakes were completed.",
        samples: samples(all, \.opened)),
      Metric(
        "cadenas_acquirer_connections_failed_total", .counter,
        "Connections to acquirers that did not come to stand.", samples: samples(all, \.failed)),
      Metric(
        "cadenas_acquirer_connections_reused_total", .counter,
        "Messages to acquirers that were sent on a connection that had been kept.",
        samples: samples(all, \.reused)),
      Metric(
        "cadenas_acquirer_messages_repeated_total", .counter,
        "Messages that were sent once more, since a kept connection ended without a byte of the answer "
          + "(idempotent_by).",
        samples: samples(all, \.repeated)),
      Metric(
        "cadenas_acquirer_connections_closed_total", .counter,
        "Connections to acquirers that were closed, by cause.",
        samples: ConnectionEnd.allCases.flatMap { end in
          samples(all) { $0.closed[end] ?? 0 }.map {
            .init($0.value, labels: $0.labels + [("cause", end.rawValue)])
          }
        }),
    ]
  }
}
