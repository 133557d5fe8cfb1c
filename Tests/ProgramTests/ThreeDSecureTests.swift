import NIOHTTP1
import TestNetwork
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// 3-D Secure whole: the acquirer's server, the issuer's challenge in a browser, and the payment with
  /// what came of it.
  @Suite(.stage) struct ThreeDSecureTests {
    private func authenticate(
      _ token: String, _ amount: Int, reference: String = "order-3ds", key: String
    ) async throws -> WireAnswer {
      try await Stage.current.ask(
        .push(
          token,
          body: """
            {"acquirer":"credit-du-nord","operation":"authenticate","reference":"\(reference)",\
            "amount":{"value":\(amount),"currency":"EUR"},"initiator":"cardholder",\
            "inputs":{"browser_user_agent":"Mozilla/5.0","browser_language":"fr-FR",\
            "browser_time_zone":-60,"browser_java":false,"browser_script":true,\
            "return_url":"https://shop.example/back?order=1&x=\\"2\\""}}
            """, key: key))
    }

    private func pay(_ token: String, _ amount: Int, _ threeDSecure: String, key: String)
      async throws -> WireAnswer
    {
      try await Stage.current.ask(
        .push(token, amount: amount, more: #","three_ds":\#(threeDSecure)"#, key: key))
    }

    /// The object `three_ds` of an answer, as it stands.
    private func data(of answer: WireAnswer) throws -> String {
      try #require(answer["three_ds"])
    }

    private func fields(of answer: WireAnswer) throws -> JSONMembers {
      try JSONMembers(Array(try #require(answer["fields"]).utf8))
    }

    @Test func aFrictionlessCardIsAuthenticatedAndPays() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visaOfFrance)
      let answer = try await authenticate(token, 200_001, key: "f-1")
      expect(answer, 200)
      #expect(answer["outcome"] == "authenticated")
      let data = try data(of: answer)
      #expect(data.contains(#""version":"2.2.0","trans_status":"Y","eci":"05","cavv":""#))
      let paid = try await pay(token, 100_006, data, key: "f-2")
      #expect(paid["outcome"] == "approved")
      let log = try stage.cadenas("audit", "show", "--format", "json", "--limit", "8")
      #expect(log.contains(#""outcome":"authenticated""#))
    }

    @Test(arguments: [("1234", "authenticated"), ("9999", "refused")])
    func aChallengeIsPassedByItsCode(code: String, outcome: String) async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visaOfFrance)
      let answer = try await authenticate(token, 200_002, key: "c-1-\(code)")
      expect(answer, 200)
      #expect(answer["outcome"] == "challenge_required")
      let fields = try fields(of: answer)
      let transaction = try #require(fields["three_ds_server_transaction_id"])
      let browser = try Browser(stage)
      let page = try browser.post(
        "/challenge", ["creq": fields["creq"] ?? "", "threeDSSessionData": "s<1>"])
      #expect(page.status == 200)
      #expect(page.text.contains(#"name="code""#) && page.text.contains("2000.02 EUR"))
      #expect(page.text.contains(#"value="s&lt;1&gt;""#), "nothing breaks out of the page")
      let end = try browser.post(
        "/answer",
        ["transaction": transaction, "code": code, "confirm": "1", "threeDSSessionData": "s<1>"])
      #expect(
        end.text.contains(#"action="https://shop.example/back?order=1&amp;x=&quot;2&quot;""#))

      let result = try await stage.ask(
        .push(
          token,
          body: """
            {"acquirer":"credit-du-nord","operation":"authentication_result",\
            "three_ds_server_transaction_id":"\(transaction)"}
            """, key: "c-2-\(code)"))
      expect(result, 200)
      #expect(result["outcome"] == outcome)
      guard outcome == "authenticated" else {
        #expect(result["reason"] == "other")
        return
      }
      let paid = try await pay(token, 100_006, try data(of: result), key: "c-3")
      #expect(paid["outcome"] == "approved")
    }

    @Test func aChallengeThatNobodyAnsweredIsNotPassed() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visaOfFrance)
      let answer = try await authenticate(token, 200_002, key: "n-1")
      let transaction = try #require(
        fields(of: answer)["three_ds_server_transaction_id"])
      let result = try await stage.ask(
        .push(
          token,
          body: """
            {"acquirer":"credit-du-nord","operation":"authentication_result",\
            "three_ds_server_transaction_id":"\(transaction)"}
            """, key: "n-2"))
      #expect(result["outcome"] == "refused" && result["reason"] == "other")
    }

    @Test func whatIsNotAvailableIsRefusedAndAnAttemptIsHandedOn() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visaOfFrance)
      let none = try await authenticate(token, 200_003, key: "u-1")
      #expect(none["outcome"] == "refused" && none["reason"] == "other")
      let attempt = try await authenticate(token, 200_004, key: "u-2")
      #expect(attempt["outcome"] == "authenticated")
      #expect(try data(of: attempt).contains(#""trans_status":"A","eci":"06""#))
    }

    @Test func aSoftDeclineAfterAFrictionlessOneTakesAChallenge() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.mastercard)
      let first = try await authenticate(token, 200_006, key: "s-1")
      #expect(first["outcome"] == "authenticated")
      let declined = try await pay(token, 200_006, try data(of: first), key: "s-2")
      #expect(declined["outcome"] == "authentication_required")
      let second = try await authenticate(token, 200_006, key: "s-3")
      #expect(second["outcome"] == "challenge_required")
      let transaction = try #require(
        fields(of: second)["three_ds_server_transaction_id"])
      _ = try Browser(stage).post(
        "/answer", ["transaction": transaction, "code": "1234", "confirm": "1"])
      let result = try await stage.ask(
        .push(
          token,
          body: """
            {"acquirer":"credit-du-nord","operation":"authentication_result",\
            "three_ds_server_transaction_id":"\(transaction)"}
            """, key: "s-4"))
      let paid = try await pay(token, 200_006, try data(of: result), key: "s-5")
      #expect(paid["outcome"] == "approved")
    }

    @Test func aMessageAboutAChallengeTakesNothingElse() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visa)
      let begin = #"{"acquirer":"credit-du-nord","operation":"authentication_result""#
      let without = try await stage.ask(.push(token, body: begin + "}", key: "r-1"))
      expect(without, 422, "missing-member", pointer: "/three_ds_server_transaction_id")
      let more = try await stage.ask(
        .push(
          token,
          body: begin
            + #","cvc":"123","three_ds_server_transaction_id":"f25084f0-5b16-4c0a-ae5d-b24808a95e4b"}"#,
          key: "r-2"))
      expect(more, 422, "unknown-member", pointer: "/cvc")
    }
  }
}

/// A shopper's browser at the access control server, which asks for no certificate.
private struct Browser {
  let client: HTTPSClient

  init(_ stage: Stage) throws {
    client = try HTTPSClient(
      to: try stage.running.accessControl, as: "nobody", of: stage.pki, trusting: "ca")
  }

  func post(_ path: String, _ members: [String: String]) throws -> (status: Int, text: String) {
    let body = members.map { "\($0)=\(Self.escaped($1))" }.joined(separator: "&")
    let answer = try client.send(.POST, path, body: body)
    return (answer.status, String(decoding: answer.body, as: UTF8.self))
  }

  private static func escaped(_ text: String) -> String {
    text.utf8.map { byte in
      let digits = String(byte, radix: 16, uppercase: true)
      return "%" + (digits.count == 1 ? "0" + digits : digits)
    }.joined()
  }
}
