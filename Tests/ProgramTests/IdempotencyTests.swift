import TestNetwork
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// The same key again: the first answer, across restarts, and one message to the acquirer.
  @Suite(.stage) struct IdempotencyTests {
    @Test func theSameKeyAndRequestGiveTheFirstAnswerAcrossARestart() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visa)
      let spelled = #"{"amount": {"currency":"EUR","value":4990}, "acquirer":"credit-du-nord"}"#
      let first = try await stage.ask(.push(token, amount: 4990, key: "kept"))
      expect(first, 200)
      let again = try await stage.ask(.push(token, body: spelled, key: "kept"))
      #expect(again.body == first.body)
      #expect(again.fields["x-request-id"] != first.fields["x-request-id"])
      #expect(try await stage.received().count == 1)

      let created = try await stage.ask(.tokenize(TestCard.amex, key: "kept-card"))
      expect(created, 201)
      try await stage.stop()
      try await stage.start()
      let afterwards = try await stage.ask(.push(token, amount: 4990, key: "kept"))
      #expect(afterwards.status == 200 && afterwards.body == first.body)
      #expect(try await stage.received().count == 0, "the new acquirer was told nothing")
      let replayed = try await stage.ask(.tokenize(TestCard.amex, key: "kept-card"))
      #expect(replayed.status == 201 && replayed.body == created.body)
    }

    @Test func anotherRequestUnderTheSameKeyIsRefused() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visa)
      expect(try await stage.ask(.push(token, amount: 10, key: "used")), 200)
      expect(
        try await stage.ask(.push(token, amount: 11, key: "used")), 422, "idempotency-key-reused")
      let other = try await stage.token(of: TestCard.mastercard)
      expect(
        try await stage.ask(.push(other, amount: 10, key: "used")), 422, "idempotency-key-reused")
      expect(
        try await stage.ask(.tokenize(TestCard.visa, key: "used")), 422, "idempotency-key-reused")
      let cvc = try await stage.ask(.push(token, amount: 10, more: #","cvc":"999""#, key: "used"))
      expect(cvc, 200)
      expect(try await stage.ask(.tokenize(TestCard.maestro, key: "card")), 201)
      expect(
        try await stage.ask(.tokenize(TestCard.amex, key: "card")), 422, "idempotency-key-reused")
    }

    @Test func aRefusalFreesTheKey() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visa)
      let unknown = "tok_01kax3zv5ye8bvkp2mszn9fqxw"
      expect(try await stage.ask(.push(unknown, amount: 1, key: "freed")), 404, "token-not-found")
      expect(try await stage.ask(.push(token, amount: 1, key: "freed")), 200)
    }

    @Test func aKeyBelongsToItsClient() async throws {
      let stage = try Stage.current
      expect(try await stage.ask(.tokenize("4917610000000000", key: "own"), as: "shop"), 201)
      let other = try await stage.ask(
        .tokenize(TestCard.visaElectron, key: "own"), as: "other-shop")
      expect(other, 201)
    }

    @Test func whileTheFirstRunsTheSameKeyIsAConflictAndOneMessageIsSent() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visa)
      let before = try await stage.received().count
      let answers = try await withThrowingTaskGroup(of: WireAnswer.self) { group in
        for _ in 0..<12 {
          group.addTask { try await stage.ask(.push(token, amount: 100_010, key: "slow")) }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(answers.contains { $0.status == 200 })
      #expect(answers.allSatisfy { [200, 409].contains($0.status) })
      for answer in answers where answer.status == 409 {
        expect(answer, 409, "request-in-progress")
      }
      #expect(Set(answers.filter { $0.status == 200 }.map(\.body)).count == 1)
      #expect(try await stage.received().count == before + 1)
      expect(try await stage.ask(.push(token, amount: 100_010, key: "slow")), 200)
      #expect(try await stage.received().count == before + 1)
    }

    @Test func aPaymentThatACrashCutOffIsUnknownForEverAndWasSentOnce() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visa)
      // A machine that is very slow may let the acquirer answer first; then the next one is tried.
      for attempt in 0..<5 {
        let request = WireRequest.push(token, amount: 100_010, key: "cut-\(attempt)")
        let before = try await stage.received().count
        let wire = try await stage.connect()
        try await wire.send(request.text)
        try await eventually("the acquirer has it") { try await stage.received().count > before }
        let received = try await stage.received()
        #expect(received.count == before + 1)
        try await stage.kill()
        let isCutOff = try await wire.untilClosed().isEmpty
        try await stage.start()
        guard isCutOff else { continue }

        let answer = try await stage.ask(request)
        expect(answer, 504, "outcome-unknown")
        #expect(answer["payment_id"] == received.identifiers.last)
        let again = try await stage.ask(request)
        #expect(again.body == answer.body)
        #expect(try await stage.received().count == 0, "it was not sent a second time")
        return
      }
      Issue.record("no payment was cut off")
    }

    @Test func aPushNeedsAKeyOfTheRightForm() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visa)
      expect(
        try await stage.ask(.push(token, amount: 1, key: nil)), 400, "idempotency-key-required")
      for key in ["", "a b", "é", String(repeating: "k", count: 256)] {
        expect(try await stage.ask(.push(token, amount: 1, key: key)), 400, "malformed-request")
      }
      let longest = String(repeating: "k", count: 255)
      expect(try await stage.ask(.push(token, amount: 1, key: longest)), 200)
    }
  }
}
