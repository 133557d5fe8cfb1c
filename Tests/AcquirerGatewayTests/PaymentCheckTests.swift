import Testing
import Tokenization
import VaultCore

@testable import AcquirerGateway

@Suite struct PaymentCheckTests {
  static let template = """
    operations:
      authorize:
        path: /pay
        headers: {X: {var: payment_id}}
        ignores: [three_ds.trans_status]
        body:
          pan: {var: card.number}
          cvc: {var: card.cvc}
          amount: {var: amount.value}
          currency: {var: amount.currency, map: {EUR: 1}}
          exemption: {var: sca_exemption, optional: true, map: {recurring: R}}
          version: {var: three_ds.version, optional: true}
          cavv: {var: three_ds.cavv, optional: true}
    answer: {rules: [{when: {/a: b}, outcome: approved}]}
    """

  private func check(_ payment: Payment) throws -> Problem? {
    try Fixture.operation(PaymentCheckTests.template).check(payment)
  }

  @Test func `a payment with what is required is well`() throws {
    #expect(try check(Fixture.payment(reference: nil, cvc: "123")) == nil)
  }

  @Test func `a member that the template does not know is named`() throws {
    let reference = try check(Fixture.payment(cvc: "123"))
    #expect(reference == Problem(.unknownMember, pointer: "/reference"))
    let initiator = try check(Fixture.payment(reference: nil, cvc: "123", initiator: .merchant))
    #expect(initiator == Problem(.unknownMember, pointer: "/initiator"))
  }

  @Test func `an object that the template does not know is named as a whole`() throws {
    let credential = StoredCredential(
      use: .recurring, sequence: .first, networkTransactionIdentifier: nil)
    let problem = try check(
      Fixture.payment(reference: nil, cvc: "123", storedCredential: credential))
    #expect(problem == Problem(.unknownMember, pointer: "/stored_credential"))
  }

  @Test func `a part of an object that the template does not know is named`() throws {
    let problem = try check(
      Fixture.payment(reference: nil, cvc: "123", threeDSecure: Fixture.threeDSecure))
    #expect(problem == Problem(.unknownMember, pointer: "/three_ds/eci"))
  }

  @Test func `what is ignored may be there`() throws {
    let data = ThreeDSecure([.version: "2.2.0", .transStatus: "Y"])
    #expect(try check(Fixture.payment(reference: nil, cvc: "123", threeDSecure: data)) == nil)
  }

  @Test func `a member that the template requires is named`() throws {
    let code = try check(Fixture.payment(reference: nil))
    #expect(code == Problem(.missingMember, pointer: "/cvc"))
    let amount = try check(Fixture.payment(amount: nil, reference: nil, cvc: "123"))
    #expect(amount == Problem(.missingMember, pointer: "/amount"))
  }

  @Test func `a value that the template does not translate is invalid`() throws {
    let currency = try check(Fixture.payment(currency: "USD", reference: nil, cvc: "123"))
    #expect(currency?.name == .invalidMember)
    #expect(currency?.pointer == "/amount/currency")
    let exemption = try check(
      Fixture.payment(reference: nil, cvc: "123", scaExemption: .lowValue))
    #expect(exemption?.pointer == "/sca_exemption")
    let known = try check(Fixture.payment(reference: nil, cvc: "123", scaExemption: .recurring))
    #expect(known == nil)
  }
}
