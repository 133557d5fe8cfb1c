import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// Alarms as a webhook is told them, whatever it is like.
  @Suite struct WebhookTests {
    /// An alarm, by a token that is bait.
    private func raise(_ stage: Stage) async throws -> String {
      let text = try stage.cadenas("honeytoken", "add", "--merchant", "shop", "--format", "json")
      let bait = try #require(try JSONMembers(Array(text.utf8))["token"])
      expect(try await stage.ask(.delete(bait)), 404, "token-not-found")
      return bait
    }

    private func metric(_ name: String, _ stage: Stage) throws -> Int? {
      try stage.cadenas("metrics").split(separator: "\n")
        .first { $0.hasPrefix(name + " ") }.flatMap { Int($0.dropFirst(name.count + 1)) }
    }

    private func notify(_ stage: Stage, _ webhook: Webhook, host: String = "localhost") throws {
      try stage.configure {
        $0.split(separator: "\n").filter { !$0.hasPrefix("alarms:") }.joined(separator: "\n")
          + "\nalarms: {notify: {url: \"https://\(host):\(webhook.port)/hook\", ca: pki/ca.pem}}\n"
      }
    }

    @Test func anAlarmIsToldAsJSONAndTriedAgainUntilItIsTaken() async throws {
      try await Stage.withStage { stage in
        let webhook = try await Webhook(
          try stage.pki.publicServer("vault"), .status("503 Busy"), .close,
          .status("302 Found"), .endless, .status("204 No Content"))
        try notify(stage, webhook)
        try await stage.reload()
        let bait = try await raise(stage)
        // Others are served meanwhile.
        _ = try await stage.token(of: TestCard.mastercard)
        try await stage.logLine(
          with: "the webhook is not told of an alarm; it is tried again", "it answered 503",
          "localhost:\(webhook.port)")
        try await stage.logLine(with: "the webhook is told of alarms again")
        #expect(!stage.logs().contains("/hook"))
        let requests = webhook.script.requests
        #expect(requests.count == 5 && Set(requests).count == 1)
        let request = try #require(requests.first)
        #expect(request.hasPrefix("POST /hook HTTP/1.1\r\n"))
        let seq = try stage.cadenas("audit", "show", "--operation", "alarm", "--format", "json")
          .split(separator: "\n").last.map { try JSONMembers(Array($0.utf8)) }
        let body = try JSONMembers(Array(request.drop { $0 != "{" }.utf8))
        #expect(body["rule"] == "honeytoken" && body["token"] == bait)
        #expect(body["merchant"] == "shop" && body["operation"] == "delete")
        #expect(body.integer("seq") == seq?.integer("seq"))
        #expect(body["log"]?.hasPrefix("cadenas/") == true)
        let log = body["log"] ?? ""
        #expect(request.contains("Idempotency-Key: \(log)/\(body.integer("seq") ?? 0)\r\n"))
        #expect(try metric("cadenas_alarm_notices_total{result=\"told\"}", stage) == 1)
        #expect(try metric("cadenas_alarm_notices_total{result=\"failed\"}", stage) == 4)
        #expect(try metric("cadenas_alarm_notices_waiting", stage) == 0)
        try await webhook.stop()
      }
    }

    @Test func aWebhookThatHangsHoldsUpNobodyAndAnotherOneIsTold() async throws {
      try await Stage.withStage { stage in
        let hanging = try await Webhook(try stage.pki.publicServer("vault"), .silence)
        try notify(stage, hanging)
        try await stage.reload()
        for _ in 0..<3 { _ = try await raise(stage) }
        try await eventually("it is asked") { !hanging.script.requests.isEmpty }
        _ = try await stage.token(of: TestCard.mastercard)
        #expect(try metric("cadenas_alarm_notices_waiting", stage) == 3)
        let other = try await Webhook(try stage.pki.publicServer("vault"), .status("200 OK"))
        try notify(stage, other)
        try await stage.reload()
        try await eventually("all of them are told, in their order") {
          other.script.requests.count == 3
        }
        #expect(Set(other.script.requests).count == 3)
        try await hanging.stop()
        try await other.stop()
      }
    }

    @Test func aWebhookOfAnotherNameOrAuthorityIsToldNothing() async throws {
      try await Stage.withStage { stage in
        let stranger = try await Webhook(
          try stage.pki.publicServer("simulator"), .status("200 OK"))
        try notify(stage, stranger)
        try await stage.reload()
        _ = try await raise(stage)
        try await stage.logLine(with: "the webhook is not told of an alarm; it is tried again")
        #expect(stranger.script.requests.isEmpty)
        // What is left untold at the end is said.
        try await stage.stop()
        try await stage.logLine(with: "alarms were not told to the webhook", "\"count\":\"1\"")
        try await stranger.stop()
      }
    }

    @Test func anAuthorityThatIsNoneIsAMistake() async throws {
      try await Stage.withStage { stage in
        try stage.configure {
          $0 + "alarms: {notify: {url: \"https://localhost/x\", ca: cadenas.yaml}}\n"
        }
        try await stage.reload(saying: "configuration not reloaded; the one before stays in force")
        try await stage.logLine(with: "cadenas.yaml: holds no certificate in PEM")
      }
    }
  }
}
