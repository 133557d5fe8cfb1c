import Bytes
import Cards
import TestSupport
import Testing
import Tokenization
import VaultCore

@testable import AcquirerGateway

/// 3-D Secure through a template: what an answer has to hold, and the message about a challenge.
@Suite struct AuthenticationTests {
  static let template = """
    operations:
      authorize:
        ignores: [three_ds.version, three_ds.trans_status, three_ds.eci, three_ds.cavv, three_ds.ds_transaction_id]
        path: /pay
        body: {id: {var: payment_id}, pan: {var: card.number}}
      authenticate:
        path: /auth
        body: {id: {var: payment_id}, pan: {var: card.number}}
      authentication_result:
        path: /result
        body: {id: {var: payment_id}, transaction: {var: three_ds_server_transaction_id}}
    answer:
      rules:
        - when: {/status: OK, /captured: false}
          outcome: approved
          captured: false
        - when: {/status: OK}
          outcome: approved
        - when: {/status: LATER}
          outcome: pending
        - when: {/status: AUTHENTICATED}
          outcome: authenticated
        - when: {/status: CHALLENGE}
          outcome: challenge_required
        - when: {/status: NO}
          outcome: refused
          reason: other
      approved_amount: {field: /amount, as: amount_decimal}
      three_ds:
        version: /version
        trans_status: {field: [/state, /old], map: {SUCCESS: Y, ATTEMPT: A}}
        eci: /eci
        cavv: /cavv
        ds_transaction_id: /ds
      challenge: {acs_url: /url, creq: /creq, three_ds_server_transaction_id: /id}
    """
  private static let identifier = "f25084f0-5b16-4c0a-ae5d-b24808a95e4b"

  private func outcome(
    _ operation: PaymentOperation, _ body: String, decimals: Int = 2
  ) throws -> String {
    let template = try Fixture.operation(Self.template, operation)
    let reader = AnswerReader(
      rules: template.answer, requestedAmount: 4990, decimals: decimals, operation: operation)
    return describe(
      reader.outcome(
        status: 200, body: Array(body.utf8).rawSpan,
        cardNumber: Array("4970105181818183".utf8).rawSpan))
  }

