import Cards
import Testing
import Tokenization
import VaultCore

@testable import AcquirerGateway

/// `deploy/acquirers/adyen.yaml`: what is sent, byte for byte, and the documented answers.
@Suite struct AdyenTemplateTests {
  private let adyen: SampleTemplate

  init() throws { adyen = try SampleTemplate("adyen", secrets: ["adyen.key": "AQE+key/1=\n"]) }

  private func message(
    _ payment: Payment, _ card: ReleasedCard
  ) throws -> (head: [String], body: String) {
    try adyen.message(
      payment, card,
      constants: ["merchant_account": "ShopFR", "return_url": "https://shop.example/done"])
  }

  /// What every message begins with.
  private static let beginning =
    #"{"merchantAccount":"ShopFR","reference":"\#(Fixture.identifier.text)","#

  // MARK: - Messages

  @Test func `a cardholder's payment goes with everything that the shop may add`() throws {
    let payment = try Fixture.payment(
      cvc: "737", initiator: .cardholder, scaExemption: .transactionRisk,
      inputs: [
        "cardholder_name": .text("S. Hopper"), "email": .text("a@b.example"),
        "browser_address": .text("192.0.2.7"), "capture": .text("manual"),
        "capture_delay_hours": .integer(48),
      ])
    let (head, body) = try message(payment, Fixture.card(preferredBrand: .cb))
    #expect(head.first == "POST /v71/payments HTTP/1.1")
    #expect(head.contains("X-API-Key: AQE+key/1="))
    #expect(head.contains("Idempotency-Key: \(Fixture.identifier.text)"))
    #expect(!head.contains { $0.hasPrefix("Authorization") })
    #expect(
      body == Self.beginning + #""merchantOrderReference":"order-1042","#
        + #""amount":{"currency":"EUR","value":4990},"returnUrl":"https://shop.example/done","#
        + #""shopperInteraction":"Ecommerce","shopperEmail":"a@b.example","#
        + #""shopperIP":"192.0.2.7","captureDelayHours":48,"#
        + #""paymentMethod":{"type":"scheme","number":"4970105181818183","expiryMonth":"11","#
        + #""expiryYear":"2028","cvc":"737","holderName":"S. Hopper","brand":"cartebancaire"},"#
        + #""additionalData":{"scaExemption":"transactionRiskAnalysis","manualCapture":"true"}}"#)
  }

  @Test func `the first of a series is a cardholder's payment with 3-D Secure data`() throws {
    let payment = try Fixture.payment(
      reference: nil, initiator: .cardholder,
      storedCredential: Fixture.stored(.recurring, .first), threeDSecure: Fixture.threeDSecure,
      inputs: ["authentication_type": .text("challenge")])
    #expect(
      try message(payment, Fixture.card()).body == Self.beginning
        + #""amount":{"currency":"EUR","value":4990},"returnUrl":"https://shop.example/done","#
        + #""shopperInteraction":"Ecommerce","recurringProcessingModel":"Subscription","#
        + #""paymentMethod":{"type":"scheme","number":"4970105181818183","expiryMonth":"11","#
        + #""expiryYear":"2028"},"#
        + #""mpiData":{"threeDSVersion":"2.2.0","eci":"05","cavv":"AAABBEg0VhI0VniQEjRWAAAAAAA=","#
        + #""dsTransID":"f25084f0-5b16-4c0a-ae5d-b24808a95e4b","directoryResponse":"C","#
        + #""authenticationResponse":"Y"}}"#)
  }

  @Test func `the next of the series is the merchant's, with the scheme's transaction id`() throws {
    let payment = try Fixture.payment(
      reference: nil, initiator: .merchant,
      storedCredential: Fixture.stored(.recurring, .subsequent, network: "MCC 0012345 0613"))
    #expect(
      try message(payment, Fixture.card()).body == Self.beginning
        + #""amount":{"currency":"EUR","value":4990},"returnUrl":"https://shop.example/done","#
        + #""shopperInteraction":"ContAuth","recurringProcessingModel":"Subscription","#
        + #""paymentMethod":{"type":"scheme","number":"4970105181818183","expiryMonth":"11","#
        + #""expiryYear":"2028"},"additionalData":{"networkTxReference":"MCC 0012345 0613"}}"#)
  }

