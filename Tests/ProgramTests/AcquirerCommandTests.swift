import TestNetwork
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// What operators see of acquirers.
  @Suite(.stage) struct AcquirerCommandTests {
    private func metric(_ text: String, _ name: String) -> Int? {
      text.split(separator: "\n").first { $0.hasPrefix(name + " ") }
        .flatMap { Int($0.dropFirst(name.utf8.count + 1)) }
    }

    @Test func whatPaymentsCameToIsShownByAcquirer() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visa)
      for (amount, status) in [(4990, 200), (100_001, 200), (100_007, 502), (100_011, 504)] {
        let answer = try await stage.ask(.push(token, amount: amount, key: "shown-\(amount)"))
        #expect(answer.status == status)
      }
      let text = try stage.cadenas("acquirers", "--format", "json")
      for row in [
        #"{"outcome":"approved","cause":null,"count":1}"#,
        #"{"outcome":"refused","cause":null,"count":1}"#,
        #"{"outcome":"rejected","cause":null,"count":1}"#,
        #"{"outcome":"unknown","cause":"connection-closed","count":1}"#,
        #""name":"credit-du-nord""#, #""server_name":"localhost""#, #""idempotent_by":null"#,
      ] {
        #expect(text.contains(row), "\(row) in \(text)")
      }
      let table = try stage.cadenas("acquirers")
      #expect(table.contains("1 unknown (connection-closed)") && table.contains("credit-du-nord"))
      let metrics = try stage.cadenas("metrics")
      let acquirer = #"acquirer="credit-du-nord""#
      #expect(
        metric(metrics, #"cadenas_acquirer_messages_total{\#(acquirer),outcome="approved"}"#) == 1)
      #expect(
        metric(
          metrics,
          #"cadenas_acquirer_failures_total{\#(acquirer),outcome="unknown",cause="connection-closed"}"#
        )
          == 1)
      #expect(metric(metrics, "cadenas_acquirer_duration_seconds_count{\(acquirer)}") == 4)
      #expect(
        metric(
          metrics, #"cadenas_request_duration_seconds_bucket{operation="detokenize",le="+Inf"}"#)
          == 4)
      #expect(
        metric(
          metrics, #"cadenas_acquirer_connections_closed_total{\#(acquirer),cause="message"}"#)
          == 1)
    }

    /// `promtool check metrics` of Prometheus, which deploy/test gets.
    @Test func prometheusAcceptsTheMetrics() throws {
      let stage = try Stage.current
      let kept = "\(stage.directory)/metrics.txt"
      try Account.write(Array(try stage.cadenas("metrics").utf8), to: kept)
      let output = try ChildProcess.run([
        "sh", "-c", "'\(try OutsideProgram.promtool)' check metrics <'\(kept)' 2>&1",
      ])
      #expect(output == "", "promtool: \(output)")
    }

    @Test func anAcquirerIsLookedAtWithoutARequest() async throws {
      let stage = try Stage.current
      let before = try await stage.received().count
      let text = try stage.cadenas("acquirers", "test", "credit-du-nord", "--format", "json")
      let seen = try JSONMembers(Array(text.utf8))
      #expect(seen["usable"] == "true" && seen["version"] == "TLSv1.3", "\(text)")
      #expect(seen["cipher_suite"]?.hasPrefix("TLS_") == true && seen["name_matches"] == "true")
      #expect(text.contains(#""dns_names":["localhost"#), "\(text)")
      let table = try stage.cadenas("acquirers", "test", "credit-du-nord")
      #expect(table.contains("localhost, carried"))
      #expect(try await stage.received().count == before)
      let log = try stage.cadenas("audit", "show", "--operation", "acquirers.test")
      #expect(log.contains("done"))
      #expect(throws: DevelopmentError.self) { try stage.cadenas("acquirers", "test", "nobody") }
    }
  }
}
