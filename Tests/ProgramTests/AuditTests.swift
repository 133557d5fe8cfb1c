import TestNetwork
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// What an auditor reads about what clients did.
  @Suite(.stage(limits: ["refusals_stored_per_minute": 5])) struct AuditTests {
    /// The entries that `filter` lets through, oldest first.
    private func entries(_ filter: String...) throws -> [JSONMembers] {
      let text = try Stage.current.cadenas(["audit", "show", "--format", "json"] + filter)
      return try text.split(separator: "\n").map { try JSONMembers(Array($0.utf8)) }
    }

    @Test func everyOperationOnACardIsAnEntryWithItsRequest() async throws {
      let stage = try Stage.current
      let wire = try await stage.connect()
      var answers = [try await wire.ask(.tokenize(TestCard.visa))]
      let token = try #require(answers[0]["token"])
      for request in [
        WireRequest.tokenize(TestCard.visa), .push(token, amount: 4990, key: "a"),
        .push(token, amount: 4990, key: "a"), .push(token, amount: 100_001, key: "b"),
        .push(token, amount: 100_007, key: "c"), .push(token, amount: 100_011, key: "d"),
        .push(token, amount: 100_009, key: "e"), .push(token, amount: -1, key: "f"),
      ] { answers.append(try await wire.ask(request)) }
      let pulled = try await stage.ask(.pull(token), as: "acquirer")
      answers.append(try await wire.ask(.delete(token)))
      answers.append(try await wire.ask(.delete(token)))

      let told = try entries("--token", token)
      let words = told.map { entry in
        ["operation", "outcome", "reason"].compactMap { entry[$0] }.joined(separator: " ")
      }
      #expect(
        words == [
          "tokenize created", "tokenize existing", "detokenize intent", "detokenize approved",
          "detokenize replayed", "detokenize intent", "detokenize refused insufficient_funds",
          "detokenize intent", "detokenize rejected", "detokenize intent",
          "detokenize unknown connection-closed", "detokenize intent",
          "detokenize approved card-number-in-answer",
          "alarm raised rule=card-number-in-answer count=1 window=3600s "
            + "client=spiffe://shop.example/checkout", "detokenize refused invalid-member",
          "detokenize released", "delete deleted", "delete refused token-not-found",
        ])
      #expect(told[0]["request_id"] == answers[0].fields["x-request-id"])
      #expect(told[0]["merchant"] == "shop")
      #expect(told[0]["actor"] == "spiffe://shop.example/checkout")
      for index in [2, 3, 4] {
        #expect(told[index]["payment_id"] == answers[2]["payment_id"])
        #expect(told[index]["acquirer"] == "credit-du-nord")
      }
      #expect(told[15]["actor"] == "spiffe://credit-du-nord.example/authorization")
      #expect(told[15]["request_id"] == pulled.fields["x-request-id"])
      let sequences = told.compactMap { $0["seq"].flatMap { Int($0) } }
      #expect(sequences == sequences.sorted() && sequences.count == told.count)
      let time = told[0]["time"] ?? ""
      #expect(time.wholeMatch(of: #/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/#) != nil)
      #expect(
        try stage.cadenas("metrics").contains(
          #"cadenas_acquirer_card_number_in_answer_total{acquirer="credit-du-nord"} 1"#))
      _ = try stage.cadenas("audit", "verify")
    }

    @Test func whoNobodyKnowsHasAnEntryAndWhoIsRefusedAgainAndAgainIsCounted() async throws {
      let stage = try Stage.current
      let before = try entries().count
      for name in ["nobody", "impostor"] {
        expect(try await stage.ask(.tokenize(TestCard.visa), as: name), 403, "unknown-client")
      }
      let wire = try await stage.connect("other-shop")
      expect(try await wire.ask(WireRequest(method: "GET", path: "/")), 404, "no-such-resource")
      try await wire.send("x\r\n\r\n")
      expect(try await wire.answer(), 400, "malformed-request")
      // One for each who is not served; and reading the log is an entry, since the service runs.
      #expect(try entries().count <= before + 3)

      let again = try await stage.connect("other-shop")
      for _ in 0..<12 { expect(try await again.ask(.delete("tok_x")), 404, "token-not-found") }
      await again.close()
      try await stage.stop()
      let refusals = try entries("--actor", "spiffe://other-shop.example/checkout")
      #expect(refusals.count { $0["operation"] == "delete" && $0["outcome"] == "refused" } == 5)
      let counted = refusals.filter { $0["outcome"] == "counted" }
      #expect(counted.map { $0["operation"] } == ["refusals"])
      #expect(counted.map { $0["reason"] } == ["7"])
      try await stage.start()
    }
  }
}
