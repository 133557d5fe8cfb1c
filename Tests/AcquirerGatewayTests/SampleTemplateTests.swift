import Bytes
import Cards
import Configuration
import Testing
import Tokenization
import VaultCore

@testable import AcquirerGateway

/// The templates of `deploy/acquirers`, as an operator would find them.
@Suite struct SampleTemplateTests {
  private func template(_ name: String) throws -> AcquirerTemplate {
    let directory = "\(#filePath)".split(separator: "/").dropLast(3).joined(separator: "/")
    let path = "/\(directory)/deploy/acquirers/\(name).yaml"
    let diagnostics = Diagnostics()
    let tree = ConfigurationTree.read(path, diagnostics)
    let template = tree.flatMap { TemplateCompiler.compile($0, directory: "/", diagnostics) }
    #expect(diagnostics.all.map(\.description) == [])
    return try Fixture.required(template, name)
  }

  private func body(
    _ template: AcquirerTemplate, _ payment: Payment, _ card: ReleasedCard,
    constants: [String: String]
  ) throws -> String {
    let operation = try Fixture.required(template.operations[payment.operation], "operation")
    let message = Fixture.message(operation, payment, card, constants: constants)
    #expect(message.canBeRendered())
    return Fixture.rendered(message).body
  }

  private func outcome(
    _ template: AcquirerTemplate, _ answer: String, status: Int = 200
  ) throws -> String {
    let operation = try Fixture.required(template.operations[.authorize], "authorize")
    let reader = AnswerReader(rules: operation.answer, requestedAmount: 12345)
    return describe(
      reader.outcome(
        status: status, body: Array(answer.utf8).rawSpan,
        cardNumber: Array("4970105181818183".utf8).rawSpan))
  }

  // MARK: - Simulator

  @Test func `the simulator gets a payment with everything`() throws {
    let payment = try Fixture.payment(
      cvc: "123", initiator: .cardholder,
      storedCredential: StoredCredential(
        use: .recurring, sequence: .first, networkTransactionIdentifier: nil),
      threeDSecure: Fixture.threeDSecure, scaExemption: .lowValue)
    let text = try body(
      template("simulator"), payment, Fixture.card(), constants: ["merchant_id": "12345678"])
    #expect(
      text == #"{"payment_id":"\#(Fixture.identifier.text)","merchant_id":"12345678","#
        + #""amount":{"value":4990,"currency":"EUR"},"order_reference":"order-1042","#
        + #""card":{"pan":"4970105181818183","expiry_month":"11","expiry_year":"2028","#
        + #""security_code":"123"},"initiator":"CARDHOLDER","#
        + #""stored_credential":{"use":"recurring","sequence":"first"},"#
        + #""three_ds":{"version":"2.2.0","status":"Y","eci":"05","#
        + #""cavv":"AAABBEg0VhI0VniQEjRWAAAAAAA=","#
        + #""ds_transaction_id":"f25084f0-5b16-4c0a-ae5d-b24808a95e4b"},"#
        + #""sca_exemption":"low_value"}"#)
  }

  @Test func `the simulator gets a verification without an amount`() throws {
    let payment = try Fixture.payment(.verify, amount: nil, reference: nil)
    let text = try body(
      template("simulator"), payment, Fixture.card(), constants: ["merchant_id": "12345678"])
    #expect(
      text == #"{"payment_id":"\#(Fixture.identifier.text)","merchant_id":"12345678","#
        + #""card":{"pan":"4970105181818183","expiry_month":"11","expiry_year":"2028"}}"#)
  }