  @Test func `Cartes Bancaires' own values go with its 3-D Secure data`() throws {
    let data = ThreeDSecure([
      .version: "2.2.0", .transStatus: "Y", .eci: "05", .cavv: "AAABBEg0VhI0VniQEjRWAAAAAAA=",
      .dsTransactionIdentifier: "f25084f0-5b16-4c0a-ae5d-b24808a95e4b",
      .acsTransactionIdentifier: "2e29b2cc-6a2b-4c37-a0fd-6c5c4b8c6f01",
      .transStatusReason: "15", .cavvAlgorithm: "4", .networkScore: "12",
    ])
    let payment = try Fixture.payment(
      reference: nil, initiator: .cardholder, threeDSecure: data,
      inputs: ["authentication_type": .text("frictionless")])
    #expect(
      try message(payment, Fixture.card(preferredBrand: .cb)).body == Self.beginning
        + #""amount":{"currency":"EUR","value":4990},"returnUrl":"https://shop.example/done","#
        + #""shopperInteraction":"Ecommerce","#
        + #""paymentMethod":{"type":"scheme","number":"4970105181818183","expiryMonth":"11","#
        + #""expiryYear":"2028","brand":"cartebancaire"},"#
        + #""mpiData":{"threeDSVersion":"2.2.0","eci":"05","cavv":"AAABBEg0VhI0VniQEjRWAAAAAAA=","#
        + #""dsTransID":"f25084f0-5b16-4c0a-ae5d-b24808a95e4b","directoryResponse":"Y","#
        + #""transStatusReason":"15","riskScore":"12","cavvAlgorithm":"4"}}"#)
  }

  @Test func `a card is verified with an authorization of 0`() throws {
    let payment = try Fixture.payment(
      .verify, amount: 4990, reference: nil, cvc: "737", initiator: .cardholder,
      storedCredential: Fixture.stored(.unscheduled, .first))
    #expect(
      try message(payment, Fixture.card()).body == Self.beginning
        + #""amount":{"currency":"EUR","value":0},"returnUrl":"https://shop.example/done","#
        + #""shopperInteraction":"Ecommerce","recurringProcessingModel":"UnscheduledCardOnFile","#
        + #""paymentMethod":{"type":"scheme","number":"4970105181818183","expiryMonth":"11","#
        + #""expiryYear":"2028","cvc":"737"}}"#)
  }

  struct Model: Sendable, CustomTestStringConvertible {
    let initiator: Initiator?
    let use: StoredCredential.Use?
    let sequence: StoredCredential.Sequence
    let expected: String
    var testDescription: String { expected }

    init(
      _ initiator: Initiator?, _ use: StoredCredential.Use?,
      _ sequence: StoredCredential.Sequence, _ expected: String
    ) {
      self.initiator = initiator
      self.use = use
      self.sequence = sequence
      self.expected = expected
    }
  }

