import TestNetwork
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// Alarms and honeytokens as operators and shops meet them.
  @Suite(.stage(limits: ["refusals_stored_per_minute": 5])) struct AlarmTests {
    /// The alarms of a token, or all, oldest first.
    private func alarms(_ filter: String...) throws -> [JSONMembers] {
      let text = try Stage.current.cadenas(
        ["audit", "show", "--format", "json", "--operation", "alarm"] + filter)
      return try text.split(separator: "\n").map { try JSONMembers(Array($0.utf8)) }
    }

    private func plant(_ merchant: String = "shop") throws -> String {
      let text = try Stage.current.cadenas(
        ["honeytoken", "add", "--merchant", merchant, "--format", "json"])
      return try #require(try JSONMembers(Array(text.utf8))["token"])
    }

    private func metric(_ rule: String) throws -> String? {
      let prefix = "cadenas_alarms_total{rule=\"\(rule)\"} "
      return try Stage.current.cadenas("metrics").split(separator: "\n")
        .first { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
    }

    /// An answer without what differs from one request to the next.
    private func plain(_ answer: WireAnswer) -> WireAnswer {
      var fields = answer.fields
      fields["x-request-id"] = nil
      fields["date"] = nil
      return WireAnswer(status: answer.status, fields: fields, body: answer.body)
    }

    @Test func aHoneytokenIsATokenThatNeverExistedAndRaisesAnAlarm() async throws {
      let stage = try Stage.current
      let bait = try plant()
      let gone = try await stage.token(of: TestCard.mastercard)
      let shop = try await stage.connect()
      expect(try await shop.ask(.delete(gone)), 204)
      #expect(try metric("honeytoken") == "0")
      let acquirer = try await stage.connect("acquirer")
      for make in [
        { (token: String) in WireRequest.push(token, amount: 1, key: "k-\(token.suffix(4))") },
        { token in .push(token, amount: 1, key: "k-\(token.suffix(4))") },
        { token in .delete(token) },
        { token in .push(token, amount: 1, key: nil) },
        { token in .push(token, body: "{", key: "x") },
      ] {
        let answer = try await shop.ask(make(bait))
        #expect(plain(answer) == plain(try await shop.ask(make(gone))))
        #expect(answer.status != 200)
      }
      #expect(
        plain(try await acquirer.ask(.pull(bait))) == plain(try await acquirer.ask(.pull(gone))))
      try await eventually("both clients have raised alarms") { try alarms().count >= 2 }
      let told = try alarms("--token", bait)
      #expect(told.first?["reason"]?.hasPrefix("rule=honeytoken count=1 client=spiffe://") == true)
      #expect(told.contains { $0["reason"]?.hasSuffix("shop.example/checkout") == true })
      #expect(told.contains { $0["reason"]?.hasSuffix(".example/authorization") == true })
      #expect(try alarms("--token", gone).isEmpty)
      // One more may be on its way into the log.
      try await eventually("as many are counted as are told") {
        try metric("honeytoken") == "\(alarms("--token", bait).count)"
      }
      try await stage.logLine(with: "\"message\":\"alarm\"", "\"token\":\"\(bait)\"")
      #expect(try stage.cadenas("status").contains("honeytoken; see cadenas audit show"))
      _ = try stage.cadenas("audit", "verify")
      _ = try stage.cadenas("store", "verify")
    }

    @Test func aFloodOfRefusalsHidesNoHoneytoken() async throws {
      let stage = try Stage.current
      let bait = try plant("other-shop")
      let wire = try await stage.connect("other-shop")
      for _ in 0..<20 { expect(try await wire.ask(.delete("tok_x")), 404, "token-not-found") }
      expect(try await wire.ask(.delete(bait)), 404, "token-not-found")
      try await eventually("the alarm has its entry") { try alarms("--token", bait).count == 1 }
      #expect(try alarms("--token", bait).first?["merchant"] == "other-shop")
    }

    @Test func aHoneytokenOutlivesARestart() async throws {
      let stage = try Stage.current
      let bait = try plant()
      try await stage.kill()
      try await stage.start()
      expect(try await stage.ask(.delete(bait)), 404, "token-not-found")
      try await eventually("the alarm has its entry") { try alarms("--token", bait).count == 1 }
      _ = try stage.cadenas("honeytoken", "remove", bait)
      #expect(try !stage.cadenas("honeytoken", "list").contains(bait))
      expect(try await stage.ask(.delete(bait), as: "other-shop"), 404, "token-not-found")
      expect(try await stage.ask(.delete("tok_x")), 404, "token-not-found")
      #expect(try alarms("--token", bait).count == 1)
    }

    @Test func otherRulesComeWithAReloadAndABrokenFileStaysOut() async throws {
      let stage = try Stage.current
      let original = try DevelopmentFiles.readText(stage.configuration)
      let file = "\(stage.directory)/alarms.yaml"
      try stage.configure { $0 + "alarms: alarms.yaml\n" }
      try await stage.reload(saying: "configuration not reloaded; the one before stays in force")
      try await stage.logLine(with: "alarms.yaml cannot be read")
      let rule = "operations: [tokenize], outcomes: [created], per: merchant, more_than: 2, in: 1h"
      try Account.write(Array("rules: {new-cards: {\(rule), honeytoken: 1}}\n".utf8), to: file)
      try await stage.reload(saying: "configuration not reloaded; the one before stays in force")
      #expect(try metric("new-cards") == nil)
      try Account.write(Array("rules: {new-cards: {\(rule)}}\n".utf8), to: file)
      try await stage.reload()
      #expect(try metric("new-cards") == "0")
      #expect(try metric("honeytoken") == nil)
      for number in [
        TestCard.visaOfFrance, TestCard.visaElectron, TestCard.maestro, TestCard.amex,
      ] {
        _ = try await stage.token(of: number, as: "other-shop")
      }
      #expect(try metric("new-cards") == "1")
      let alarm = try #require(try alarms("--merchant", "other-shop").last)
      #expect(
        alarm["reason"]
          == "rule=new-cards count=3 window=3600s client=spiffe://other-shop.example/checkout")
      try DevelopmentFiles.write(Array(original.utf8), to: stage.configuration)
      try await stage.reload()
      #expect(try metric("honeytoken") != nil)
    }
  }
}