  @Test(
    arguments: [
      (
        #"{"status":"APPROVED","response_code":"00","transaction_id":"T1A","#
          + #""network_transaction_id":"N2B","authorization_code":"0A1B2C"}"#, 200,
        "approved code=00 transaction=T1A network=N2B authorization_code=0A1B2C"
      ),
      (
        #"{"status":"APPROVED","response_code":"10","approved_amount":6172}"#, 200,
        "approved code=10 amount=6172"
      ),
      (#"{"status":"DECLINED","response_code":"51"}"#, 200, "refused insufficient_funds code=51"),
      (#"{"status":"DECLINED","response_code":"54"}"#, 200, "refused expired_card code=54"),
      (
        #"{"status":"CHALLENGE_REQUIRED","response_code":"1A"}"#, 200,
        "authentication_required code=1A"
      ),
      (#"{"status":"REJECTED","error":{"code":"INVALID_REQUEST"}}"#, 400, "rejected -"),
      (#"{"status":"REJECTED"}"#, 500, "unknown unmapped"),
    ] as [(String, Int, String)])
  func `the simulator's answers are understood`(
    answer: String, status: Int, expected: String
  ) throws {
    #expect(try outcome(template("simulator"), answer, status: status) == expected)
  }

  // MARK: - Lyra

  private static let constants = ["requestor_name": "Shop"]

  @Test func `Lyra gets a payment without 3-D Secure data`() throws {
    let payment = try Fixture.payment(cvc: "123", initiator: .cardholder)
    let card = try Fixture.card(preferredBrand: .cb)
    let text = try body(
      template("lyra"), payment, card, constants: SampleTemplateTests.constants)
    #expect(
      text == #"{"amount":4990,"currency":"EUR","orderId":"\#(Fixture.identifier.text)","#
        + #""formAction":"PAYMENT","metadata":{"reference":"order-1042"},"#
        + #""transactionOptions":{"cardOptions":{"paymentSource":"EC"}},"#
        + #""paymentForms":[{"paymentMethodType":"CARD","pan":"4970105181818183","#
        + #""expiryMonth":"11","expiryYear":"2028","securityCode":"123","brand":"CB"}]}"#)
  }

  @Test func `Lyra gets a payment with 3-D Secure data`() throws {
    let payment = try Fixture.payment(reference: nil, threeDSecure: Fixture.threeDSecure)
    let card = try Fixture.card(preferredBrand: .visa)
    let text = try body(
      template("lyra"), payment, card, constants: SampleTemplateTests.constants)
    #expect(
      text == #"{"amount":4990,"currency":"EUR","orderId":"\#(Fixture.identifier.text)","#
        + #""formAction":"PAYMENT","#
        + #""paymentForms":[{"paymentMethodType":"CARD","pan":"4970105181818183","#
        + #""expiryMonth":"11","expiryYear":"2028","brand":"VISA"}],"#
        + #""authenticationDetails":{"protocol":{"name":"THREEDS","version":"2.2.0","#
        + #""directoryServer":"VISA"},"status":"SUCCESS","commerceIndicator":"05","#
        + #""authenticationValue":"AAABBEg0VhI0VniQEjRWAAAAAAA=","#
        + #""dsTransID":"f25084f0-5b16-4c0a-ae5d-b24808a95e4b","requestorName":"Shop"}}"#)
  }

  @Test func `what Lyra's template has no word for is refused`() throws {
    let operation = try Fixture.required(template("lyra").operations[.authorize], "authorize")
    let merchant = try operation.check(Fixture.payment(initiator: .merchant))
    #expect(merchant?.pointer == "/initiator")
    let exemption = try operation.check(Fixture.payment(scaExemption: .lowValue))
    #expect(exemption == Problem(.unknownMember, pointer: "/sca_exemption"))
    let failed = ThreeDSecure([.version: "2.2.0", .transStatus: "I"])
    let status = try operation.check(Fixture.payment(threeDSecure: failed))
    #expect(status?.pointer == "/three_ds/trans_status")
  }

  private static func lyra(
    order: String, detailed: String, result: String, number: String = "null",
    chain: String = "null", amount: Int = 12345
  ) -> String {
    """
    {"webService":"PCI/Charge/CreatePayment","version":"V4.1","status":"SUCCESS","mode":"TEST",
     "answer":{"orderStatus":"\(order)","orderDetails":{"orderId":"pay_x","mode":"TEST"},
      "transactions":[{"uuid":"720324c7b1b1453d8e5463a9705e47e9","amount":12345,
       "detailedStatus":"\(detailed)","detailedErrorCode":"\(result)",
       "transactionDetails":{"cardDetails":{"pan":"497010XXXXXX8183","expiryMonth":11,
        "authorizationResponse":{"amount":\(amount),"authorizationNumber":\(number),
         "authorizationResult":"\(result)"},
        "initialIssuerTransactionIdentifier":\(chain)}}}],
      "_type":"V4/Payment"}}
    """
  }

  private static func lyraError(_ code: String) -> String {
    #"{"status":"ERROR","mode":"TEST","answer":{"errorCode":"\#(code)","errorMessage":"x"}}"#
  }

  private static let uuid = "transaction=720324c7b1b1453d8e5463a9705e47e9"

  @Test(
    arguments: [
      (
        lyra(
          order: "PAID", detailed: "AUTHORISED", result: "0", number: #""3fbcfe""#,
          chain: #""4575676657929351""#),
        "approved code=0 \(uuid) network=4575676657929351 authorization_number=3fbcfe mode=TEST"
      ),
      (
        lyra(order: "PAID", detailed: "AUTHORISED", result: "0", amount: 6000),
        "approved code=0 \(uuid) amount=6000 mode=TEST"
      ),
      (
        lyra(order: "RUNNING", detailed: "AUTHORISED_TO_VALIDATE", result: "0"),
        "approved code=0 \(uuid) mode=TEST"
      ),
      (
        lyra(order: "UNPAID", detailed: "REFUSED", result: "51"),
        "refused insufficient_funds code=51 \(uuid) mode=TEST"
      ),
      (
        lyra(order: "UNPAID", detailed: "REFUSED", result: "57"),
        "refused other code=57 \(uuid) mode=TEST"
      ),
      (
        lyra(order: "UNPAID", detailed: "REFUSED", result: "81"),
        "authentication_required code=81 \(uuid) mode=TEST"
      ),
      (lyra(order: "RUNNING", detailed: "WAITING_AUTHORISATION", result: ""), "unknown unmapped"),
      (lyraError("INT_902"), "rejected INT_902"),
      (lyraError("PSP_001"), "unknown unmapped"),
      (lyraError("ACQ_001"), "unknown unmapped"),
      (lyraError("AUTH_149"), "unknown unmapped"),
    ] as [(String, String)])
  func `Lyra's answers are understood`(answer: String, expected: String) throws {
    #expect(try outcome(template("lyra"), answer) == expected)
  }
}
