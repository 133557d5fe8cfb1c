import Cards
import Testing
import Tokenization

@testable import AcquirerGateway

/// `deploy/acquirers/simulator.yaml`.
@Suite struct SampleTemplateTests {
  private let simulator: SampleTemplate

  init() throws { simulator = try SampleTemplate("simulator") }

  @Test func `the simulator gets a payment with everything`() throws {
    let payment = try Fixture.payment(
      cvc: "123", initiator: .cardholder,
      storedCredential: StoredCredential(
        use: .recurring, sequence: .first, networkTransactionIdentifier: nil),
      threeDSecure: Fixture.threeDSecure, scaExemption: .lowValue)
    let text = try simulator.message(
      payment, Fixture.card(), constants: ["merchant_id": "12345678"]
    ).body
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
    let text = try simulator.message(
      payment, Fixture.card(), constants: ["merchant_id": "12345678"]
    ).body
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
    #expect(try simulator.outcome(answer, status: status) == expected)
  }
}
