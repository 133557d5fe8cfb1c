import Bytes
import Cards
import JSON
import NIOCore
import Testing
import Tokenization
import VaultCore

@testable import AcquirerGateway

@Suite struct MessageTests {
  static let template = """
    operations:
      authorize:
        method: PUT
        path: [v1, {constant: merchant_id}, payments]
        headers:
          Idempotency-Key: {var: payment_id}
          X-Operation: {var: operation}
          Content-Type: application/json; charset=utf-8
        body:
          id: {var: payment_id}
          amount: {var: amount.value}
          text: {var: amount.value, as: string}
          decimal: {var: amount.value, as: amount_decimal}
          currency: {var: amount.currency}
          numeric: {var: amount.currency, as: currency_numeric}
          literals: [1, -2, true, null, "3", plain, {}]
          "quo\\"ted": "back\\\\slash \\t é"
          order: {var: reference, optional: true}
          card:
            type: CARD
            pan: {var: card.number}
            mm: {var: card.expiry, as: mm}
            yy: {var: card.expiry, as: yy}
            yyyy: {var: card.expiry, as: yyyy}
            yymm: {var: card.expiry, as: yymm}
            cvc: {var: card.cvc, optional: true}
            brand: {var: card.preferred_brand, optional: true, map: {cb: CB, visa: VISA}}
          mit: {var: initiator, optional: true, map: {cardholder: false, merchant: true}}
          credential:
            kind: COF
            use: {var: stored_credential.use, optional: true, map: {recurring: 1, installment: 2}}
            sequence: {var: stored_credential.sequence, optional: true}
            previous: [{var: stored_credential.network_transaction_id, optional: true}]
          authentication:
            protocol: {name: THREEDS, version: {var: three_ds.version, optional: true}}
            status: {var: three_ds.trans_status, optional: true, map: {Y: SUCCESS, A: ATTEMPT}}
            eci: {var: three_ds.eci, optional: true}
            cavv: {var: three_ds.cavv, optional: true}
            ds: {var: three_ds.ds_transaction_id, optional: true}
          exemption: {var: sca_exemption, optional: true}
          shop: {constant: merchant_id, as: integer}
          at: {var: now}
          unix: {var: now, as: integer}
    answer: {rules: [{when: {/a: b}, outcome: approved}]}
    """

  private func render(_ payment: Payment, _ card: ReleasedCard) throws -> (
    head: [String], body: String
  ) {
    let message = Fixture.message(try Fixture.operation(MessageTests.template), payment, card)
    #expect(message.canBeRendered())
    return Fixture.rendered(message)
  }

  @Test func `a message without optional members leaves them out`() throws {
    let (head, body) = try render(Fixture.payment(reference: nil), Fixture.card())
    let identifier = Fixture.identifier.text
    #expect(
      head == [
        "PUT /v1/12345678/payments HTTP/1.1", "Host: bank.example",
        "Accept: application/json", "Accept-Encoding: identity", "User-Agent: cadenas",
        "Idempotency-Key: \(identifier)",
        "X-Operation: authorize", "Content-Type: application/json; charset=utf-8",
        "Content-Length: \(body.utf8.count)",
      ])
    #expect(
      body == #"{"id":"\#(identifier)","amount":4990,"text":"4990","decimal":"49.90","#
        + #""currency":"EUR","numeric":"978","literals":[1,-2,true,null,"3","plain",{}],"#
        + #""quo\"ted":"back\\slash \t é","#
        + #""card":{"type":"CARD","pan":"4970105181818183","mm":"11","yy":"28","yyyy":"2028","#
        + #""yymm":"2811"},"shop":12345678,"at":"2026-11-23T18:43:25Z","unix":1795459405}"#)
  }

  @Test func `a message with everything holds everything`() throws {
    let payment = try Fixture.payment(
      amount: 0, currency: "JPY", cvc: "0123", initiator: .cardholder,
      storedCredential: StoredCredential(
        use: .installment, sequence: .first, networkTransactionIdentifier: "N1"),
      threeDSecure: Fixture.threeDSecure, scaExemption: .lowValue)
    let card = try Fixture.card("378282246310005", month: 1, year: 2030, preferredBrand: .cb)
    let (_, body) = try render(payment, card)
    let identifier = Fixture.identifier.text
    #expect(
      body == #"{"id":"\#(identifier)","amount":0,"text":"0","decimal":"0","#
        + #""currency":"JPY","numeric":"392","literals":[1,-2,true,null,"3","plain",{}],"#
        + #""quo\"ted":"back\\slash \t é","order":"order-1042","#
        + #""card":{"type":"CARD","pan":"378282246310005","mm":"01","yy":"30","yyyy":"2030","#
        + #""yymm":"3001","cvc":"0123","brand":"CB"},"mit":false,"#
        + #""credential":{"kind":"COF","use":2,"sequence":"first","previous":["N1"]},"#
        + #""authentication":{"protocol":{"name":"THREEDS","version":"2.2.0"},"#
        + #""status":"SUCCESS","eci":"05","cavv":"AAABBEg0VhI0VniQEjRWAAAAAAA=","#
        + #""ds":"f25084f0-5b16-4c0a-ae5d-b24808a95e4b"},"exemption":"low_value","#
        + #""shop":12345678,"at":"2026-11-23T18:43:25Z","unix":1795459405}"#)
  }

  @Test func `a brand that the map does not know is not sent in another's place`() throws {
    let card = try Fixture.card(preferredBrand: .mastercard)
    let (_, body) = try render(Fixture.payment(), card)
    #expect(!body.contains("brand"))
  }

  @Test(arguments: [
    "\"", "\\", "\"},\"amount\":1,\"x\":{\"", "\r\n\r\n", "\u{0}", "\u{1F}", "\u{7F}", "é",
    "{var: x}",
    "a\tb",
  ])
  func `a hostile constant stays one string`(value: String) throws {
    let template = try Fixture.operation(
      TemplateMistakeTests.sound.replacing(
        "{Idempotency-Key: {var: payment_id}}", with: "{X: {var: payment_id}}"))
    let message = Fixture.message(
      template, try Fixture.payment(reference: nil), try Fixture.card(),
      constants: ["merchant_id": value])
    let (head, body) = Fixture.rendered(message)
    #expect(head.last == "Content-Length: \(body.utf8.count)")
    #expect(head.count == 8)
    #expect(try text(of: "shop", in: body) == value)
  }

  @Test(arguments: ["", ".", "..", "a/b", "a b", "a\r\nX: y", "é", "a?b", "a%2e"])
  func `a constant that does not fit in the path is not sent`(value: String) throws {
    let template = try Fixture.operation(MessageTests.template)
    let message = Fixture.message(
      template, try Fixture.payment(), try Fixture.card(), constants: ["merchant_id": value])
    #expect(!message.canBeRendered())
  }

  @Test func `the buffer has exactly the message's length`() throws {
    let message = Fixture.message(
      try Fixture.operation(TemplateMistakeTests.sound), try Fixture.payment(reference: nil),
      try Fixture.card())
    let buffer = message.rendered(.init())
    #expect(buffer.readerIndex == 0)
    #expect(buffer.capacity < buffer.readableBytes * 2)
  }

  private func text(of name: String, in body: String) throws -> String? {
    let bytes = Array(body.utf8)
    let document = try JSONDocument(bytes.rawSpan)
    return document.member(name, of: document.root).flatMap {
      document.string(of: $0)
    }
  }
}
