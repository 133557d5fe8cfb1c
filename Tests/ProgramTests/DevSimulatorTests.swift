import Bytes
import JSON
import Testing

@testable import cadenas_dev

@Suite struct DevSimulatorTests {
  /// 2026-11-24, 00:00 UTC.
  private static let now: Int64 = 1_795_478_400
  private static let good = SimulatorExpiry(year: 2028, month: 11)

  private static func decide(
    _ amount: Int64, _ expiry: SimulatorExpiry = good, threeDSecure: Bool = false
  ) -> SimulatorDecision {
    SimulatorDecision(amount: amount, expiry: expiry, hasThreeDSecure: threeDSecure, now: now)
  }

  @Test(
    arguments: [
      (100_001, "51"), (100_002, "61"), (100_003, "05"), (100_004, "41"), (100_005, "59"),
    ] as [(Int64, String)])
  func someAmountsAreDeclined(amount: Int64, code: String) {
    #expect(Self.decide(amount) == .decline(code: code))
  }

  @Test func someAmountsAreTrouble() {
    #expect(Self.decide(100_007) == .reject)
    #expect(Self.decide(100_008) == .garble)
    #expect(Self.decide(100_009) == .approveEchoingCard)
    #expect(Self.decide(100_010) == .approveLate)
    #expect(Self.decide(100_011) == .disconnect)
    #expect(Self.decide(100_012) == .approve(partially: 50_006))
  }

  @Test func anyOtherAmountIsApproved() {
    #expect(Self.decide(100_013) == .decideLater)
    for amount: Int64 in [0, 1, 4990, 100_000, 100_014, 200_006, 999_999_999_999] {
      #expect(Self.decide(amount) == .approve(partially: nil))
    }
  }

  @Test func aChallengeIsAnsweredByThreeDSecureData() {
    #expect(Self.decide(100_006) == .challenge)
    #expect(Self.decide(100_006, threeDSecure: true) == .approve(partially: nil))
  }

  @Test func aCardIsGoodUntilNoonOfTheFirstOfTheNextMonth() {
    let expiry = SimulatorExpiry(year: 2026, month: 12)
    // 2027-01-01, 12:00 UTC.
    #expect(!expiry.isPast(at: 1_798_804_799))
    #expect(expiry.isPast(at: 1_798_804_800))
    #expect(Self.decide(4990, SimulatorExpiry(year: 2026, month: 10)) == .decline(code: "54"))
    #expect(Self.decide(4990, SimulatorExpiry(year: 2026, month: 11)) == .approve(partially: nil))
  }

  private static let message = """
    {"payment_id":"pay_1","merchant_id":"12345678","amount":{"value":4990,"currency":"EUR"},\
    "order_reference":"order-1042","card":{"pan":"4970105181818183","expiry_month":"11",\
    "expiry_year":"2028","security_code":"123"},"initiator":"CARDHOLDER",\
    "three_ds":{"version":"2.2.0","status":"Y","eci":"05"}}
    """

  private static func read(
    _ text: String, _ operation: SimulatorDialect.Operation = .authorize
  ) throws(SimulatorMessage.Refusal) -> SimulatorMessage {
    let bytes = Array(text.utf8)
    return try SimulatorMessage(bytes.rawSpan, operation: operation)
  }

  @Test func aMessageIsReadWhole() throws {
    let message = try Self.read(Self.message)
    #expect(message.paymentIdentifier == "pay_1")
    #expect(message.amount == 4990)
    #expect(message.currency == "EUR")
    #expect(message.expiry == SimulatorExpiry(year: 2028, month: 11))
    #expect(message.hasThreeDSecure)
    #expect(message.cardNumber.count == 16)
  }

  @Test(arguments: [
    ("\"EUR\"", "\"eur\"", "currency"),
    ("\"11\"", "\"13\"", "expiry_month"),
    ("\"11\"", "11", "expiry_month"),
    ("\"2028\"", "\"28\"", "expiry_year"),
    ("4990", "\"4990\"", "value"),
    ("\"123\"", "\"12\"", "security_code"),
    ("CARDHOLDER", "cardholder", "initiator"),
    ("\"order_reference\"", "\"order\"", "unknown member of ''"),
    ("\"eci\"", "\"xid\"", "unknown member of 'three_ds'"),
  ])
  func aMistakeInATemplateIsRefused(of: String, with: String, member: String) {
    let error = #expect(throws: SimulatorMessage.Refusal.self) {
      try Self.read(Self.message.replacing(of, with: with))
    }
    #expect(error?.member == member)
    #expect(error?.paymentIdentifier == "pay_1")
  }

  @Test func aVerificationHasNoAmountButZero() throws {
    let zero = Self.message.replacing("4990", with: "0")
    #expect(try Self.read(zero, .verify).amount == 0)
    #expect(throws: SimulatorMessage.Refusal.self) { try Self.read(Self.message, .verify) }
  }
}
