import TestNetwork
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// Payments: what the simulator does by amount, and what the vault makes of it.
  @Suite(.stage) struct PaymentTests {
    /// What an amount leads to.
    struct Decided: Sendable, CustomTestStringConvertible {
      let amount: Int
      let outcome: String
      var reason: String?
      var code: String?
      var testDescription: String { "\(amount)" }
    }

    @Test(arguments: [
      Decided(amount: 4990, outcome: "approved", code: "00"),
      Decided(amount: 0, outcome: "approved", code: "00"),
      Decided(amount: 999_999_999_999, outcome: "approved", code: "00"),
      Decided(amount: 100_001, outcome: "refused", reason: "insufficient_funds", code: "51"),
      Decided(amount: 100_002, outcome: "refused", reason: "limit_exceeded", code: "61"),
      Decided(amount: 100_003, outcome: "refused", reason: "do_not_honour", code: "05"),
      Decided(amount: 100_004, outcome: "refused", reason: "lost_or_stolen", code: "41"),
      Decided(amount: 100_005, outcome: "refused", reason: "suspected_fraud", code: "59"),
      Decided(amount: 100_006, outcome: "authentication_required", code: "1A"),
    ])
    func anAmountIsDecidedAsTheSimulatorSays(_ decided: Decided) async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visa)
      let answer = try await stage.ask(
        .push(token, amount: decided.amount, key: "d-\(decided.amount)"))
      expect(answer, 200)
      #expect(answer["outcome"] == decided.outcome)
      #expect(answer["reason"] == decided.reason)
      #expect(answer["code"] == decided.code)
      #expect(answer["acquirer"] == "credit-du-nord")
      #expect(answer["approved_amount"] == nil)
      #expect((answer["transaction_id"] != nil) == (decided.outcome == "approved"))
      let payment = try #require(answer["payment_id"])
      #expect(payment.hasPrefix("pay_"))
      #expect(try await stage.received().identifiers.count { $0 == payment } == 1)
    }

    @Test func halfOfAnAmountApprovedIsSaid() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visa)
      let answer = try await stage.ask(.push(token, amount: 100_012, key: "half"))
      expect(answer, 200)
      #expect(answer["outcome"] == "approved" && answer["approved_amount"] == "50006")
    }

    @Test func authenticationPassesWithThreeDSecureDataAndANewKey() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visaOfFrance)
      let threeDSecure = """
        ,"three_ds":{"version":"2.2.0","trans_status":"Y","eci":"05",\
        "cavv":"AAABCZIhcQAAAABZlyFxAAAAAAA=",\
        "ds_transaction_id":"f25084f0-5b16-4c0a-ae5d-b24808a95e4b"}
        """
      let answer = try await stage.ask(
        .push(token, amount: 100_006, more: threeDSecure, key: "with-3ds"))
      expect(answer, 200)
      #expect(answer["outcome"] == "approved")
    }

    @Test func everyMemberOfAPaymentIsTaken() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visaOfFrance)
      let all = """
        {"acquirer":"credit-du-nord","operation":"authorize",\
        "amount":{"value":4990,"currency":"EUR"},"reference":"order-1042","cvc":"123",\
        "initiator":"cardholder","stored_credential":{"use":"recurring","sequence":"first",\
        "network_transaction_id":null},"three_ds":null,"sca_exemption":"low_value"}
        """
      let answer = try await stage.ask(.push(token, body: all, key: "all"))
      expect(answer, 200)
      #expect(answer["outcome"] == "approved")
      let verification = #"{"acquirer":"credit-du-nord","operation":"verify","cvc":"1234"}"#
      let verified = try await stage.ask(.push(token, body: verification, key: "verify"))
      expect(verified, 200)
      #expect(verified["outcome"] == "approved")
    }

    @Test func aPaymentThatIsDecidedLaterIsPending() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visa)
      let answer = try await stage.ask(.push(token, amount: 100_013, key: "later"))
      expect(answer, 200)
      #expect(answer["outcome"] == "pending" && answer["transaction_id"] != nil)
      let again = try await stage.ask(.push(token, amount: 100_013, key: "later"))
      #expect(again.body == answer.body)
    }

    @Test(arguments: [("manual", "false"), ("auto", "true")])
    func anApprovalSaysWhetherItWaitsForACapture(mode: String, captured: String) async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visa)
      let answer = try await stage.ask(
        .push(
          token, amount: 4990, more: #","inputs":{"capture":"\#(mode)"}"#, key: "c-\(mode)"))
      expect(answer, 200)
      #expect(answer.body.contains(#""captured":\#(captured)"#))
    }

    @Test func aRejectedRequestIs502AndTheKeyKeepsIt() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visa)
      let answer = try await stage.ask(.push(token, amount: 100_007, key: "rejected"))
      expect(answer, 502, "acquirer-rejected-request")
      let again = try await stage.ask(.push(token, amount: 100_007, key: "rejected"))
      #expect(again.body == answer.body)
      let payment = try #require(answer["payment_id"])
      #expect(try await stage.received().identifiers.count { $0 == payment } == 1)
    }

    @Test(arguments: [100_008, 100_011])
    func anAnswerThatSaysNothingLeavesTheOutcomeOpenAndIsNeverSentAgain(amount: Int) async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visa)
      let answer = try await stage.ask(.push(token, amount: amount, key: "open-\(amount)"))
      expect(answer, 504, "outcome-unknown")
      let payment = try #require(answer["payment_id"])
      let again = try await stage.ask(.push(token, amount: amount, key: "open-\(amount)"))
      expect(again, 504, "outcome-unknown")
      #expect(again["payment_id"] == payment)
      #expect(try await stage.received().identifiers.count { $0 == payment } == 1)
    }

    @Test func anAcquirerThatEchoesTheNumberTellsTheShopNothingOfIt() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visaOfFrance)
      let answer = try await stage.ask(.push(token, amount: 100_009, key: "echo"))
      expect(answer, 200)
      let payment = try #require(answer["payment_id"])
      #expect(
        answer.body == """
          {"payment_id":"\(payment)","outcome":"approved","acquirer":"credit-du-nord","code":null,\
          "reason":null,"transaction_id":null,"network_transaction_id":null,\
          "approved_amount":null,"captured":null,"fields":{}}
          """)
    }

    @Test(arguments: RefusedPayment.all)
    func aPaymentThatCannotBeForwardedIsRefusedByName(_ refused: RefusedPayment) async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visa)
      let before = try await stage.received().count
      let answer = try await stage.ask(.push(token, body: refused.body, key: "refused"))
      expect(answer, refused.status, refused.problem, pointer: refused.pointer)
      #expect(try await stage.received().count == before, "nothing was sent")
    }
  }
}

