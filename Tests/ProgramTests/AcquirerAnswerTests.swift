import TestNetwork
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// What an acquirer that gives the card away tells a shop.
  @Suite(.stage) struct AcquirerAnswerTests {
    /// A payment that has the simulator echo something, with the answer of its replay.
    private func echoed(
      _ reference: String, amount: Int = 1001
    ) async throws -> (answer: WireAnswer, replay: WireAnswer) {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visaOfFrance)
      let push = WireRequest.push(
        token, amount: amount, more: #","reference":"\#(reference)","cvc":"737""#,
        key: "\(reference)-\(amount)")
      return (try await stage.ask(push), try await stage.ask(push))
    }

    private func count(_ metric: String) throws -> Int {
      let name = #"\#(metric){acquirer="credit-du-nord"} "#
      let line = try Stage.current.cadenas("metrics").split(separator: "\n")
        .first { $0.hasPrefix(name) }
      return line.flatMap { Int($0.dropFirst(name.count)) } ?? 0
    }

    @Test func aPartIsToldAsAPartThoughTheNumberIsInTheAnswer() async throws {
      let (answer, replay) = try await echoed("echo-part")
      expect(answer, 200)
      #expect(answer["outcome"] == "approved" && answer["approved_amount"] == "500")
      #expect(answer["transaction_id"] == nil && answer["code"] == nil)
      #expect(replay.body == answer.body)
    }

    @Test(arguments: [1001, 999_999_999_999])
    func anAmountThatIsAPieceOfTheNumberLeavesItOpen(asked: Int) async throws {
      let (answer, replay) = try await echoed("echo-amount", amount: asked)
      expect(answer, 504, "outcome-unknown")
      #expect(!answer.body.contains(TestCard.visaOfFrance.prefix(9)))
      #expect(replay.body == answer.body)
    }

    @Test func theNumberBackwardsIsTheNumber() async throws {
      let before = try count("cadenas_acquirer_card_number_in_answer_total")
      let (answer, _) = try await echoed("echo-backwards")
      expect(answer, 200)
      #expect(answer["outcome"] == "approved")
      #expect(answer["transaction_id"] == nil && answer["code"] == nil)
      #expect(try count("cadenas_acquirer_card_number_in_answer_total") > before)
    }

    @Test func aMemberThatIsAPieceIsDroppedAlone() async throws {
      let (answer, replay) = try await echoed("echo-piece")
      expect(answer, 200)
      #expect(answer["outcome"] == "approved" && answer["code"] == "00")
      #expect(answer["transaction_id"] == nil)
      #expect(replay.body == answer.body)
    }

    @Test func theSecurityCodeIsNeitherToldNorKept() async throws {
      let (answer, replay) = try await echoed("echo-code")
      expect(answer, 200)
      #expect(answer["outcome"] == "approved" && answer["code"] == "00")
      #expect(answer["transaction_id"] == nil && replay.body == answer.body)
      #expect(try count("cadenas_acquirer_security_code_in_answer_total") >= 1)
    }
  }
}