  @Test(arguments: [
    (PaymentOperation.authorize, #"{"status":"OK"}"#, "approved"),
    (.authorize, #"{"status":"OK","captured":false}"#, "approved not-captured"),
    (.authorize, #"{"status":"LATER"}"#, "pending"),
    (.authorize, #"{"status":"AUTHENTICATED","version":"2.2.0","state":"Y"}"#, "unknown unmapped"),
    (.authenticate, #"{"status":"OK"}"#, "unknown unmapped"),
    (.authenticate, #"{"status":"NO"}"#, "refused other"),
    (
      .authenticate,
      #"{"status":"AUTHENTICATED","version":"2.2.0","state":"SUCCESS","eci":"5","#
        + #""cavv":"AAABBEg0VhI0VniQEjRWAAAAAAA=","ds":"\#(identifier)"}"#,
      "authenticated version=2.2.0 trans_status=Y cavv=AAABBEg0VhI0VniQEjRWAAAAAAA= "
        + "ds_transaction_id=\(identifier)"
    ),
    (
      .authenticate, #"{"status":"AUTHENTICATED","state":"SUCCESS"}"#, "unknown authentication-data"
    ),
    (
      .authenticate, #"{"status":"AUTHENTICATED","version":"2.2.0","old":"N"}"#,
      "unknown authentication-data"
    ),
    (
      .authenticationResult,
      #"{"status":"AUTHENTICATED","version":"2.1.0","old":"ATTEMPT","eci":"06"}"#,
      "authenticated version=2.1.0 trans_status=A eci=06"
    ),
    (
      .authenticate,
      #"{"status":"CHALLENGE","url":"https://acs.example/c?x=1","creq":"eyJhIjoxfQ","id":"\#(identifier)"}"#,
      "challenge_required acs_url=https://acs.example/c?x=1 creq=eyJhIjoxfQ "
        + "three_ds_server_transaction_id=\(identifier)"
    ),
    (
      .authenticate,
      #"{"status":"AUTHENTICATED","version":"2.2.0","state":"N","pan":"4970105181818183"}"#,
      "unknown card-number-in-answer"
    ),
    (
      .authenticate,
      #"{"status":"AUTHENTICATED","version":"2.2.0","state":"SUCCESS","pan":"4970105181818183"}"#,
      "authenticated held"
    ),
    (
      .authenticate,
      #"{"status":"CHALLENGE","url":"javascript:alert(1)","creq":"eyJhIjoxfQ","id":"\#(identifier)"}"#,
      "unknown authentication-data"
    ),
    (
      // {"a":"4970 1051 8181 8183"}
      .authenticate,
      #"{"status":"CHALLENGE","url":"https://acs.example/","creq":"#
        + #""eyJhIjoiNDk3MCAxMDUxIDgxODEgODE4MyJ9","id":"\#(identifier)"}"#,
      "unknown card-number-in-answer"
    ),
  ])
  func `an answer of a 3-D Secure server comes with what has to be handed on`(
    operation: PaymentOperation, body: String, expected: String
  ) throws {
    #expect(try outcome(operation, body) == expected)
  }

  @Test(arguments: [
    (#""49.90""#, 2, "approved"), ("49.9", 2, "approved"), ("49.90", 2, "approved"),
    (#""20.5""#, 2, "approved amount=2050"), ("20", 2, "approved amount=2000"),
    (#""20""#, 2, "approved amount=2000"), (#""4990""#, 0, "approved"),
    (#""20.505""#, 2, "unknown approved-amount"), ("20.505", 2, "unknown approved-amount"),
    (#""20.""#, 2, "unknown approved-amount"), (#"".5""#, 2, "unknown approved-amount"),
    (#""49.900""#, 2, "approved"), (#""4990.00""#, 0, "approved"),
    (#""20.5""#, 0, "unknown approved-amount"), (#""-1.00""#, 2, "unknown approved-amount"),
    (#""50.00""#, 2, "unknown approved-amount"), (#""+20.00""#, 2, "unknown approved-amount"),
  ])
  func `an amount in the major unit is read with the currency's decimals`(
    amount: String, decimals: Int, expected: String
  ) throws {
    #expect(
      try outcome(.authorize, #"{"status":"OK","amount":\#(amount)}"#, decimals: decimals)
        == expected)
  }

  @Test func `a question about a challenge has nothing of the card`() throws {
    let template = try Fixture.operation(Self.template, .authenticationResult)
    let payment = Payment(
      operation: .authenticationResult, amount: nil, reference: nil, securityCode: nil,
      initiator: nil, storedCredential: nil, threeDSecure: nil, scaExemption: nil,
      threeDSServerTransactionIdentifier: Self.identifier)
    #expect(template.check(payment) == nil)
    let body = Fixture.rendered(Fixture.message(template, payment, try Fixture.card())).body
    #expect(
      body == #"{"id":"\#(Fixture.identifier.text)","transaction":"\#(Self.identifier)"}"#)
    #expect(
      template.check(try Fixture.payment(.authenticationResult, amount: nil, reference: nil))
        == Problem(.missingMember, pointer: "/three_ds_server_transaction_id"))
  }

  @Test(arguments: [
    (
      "{var: three_ds_server_transaction_id}}",
      "{var: three_ds_server_transaction_id}, month: {var: card.expiry, as: mm}}",
      #"t.yaml:11: "authentication_result" sends nothing of the card: remove "card.expiry""#
    ),
    (
      "transaction: {var: three_ds_server_transaction_id}", "x: 1",
      #"t.yaml:10: the message has no "three_ds_server_transaction_id""#
    ),
    (
      "version: /version", "exemption: /x",
      #"t.yaml:13: "authenticated" needs "three_ds" with "version" and "trans_status": "#
        + "say where the answer has them, such as three_ds: {version: /version, …}"
    ),
    (
      "challenge: {acs_url: /url, creq: /creq, three_ds_server_transaction_id: /id}", "",
      #"t.yaml:13: "challenge_required" needs "challenge": "#
        + "say where the answer has acs_url, creq and three_ds_server_transaction_id"
    ),
    (
      "{var: three_ds_server_transaction_id}}",
      "{var: three_ds_server_transaction_id, optional: true}}",
      #"t.yaml:11: "authentication_result" asks about one authentication, "#
        + "so its id is not optional"
    ),
    (
      ", three_ds.cavv", "",
      #"t.yaml:1: "authenticate" gives "three_ds.cavv", which "authorize" does not know: "#
        + #"use it there, or list it under "ignores""#
    ),
    (
      "outcome: authenticated", "outcome: unknown",
      #"t.yaml:1: no rule says that "authenticate" ends in "authenticated": "#
        + #"write a rule with "outcome: authenticated"; "approved" is for payments"#
    ),
    (
      "eci: /eci", "eci: []",
      #"t.yaml:32: "answer.three_ds.eci" names no place: "#
        + "write a JSON Pointer such as /answer/status"
    ),
    (
      "SUCCESS: Y", "SUCCESS: N", #"t.yaml:31: "N" is no value of "trans_status""#
    ),
    (
      "outcome: pending", "outcome: pending\n      captured: true",
      #"t.yaml:21: only an approval is "captured" or not"#
    ),
  ])
  func `a mistake is told with its line`(piece: String, wrong: String, said: String) {
    let (_, mistakes) = Fixture.compile(Self.template.replacing(piece, with: wrong))
    #expect(mistakes.contains(said), "\(mistakes)")
  }
}
