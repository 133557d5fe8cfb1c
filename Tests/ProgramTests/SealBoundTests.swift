import TestNetwork
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// A data key that has sealed as often as it may: nothing is sent whose outcome could not be kept.
  @Suite(.stage { $0.replacing("  path: keys\n", with: "  path: keys\n  most_seals: 100\n") })
  struct SealBoundTests {
    @Test func atTheBoundNothingIsSentInVainAndARotationCures() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visa)
      // The card took one seal of a hundred.
      let kept = try await pay(stage, token, times: 90, prefix: "early")
      #expect(kept.allSatisfy { $0.answer.status == 200 })
      try await cutOffAmongOthers(stage, token, left: 9)

      // It starts, and what was cut off took the last seal.
      let first = try #require(kept.first)
      let again = try await stage.ask(.push(token, amount: 1, key: first.key))
      #expect(again.status == 200 && again.body == first.answer.body)
      let before = try await stage.received().count
      try await expectUsedUp(stage.ask(.push(token, amount: 1, key: "late")))
      try await expectUsedUp(stage.ask(.tokenize(TestCard.mastercard)))
      try await expectUsedUp(stage.ask(.tokenize(TestCard.visa, key: "late-card")))
      #expect(try await stage.received().count == before)
      #expect(try await stage.token(of: TestCard.visa) == token)
      let card = try await stage.ask(.pull(token), as: "acquirer")
      #expect(card["number"] == TestCard.visa)
      #expect(try stage.cadenas("keys", "status").contains("keys rotate data"))
      try await stage.stop()
      try await stage.start()

      _ = try stage.cadenas("keys", "rotate", "data")
      expect(try await stage.ask(.push(token, amount: 1, key: "late")), 200)
      expect(try await stage.ask(.tokenize(TestCard.mastercard)), 201)
      expect(try await stage.ask(.delete(token)), 204)
      _ = try stage.cadenas("audit", "verify")
      _ = try stage.cadenas("store", "verify")
    }

    /// Payments that are asked for at once.
    private func pay(
      _ stage: Stage, _ token: String, times: Int, prefix: String
    ) async throws -> [(key: String, answer: WireAnswer)] {
      try await withThrowingTaskGroup(of: (String, WireAnswer).self) { group in
        for number in 0..<times {
          group.addTask {
            let key = "\(prefix)-\(number)"
            return (key, try await stage.ask(.push(token, amount: 1, key: key)))
          }
        }
        return try await group.reduce(into: []) { $0.append(($1.0, $1.1)) }
      }
    }

    /// One payment waits for its outcome while more ask for seals than are left, and the vault dies
    /// before it is there: whoever was sent to the acquirer is told what came of it.
    private func cutOffAmongOthers(_ stage: Stage, _ token: String, left: Int) async throws {
      let slow = WireRequest.push(token, amount: 100_010, key: "slow")
      let before = try await stage.received().count
      let wire = try await stage.connect()
      try await wire.send(slow.text)
      try await eventually("the acquirer has it") { try await stage.received().count > before }
      let others = try await pay(stage, token, times: 2 * left, prefix: "last")
      #expect(others.count { $0.answer.status == 200 } == left - 1)
      for (_, answer) in others where answer.status != 200 { expectUsedUp(answer) }
      #expect(try await stage.received().count == before + left)
      try await stage.kill()
      let isCutOff = try await wire.untilClosed().isEmpty
      try await stage.start()
      let answer = try await stage.ask(slow)
      if isCutOff { expect(answer, 504, "outcome-unknown") } else { expect(answer, 200) }
      #expect(try await stage.received().count == 0, "it was not sent a second time")
    }

    private func expectUsedUp(
      _ answer: WireAnswer, at location: SourceLocation = #_sourceLocation
    ) {
      expect(answer, 503, "unavailable", at: location)
      #expect(answer["detail"]?.contains("keys rotate data") == true, sourceLocation: location)
    }
  }
}