/// A push that is JSON and is refused.
struct RefusedPayment: Sendable, CustomTestStringConvertible {
  let body: String
  let status: Int
  let problem: String
  let pointer: String?

  var testDescription: String { body }

  private init(
    _ members: String, _ problem: String, _ pointer: String? = nil, status: Int = 422,
    acquirer: String = #""acquirer":"credit-du-nord","#
  ) {
    body = "{\(acquirer)\(members)}"
    self.status = status
    self.problem = problem
    self.pointer = pointer
  }

  private static let euros = #""amount":{"value":4990,"currency":"EUR"}"#

  static let all = [
    RefusedPayment(euros, "missing-member", "/acquirer", acquirer: ""),
    RefusedPayment(euros, "invalid-member", "/acquirer", acquirer: #""acquirer":7,"#),
    RefusedPayment(
      euros, "acquirer-not-permitted", status: 403, acquirer: #""acquirer":"elsewhere","#),
    RefusedPayment(#""operation":"authorize""#, "missing-member", "/amount"),
    RefusedPayment(#"\#(euros),"operation":"capture""#, "invalid-member", "/operation"),
    RefusedPayment(#"\#(euros),"operation":"credit""#, "invalid-member", "/operation"),
    RefusedPayment(#"\#(euros),"inputs":{"phone":"1"}"#, "unknown-member", "/inputs/phone"),
    RefusedPayment(#"\#(euros),"inputs":{"4970105181818183":1}"#, "unknown-member", "/inputs"),
    RefusedPayment(
      #"\#(euros),"inputs":{"email":"4970 1051 8181 8183"}"#, "invalid-member", "/inputs/email"),
    RefusedPayment(
      #"\#(euros),"three_ds":{"version":"2.2.0","trans_status":"N"}"#, "invalid-member",
      "/three_ds/trans_status"),
    RefusedPayment(#"\#(euros),"operation":"verify""#, "invalid-member", "/amount/value"),
    RefusedPayment(
      #""amount":{"value":1,"currency":"JPY"}"#, "unsupported-currency", "/amount/currency"),
    RefusedPayment(
      #""amount":{"value":1,"currency":"eur"}"#, "invalid-member", "/amount/currency"),
    RefusedPayment(
      #""amount":{"value":-1,"currency":"EUR"}"#, "invalid-member", "/amount/value"),
    RefusedPayment(
      #""amount":{"value":1000000000000,"currency":"EUR"}"#, "invalid-member", "/amount/value"),
    RefusedPayment(
      #""amount":{"value":"1","currency":"EUR"}"#, "invalid-member", "/amount/value"),
    RefusedPayment(#""amount":{"currency":"EUR"}"#, "missing-member", "/amount/value"),
    RefusedPayment(#""amount":{"value":1}"#, "missing-member", "/amount/currency"),
    RefusedPayment(
      #""amount":{"value":1,"currency":"EUR","more":1}"#, "unknown-member", "/amount"),
    RefusedPayment(#"\#(euros),"reference":"""#, "invalid-member", "/reference"),
    RefusedPayment(
      #"\#(euros),"reference":"order:1""#, "invalid-member", "/reference"),
    RefusedPayment(
      #"\#(euros),"reference":"4970-1051-8181-8183""#, "invalid-member", "/reference"),
    RefusedPayment(#"\#(euros),"cvc":"12""#, "invalid-member", "/cvc"),
    RefusedPayment(#"\#(euros),"cvc":"12345""#, "invalid-member", "/cvc"),
    RefusedPayment(#"\#(euros),"cvc":123"#, "invalid-member", "/cvc"),
    RefusedPayment(#"\#(euros),"cvc":"12a""#, "invalid-member", "/cvc"),
    RefusedPayment(#"\#(euros),"cvc":"123","initiator":"merchant""#, "invalid-member", "/cvc"),
    RefusedPayment(#"\#(euros),"cvv":"123""#, "sensitive-authentication-data", "/cvv"),
    RefusedPayment(#"\#(euros),"track2":"x""#, "sensitive-authentication-data", "/track2"),
    RefusedPayment(
      #"\#(euros),"three_ds":{"cvc":"123"}"#, "sensitive-authentication-data"),
    RefusedPayment(#"\#(euros),"initiator":"shop""#, "invalid-member", "/initiator"),
    RefusedPayment(
      #"\#(euros),"stored_credential":{"use":"recurring"}"#, "missing-member",
      "/stored_credential/sequence"),
    RefusedPayment(
      #"\#(euros),"stored_credential":{"use":"x","sequence":"first"}"#, "invalid-member",
      "/stored_credential/use"),
    RefusedPayment(
      #"\#(euros),"three_ds":{"version":"2.2.0","trans_status":"Y","eci":"5"}"#,
      "invalid-member", "/three_ds/eci"),
    RefusedPayment(
      #"\#(euros),"three_ds":{"version":"2.2.0","trans_status":"Y","cavv":"abc"}"#,
      "invalid-member", "/three_ds/cavv"),
    RefusedPayment(
      #"\#(euros),"three_ds":{"version":"2.2.0"}"#, "missing-member", "/three_ds/trans_status"),
    RefusedPayment(#"\#(euros),"sca_exemption":"none""#, "invalid-member", "/sca_exemption"),
    RefusedPayment(#"\#(euros),"number":"4970105181818183""#, "unknown-member"),
    RefusedPayment(#"\#(euros),"merchant_id":"1""#, "unknown-member"),
  ]
}
