import TestNetwork
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// The line of the service's log about a payment without a decision.
  @Suite(.stage) struct PaymentLogTests {
    /// The one line that has `payment` and these statuses, by member.
    private func line(of answer: WireAnswer) async throws -> JSONMembers {
      let request = try #require(answer.fields["x-request-id"])
      let line = try await Stage.current.logLine(with: #""message":"request""#, request)
      let members = try JSONMembers(Array(line.utf8))
      #expect(members["acquirer"] == "credit-du-nord")
      #expect(members["payment_id"] == answer["payment_id"])
      return members
    }

    @Test func aPaymentThatIsNotSentSaysWhatTheSystemSaid() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visa)
      let before = try DevelopmentFiles.readText(stage.configuration)
      let silent = Endpoint(host: "127.0.0.1", port: try LoopbackPort.choose(1)[0])
      let elsewhere = try ConfigurationEdit.setAcquirer(
        "credit-du-nord", url: silent.url, in: before)
      try stage.configure { _ in elsewhere }
      try await stage.reload()
      let answer = try await stage.ask(.push(token, amount: 4990, key: "nobody-listens"))
      expect(answer, 502, "acquirer-unreachable")
      let line = try await line(of: answer)
      #expect(line["cause"] == "connect-failed")
      #expect(line["errno"] == "111" && line["error"] == "Connection refused")
      #expect(!stage.logs().contains(TestCard.visa))
      try stage.configure { _ in before }
      try await stage.reload()
      expect(try await stage.ask(.push(token, amount: 4990, key: "somebody-does")), 200)
    }

    @Test(arguments: [
      (100_007, 502, "rejected"), (100_008, 504, "not-json"), (100_011, 504, "connection-closed"),
    ])
    func aPaymentWithoutADecisionSaysWhy(
      _ amount: Int, _ status: Int, _ cause: String
    ) async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visa)
      let answer = try await stage.ask(.push(token, amount: amount, key: "why-\(amount)"))
      #expect(answer.status == status)
      #expect(try await line(of: answer)["cause"] == cause)
      let again = try await stage.ask(.push(token, amount: amount, key: "why-\(amount)"))
      #expect(try await line(of: again)["cause"] == "replayed")
    }
  }
}
