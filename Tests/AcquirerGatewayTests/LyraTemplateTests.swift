import Cards
import Testing
import Tokenization
import VaultCore

@testable import AcquirerGateway

/// `deploy/acquirers/lyra.yaml`: what is sent, byte for byte, and every answer that is documented.
@Suite struct LyraTemplateTests {
  private let lyra: SampleTemplate

  init() throws { lyra = try SampleTemplate("lyra") }

  private func body(_ payment: Payment, _ card: ReleasedCard) throws -> String {
    try lyra.message(payment, card, constants: ["requestor_name": "Shop"]).body
  }

  // MARK: - Messages

  @Test func `a cardholder's payment goes with everything that the shop may add`() throws {
    let payment = try Fixture.payment(
      cvc: "123", initiator: .cardholder, scaExemption: .lowValue,
      inputs: [
        "email": .text("a@b.example"), "cardholder_name": .text(#"Zoé "Z" Martin"#),
        "capture": .text("manual"), "capture_delay": .integer(3),
      ])
    #expect(
      try body(payment, Fixture.card(preferredBrand: .cb))
        == #"{"amount":4990,"currency":"EUR","orderId":"\#(Fixture.identifier.text)","#
        + #""formAction":"PAYMENT","strongAuthentication":"DISABLED","#
        + #""customer":{"email":"a@b.example"},"metadata":{"reference":"order-1042"},"#
        + #""transactionOptions":{"cardOptions":{"paymentSource":"EC","manualValidation":"YES","#
        + #""captureDelay":3}},"#
        + #""paymentForms":[{"paymentMethodType":"CARD","pan":"4970105181818183","#
        + #""expiryMonth":"11","expiryYear":"2028","securityCode":"123","brand":"CB","#
        + #""cardHolderName":"Zoé \"Z\" Martin"}]}"#)
  }

  @Test func `a message without inputs is as small as it was`() throws {
    let payment = try Fixture.payment(reference: nil)
    #expect(
      try body(payment, Fixture.card())
        == #"{"amount":4990,"currency":"EUR","orderId":"\#(Fixture.identifier.text)","#
        + #""formAction":"PAYMENT","#
        + #""paymentForms":[{"paymentMethodType":"CARD","pan":"4970105181818183","#
        + #""expiryMonth":"11","expiryYear":"2028"}]}"#)
  }

  @Test func `the first of a series is a cardholder's payment with 3-D Secure data`() throws {
    let payment = try Fixture.payment(
      reference: nil, initiator: .cardholder,
      storedCredential: Fixture.stored(.recurring, .first), threeDSecure: Fixture.threeDSecure,
      inputs: ["authentication_type": .text("challenge")])
    #expect(
      try body(payment, Fixture.card(preferredBrand: .visa))
        == #"{"amount":4990,"currency":"EUR","orderId":"\#(Fixture.identifier.text)","#
        + #""formAction":"PAYMENT","#
        + #""transactionOptions":{"cardOptions":{"paymentSource":"EC"}},"#
        + #""paymentForms":[{"paymentMethodType":"CARD","pan":"4970105181818183","#
        + #""expiryMonth":"11","expiryYear":"2028","brand":"VISA"}],"#
        + #""authenticationDetails":{"protocol":{"name":"THREEDS","version":"2.2.0","#
        + #""directoryServer":"VISA"},"authenticationType":"CHALLENGE","status":"SUCCESS","#
        + #""commerceIndicator":"05","authenticationValue":"AAABBEg0VhI0VniQEjRWAAAAAAA=","#
        + #""dsTransID":"f25084f0-5b16-4c0a-ae5d-b24808a95e4b","requestorName":"Shop"}}"#)
  }

  @Test func `the next of the series goes with the scheme's id, blanks and all`() throws {
    let payment = try Fixture.payment(
      reference: nil, initiator: .merchant,
      storedCredential: Fixture.stored(.recurring, .subsequent, network: "MCC 0012345 0613"))
    #expect(
      try body(payment, Fixture.card())
        == #"{"amount":4990,"currency":"EUR","orderId":"\#(Fixture.identifier.text)","#
        + #""formAction":"PAYMENT","strongAuthentication":"DISABLED","#
        + #""transactionOptions":{"cardOptions":{"#
        + #""initialIssuerTransactionIdentifier":"MCC 0012345 0613"}},"#
        + #""paymentForms":[{"paymentMethodType":"CARD","pan":"4970105181818183","#
        + #""expiryMonth":"11","expiryYear":"2028"}]}"#)
  }

  @Test func `Cartes Bancaires' own values go with its 3-D Secure data`() throws {
    let payment = try Fixture.payment(
      reference: nil, threeDSecure: Fixture.cartesBancaires,
      inputs: [
        "authentication_type": .text("frictionless"),
        "challenge_preference": .text("NO_PREFERENCE"),
      ])
    #expect(
      try body(payment, Fixture.card(preferredBrand: .cb))
        == #"{"amount":4990,"currency":"EUR","orderId":"\#(Fixture.identifier.text)","#
        + #""formAction":"PAYMENT","#
        + #""paymentForms":[{"paymentMethodType":"CARD","pan":"4970105181818183","#
        + #""expiryMonth":"11","expiryYear":"2028","brand":"CB"}],"#
        + #""authenticationDetails":{"protocol":{"name":"THREEDS","version":"2.2.0","#
        + #""directoryServer":"CB","challengePreference":"NO_PREFERENCE"},"#
        + #""authenticationType":"FRICTIONLESS","status":"SUCCESS","commerceIndicator":"05","#
        + #""authenticationValue":"AAABBEg0VhI0VniQEjRWAAAAAAA=","authValueAlgorithm":"4","#
        + #""dsScore":"12","dsTransID":"f25084f0-5b16-4c0a-ae5d-b24808a95e4b","#
        + #""acsTransID":"2e29b2cc-6a2b-4c37-a0fd-6c5c4b8c6f01","exemption":"AAEA","#
        + #""transactionStatusReason":"15","requestorName":"Shop"}}"#)
  }

  @Test func `an order by telephone says so`() throws {
    let text = try body(Fixture.payment(cvc: "123", initiator: .moto), Fixture.card())
    #expect(text.contains(#""cardOptions":{"paymentSource":"MOTO"}"#))
    #expect(!text.contains("strongAuthentication"))
  }

  @Test func `a card is verified`() throws {
    let payment = try Fixture.payment(
      .verify, amount: 0, cvc: "123", initiator: .cardholder,
      storedCredential: Fixture.stored(.unscheduled, .first),
      inputs: ["email": .text("a@b.example")])
    let (head, text) = try lyra.message(payment, Fixture.card(preferredBrand: .cb), constants: [:])
    #expect(head.first == "POST /V4.1/PCI/Charge/VerifyPaymentMethod HTTP/1.1")
    #expect(
      text == #"{"amount":0,"currency":"EUR","orderId":"\#(Fixture.identifier.text)","#
        + #""customer":{"email":"a@b.example"},"metadata":{"reference":"order-1042"},"#
        + #""paymentForms":[{"paymentMethodType":"CARD","pan":"4970105181818183","#
        + #""expiryMonth":"11","expiryYear":"2028","securityCode":"123","brand":"CB"}]}"#)
  }

  @Test func `what Lyra has no word for is refused`() throws {
    let operation = try lyra.operation(.authorize)
    let exemption = try operation.check(Fixture.payment(scaExemption: .transactionRisk))
    #expect(exemption?.name == .invalidMember)
    #expect(exemption?.pointer == "/sca_exemption")
    let informational = ThreeDSecure([.version: "2.2.0", .transStatus: "I"])
    let status = try operation.check(Fixture.payment(threeDSecure: informational))
    #expect(status?.pointer == "/three_ds/trans_status")
    let verification = try lyra.operation(.verify).check(
      Fixture.payment(.verify, threeDSecure: Fixture.threeDSecure))
    #expect(verification == Problem(.unknownMember, pointer: "/three_ds"))
  }

  // MARK: - Answers

  @Test(arguments: LyraAnswers.ofPayments)
  func `an answer to a payment is understood`(_ sample: AnswerCase) throws {
    #expect(try lyra.outcome(sample.answer) == sample.expected)
  }

  @Test(arguments: LyraAnswers.ofVerifications)
  func `an answer to a verification is understood`(_ sample: AnswerCase) throws {
    #expect(try lyra.outcome(sample.answer, of: .verify, requestedAmount: 0) == sample.expected)
  }
}

/// Answers as the documentation and recorded answers of shops have them.
private enum LyraAnswers {
  static func payment(
    _ detailed: String, order: String = "PAID", result: String? = nil, mark: String? = nil,
    network: String? = nil, amount: Int? = 12345
  ) -> String {
    func json(_ text: String?) -> String { text.map { #""\#($0)""# } ?? "null" }
    let code = json(result ?? mark)
    return """
      {"webService":"PCI/Charge/CreatePayment","version":"V4.1","status":"SUCCESS","mode":"TEST",
       "answer":{"shopId":"69876357","orderCycle":"CLOSED","orderStatus":"\(order)",
        "orderDetails":{"orderTotalAmount":12345,"orderId":"pay_x","mode":"TEST"},
        "transactions":[{"uuid":"720324c7b1b1453d8e5463a9705e47e9","amount":12345,
         "detailedStatus":"\(detailed)","operationType":"DEBIT","errorCode":null,
         "detailedErrorCode":\(detailed == "REFUSED" ? code : "null"),
         "transactionDetails":{"liabilityShift":"NO","effectiveAmount":12345,
          "cardDetails":{"effectiveBrand":"CB","pan":"497010XXXXXX8183","expiryMonth":11,
           "authorizationResponse":{"amount":\(amount.map { String($0) } ?? "null"),
            "authorizationNumber":null,"authorizationResult":\(json(result)),
            "authorizationMode":"\(mark == nil ? "FULL" : "MARK")"},
           "markAuthorizationResponse":{"amount":null,"authorizationResult":\(json(mark))},
           "initialIssuerTransactionIdentifier":\(json(network))},
          "acquirerNetwork":"CB"},
         "_type":"V4/PaymentTransaction"}],
        "_type":"V4/Payment"}}
      """
  }

  static func told(_ beginning: String, _ end: String = "", error: String? = nil) -> String {
    let detail = error.map { " detailed_error_code=\($0)" } ?? ""
    return "\(beginning) transaction=720324c7b1b1453d8e5463a9705e47e9\(end) effective_brand=CB "
      + "liability_shift=NO\(detail) acquirer_network=CB mode=TEST"
  }

  static func refusal(_ code: String, _ outcome: String) -> AnswerCase {
    AnswerCase(
      "REFUSED \(code)", payment("REFUSED", order: "UNPAID", result: code),
      told("\(outcome) code=\(code)", error: code))
  }

  static func error(_ code: String, _ expected: String) -> AnswerCase {
    AnswerCase(
      code, #"{"status":"ERROR","mode":"TEST","answer":{"errorCode":"\#(code)"}}"#, expected)
  }

  static func later(_ detailed: String) -> AnswerCase {
    AnswerCase(
      detailed, payment(detailed, order: "RUNNING", mark: "0", amount: nil), told("pending code=0"))
  }

  static let session = AnswerCase(
    "AuthenticationSessionResponse",
    #"{"status":"SUCCESS","mode":"TEST","answer":{"operationSessionId":"30641640cba14eab8e67","#
      + #""operationUrl":"https://api.example/api-payment/V4/Session/30641640cba14eab8e67","#
      + #""_type":"V4/PCI/Authentication/AuthenticationSessionResponse"}}"#,
    "authentication_required mode=TEST")

  static let ofPayments: [AnswerCase] =
    [
      AnswerCase(
        "AUTHORISED", payment("AUTHORISED", result: "0"), told("approved code=0", " captured")),
      AnswerCase(
        "CAPTURED", payment("CAPTURED", result: "0"), told("approved code=0", " captured")),
      AnswerCase(
        "AUTHORISED_TO_VALIDATE",
        payment("AUTHORISED_TO_VALIDATE", order: "RUNNING", result: "0"),
        told("approved code=0", " not-captured")),
      AnswerCase(
        "PARTIALLY_AUTHORISED", payment("PARTIALLY_AUTHORISED", result: "10", amount: 6000),
        told("approved code=10", " amount=6000")),
      AnswerCase(
        "a part without its amount", payment("PARTIALLY_AUTHORISED", result: "10", amount: nil),
        "unknown unmapped"),
      AnswerCase(
        "a network transaction id with blanks",
        payment("AUTHORISED", result: "0", network: "MCC 0012345 0613"),
        told("approved code=0", " network=MCC 0012345 0613 captured")),
      AnswerCase("ERROR", payment("ERROR", order: "UNPAID"), "unknown unmapped"),
      AnswerCase(
        "a refused attempt of a running order",
        payment("REFUSED", order: "RUNNING", result: "51"),
        told("refused insufficient_funds code=51", error: "51")),
      AnswerCase(
        "refused before any authorization", payment("REFUSED", order: "UNPAID", amount: nil),
        told("refused other")),
      AnswerCase(
        "refused at a payment for later",
        payment("REFUSED", order: "UNPAID", mark: "54", amount: nil),
        told("refused expired_card code=54", error: "54")),
      session,
      AnswerCase(
        "RedirectRequest",
        #"{"status":"SUCCESS","answer":{"redirectUrl":"https://x.example","#
          + #""_type":"V4/Charge/RedirectRequest"}}"#, "authentication_required"),
    ]
    + [
      "WAITING_AUTHORISATION", "WAITING_AUTHORISATION_TO_VALIDATE", "UNDER_VERIFICATION",
      "PRE_AUTHORISED", "INITIAL", "SUSPENDED",
    ].map(later)
    + ["CANCELLED", "ABANDONED", "NOT_CREATED"].map {
      AnswerCase($0, payment($0, order: "UNPAID", amount: nil), told("refused other"))
    }
    + [
      refusal("51", "refused insufficient_funds"), refusal("05", "refused do_not_honour"),
      refusal("5", "refused do_not_honour"), refusal("4", "refused lost_or_stolen"),
      refusal("04", "refused lost_or_stolen"), refusal("41", "refused lost_or_stolen"),
      refusal("54", "refused expired_card"), refusal("59", "refused suspected_fraud"),
      refusal("61", "refused limit_exceeded"), refusal("57", "refused other"),
      refusal("14", "refused other"), refusal("12", "refused other"),
      refusal("63", "refused other"), refusal("100", "refused do_not_honour"),
      refusal("101", "refused expired_card"), refusal("111", "refused other"),
      refusal("200", "refused lost_or_stolen"),
    ]
    + ["81", "1A", "A1", "65", "130"].map { refusal($0, "authentication_required") }
    + [
      error("INT_902", "rejected INT_902"), error("INT_905", "rejected INT_905"),
      error("PSP_610", "unknown unmapped"), error("ACQ_001", "unknown unmapped"),
      error("AUTH_149", "unknown unmapped"),
    ]

  static let ofVerifications: [AnswerCase] = [
    AnswerCase(
      "ACCEPTED", payment("ACCEPTED", mark: "0", network: "103E58BCD2311680", amount: nil),
      told("approved code=0", " network=103E58BCD2311680")),
    AnswerCase(
      "REFUSED", payment("REFUSED", order: "UNPAID", mark: "41", amount: nil),
      told("refused lost_or_stolen code=41", error: "41")),
    AnswerCase(
      "soft decline", payment("REFUSED", order: "UNPAID", mark: "81", amount: nil),
      told("authentication_required code=81", error: "81")),
    session, error("INT_902", "rejected INT_902"),
  ]
}