  @Test(arguments: [
    Model(nil, nil, .first, ""),
    Model(.moto, nil, .first, "shopperInteraction=Moto"),
    Model(
      .cardholder, .unscheduled, .first,
      "shopperInteraction=Ecommerce recurringProcessingModel=UnscheduledCardOnFile"),
    Model(
      .cardholder, .unscheduled, .subsequent,
      "shopperInteraction=ContAuth recurringProcessingModel=CardOnFile"),
    Model(
      .merchant, .unscheduled, .subsequent,
      "shopperInteraction=ContAuth recurringProcessingModel=UnscheduledCardOnFile"),
    Model(
      .merchant, .installment, .subsequent,
      "shopperInteraction=ContAuth recurringProcessingModel=Subscription"),
    Model(nil, .recurring, .first, "recurringProcessingModel=Subscription"),
  ])
  func `who starts a payment and what for are told together`(_ model: Model) throws {
    let stored = model.use.map { Fixture.stored($0, model.sequence) }
    let payment = try Fixture.payment(initiator: model.initiator, storedCredential: stored)
    let body = try message(payment, Fixture.card()).body
    let words = ["shopperInteraction", "recurringProcessingModel"].compactMap { name -> String? in
      guard let start = body.firstRange(of: "\"\(name)\":\"")?.upperBound else { return nil }
      return "\(name)=\(body[start...].prefix { $0 != "\"" })"
    }
    #expect(words.joined(separator: " ") == model.expected)
  }

  @Test func `one status of 3-D Secure stands for both where the shop does not say more`() throws {
    let body = try message(
      Fixture.payment(threeDSecure: Fixture.threeDSecure), Fixture.card()
    ).body
    #expect(body.contains(#""directoryResponse":"Y","authenticationResponse":"Y""#))
  }

  @Test func `what Adyen has no word for is refused`() throws {
    let operation = try adyen.operation(.authorize)
    let exemption = try operation.check(Fixture.payment(scaExemption: .recurring))
    #expect(exemption?.pointer == "/sca_exemption")
    let data = try operation.check(Fixture.payment(threeDSecure: Fixture.cartesBancaires))
    #expect(data == Problem(.unknownMember, pointer: "/three_ds/exemption"))
  }

  // MARK: - Answers

  private static func answer(
    _ result: String, _ code: String? = nil, reason: String? = nil, amount: Int? = 12345,
    data: String = "{}"
  ) -> String {
    let refusal = code.map { #","refusalReasonCode":"\#($0)""# } ?? ""
    let words = reason.map { #","refusalReason":"\#($0)""# } ?? ""
    let value = amount.map { #","amount":{"currency":"EUR","value":\#($0)}"# } ?? ""
    return #"{"additionalData":\#(data),"pspReference":"993617895204576J","#
      + #""resultCode":"\#(result)"\#(refusal)\#(words)\#(value),"#
      + #""merchantReference":"pay_x","paymentMethod":{"brand":"visa","type":"scheme"}}"#
  }

  private static let psp = "transaction=993617895204576J"

  private static func refusal(_ code: String, _ reason: String, _ outcome: String) -> AnswerCase {
    AnswerCase(
      "\(code) \(reason)", answer("Refused", code, reason: reason, amount: nil),
      "\(outcome) code=\(code) \(psp) brand=visa refusal_reason=\(reason)")
  }

  private static let ofPayments: [AnswerCase] =
    [
      AnswerCase("Authorised", answer("Authorised"), "approved \(psp) brand=visa"),
      AnswerCase(
        "Authorised with what was selected",
        answer(
          "Authorised", "0",
          data: #"{"networkTxReference":"MCC 0012345 0613","authCode":"058747","#
            + #""liabilityShift":"true","scaExemptionRequested":"lowValue"}"#),
        "approved code=0 \(psp) network=MCC 0012345 0613 authorization_code=058747 brand=visa "
          + "liability_shift=true exemption_requested=lowValue"),
      AnswerCase(
        "PartiallyAuthorised", answer("PartiallyAuthorised", amount: 6000),
        "approved \(psp) amount=6000 brand=visa"),
      AnswerCase(
        "a part without its amount", answer("PartiallyAuthorised", amount: nil), "unknown unmapped"),
      AnswerCase("Pending", answer("Pending"), "pending \(psp) brand=visa"),
      AnswerCase("Received", answer("Received"), "pending \(psp) brand=visa"),
      AnswerCase(
        "Cancelled", answer("Cancelled", "15", reason: "Cancelled"),
        "refused other code=15 \(psp) brand=visa refusal_reason=Cancelled"),
      AnswerCase(
        "Error", answer("Error", "4", reason: "Acquirer Error"),
        "refused other code=4 \(psp) brand=visa refusal_reason=Acquirer Error"),
      AnswerCase(
        "AuthenticationFinished", answer("AuthenticationFinished"), "unknown unmapped"),
    ]
    + ["RedirectShopper", "IdentifyShopper", "ChallengeShopper"].map {
      AnswerCase(
        $0, #"{"resultCode":"\#($0)","action":{"type":"threeDS2","paymentMethodType":"scheme"}}"#,
        "authentication_required")
    }
    + [
      refusal("2", "Refused", "refused other"),
      refusal("5", "Blocked Card", "refused other"),
      refusal("6", "Expired Card", "refused expired_card"),
      refusal("8", "Invalid Card Number", "refused other"),
      refusal("11", "3D Not Authenticated", "refused other"),
      refusal("12", "Not enough balance", "refused insufficient_funds"),
      refusal("20", "FRAUD", "refused suspected_fraud"),
      refusal("22", "FRAUD-CANCELLED", "refused suspected_fraud"),
      refusal("28", "Withdrawal amount exceeded", "refused limit_exceeded"),
      refusal("31", "Issuer Suspected Fraud", "refused suspected_fraud"),
      refusal("38", "Authentication required", "authentication_required"),
    ]

  @Test(arguments: ofPayments)
  func `an answer is understood`(_ sample: AnswerCase) throws {
    #expect(try adyen.outcome(sample.answer) == sample.expected)
  }

  @Test(arguments: [
    (422, "101", "validation", "rejected 101"), (401, "000", "security", "rejected 000"),
    (403, "010", "security", "rejected 010"), (422, "905", "configuration", "rejected 905"),
    (422, "704", "validation", "unknown declared-unknown"),
    (409, "704", "validation", "unknown declared-unknown"),
    (500, "905", "configuration", "unknown unmapped"), (500, "901", "internal", "unknown unmapped"),
  ])
  func `an error is rejected only where nothing can have been done`(
    status: Int, code: String, type: String, expected: String
  ) throws {
    let answer =
      #"{"status":\#(status),"errorCode":"\#(code)","message":"x","errorType":"\#(type)"}"#
    #expect(try adyen.outcome(answer, status: status) == expected)
  }

  @Test func `a verification is approved without an amount to tell`() throws {
    #expect(
      try adyen.outcome(
        Self.answer("Authorised", amount: 0), of: .verify, requestedAmount: 0)
        == "approved \(Self.psp) brand=visa")
  }
}
