import Bytes
import Cards
import Cryptography
import Ledgers
import SecretMemory
import Testing
import Tokenization
import VaultCore

@testable import VaultServer

@Suite("The body of a push and of a pull")
struct PushDecoderTests {
  private let pool: SecretPool
  private let decoder: PushDecoder

  init() throws {
    pool = try SecretPool(slots: 4, slotSize: 32)
    decoder = PushDecoder(brands: .standard, pool: pool)
  }

  private func decode(_ body: String) throws -> PushRequest {
    try body.withSpan { span in
      try decoder.decode(span, token: Token(testToken), key: Array("key".utf8))
    }
  }

  private func problem(_ members: String) throws -> Problem? {
    guard case .failure(let problem) = try decode("{\(members)}").payment else { return nil }
    return problem
  }

  private func payment(_ members: String) throws -> Payment {
    try decode("{\(members)}").payment.get()
  }

  private func securityCode(of payment: Payment) -> [UInt8]? {
    payment.securityCode?.withDigits { ($0).array }
  }

  @Test func `every member is read`() throws {
    let request = try decode(
      """
      {"acquirer":"credit-du-nord","operation":"authorize",
       "amount":{"value":4990,"currency":"EUR"},"reference":"order-1042","cvc":"123",
       "initiator":"cardholder",
       "stored_credential":{"use":"recurring","sequence":"first","network_transaction_id":"MCC1"},
       "three_ds":{"version":"2.2.0","trans_status":"Y","eci":"05",
         "cavv":"AAABBEg0VhI0VniQEjRWAAAAAAA=",
         "ds_transaction_id":"f38e6948-5388-41a6-bca4-b49723c19437"},
       "sca_exemption":"low_value"}
      """)
    #expect(request.token == Token(testToken))
    #expect(request.idempotency.key == Array("key".utf8))
    #expect(try request.acquirer.get() == "credit-du-nord")
    let payment = try request.payment.get()
    #expect(payment.operation == .authorize)
    #expect(payment.amount?.value == 4990)
    #expect(payment.amount?.currency.code == "EUR")
    #expect(payment.reference?.text == "order-1042")
    #expect(payment.initiator == .cardholder)
    #expect(securityCode(of: payment) == Array("123".utf8))
    #expect(
      payment.storedCredential
        == StoredCredential(
          use: .recurring, sequence: .first, networkTransactionIdentifier: "MCC1"))
    #expect(
      payment.threeDSecure
        == ThreeDSecure([
          .version: "2.2.0", .transStatus: "Y", .eci: "05",
          .cavv: "AAABBEg0VhI0VniQEjRWAAAAAAA=",
          .dsTransactionIdentifier: "f38e6948-5388-41a6-bca4-b49723c19437",
        ]))
    #expect(payment.scaExemption == .lowValue)
  }

  @Test func `nothing but the acquirer is required here`() throws {
    let payment = try payment(#""acquirer":"a""#)
    #expect(payment.operation == .authorize)
    #expect(payment.amount == nil)
    #expect(securityCode(of: payment) == nil)
    #expect(try decode("{}").acquirer == .failure(Problem(.missingMember, pointer: "/acquirer")))
    #expect(
      try decode(#"{"acquirer":1}"#).acquirer
        == .failure(Problem(.invalidMember, pointer: "/acquirer")))
    let long = String(repeating: "a", count: 65)
    #expect(
      try decode(#"{"acquirer":"\#(long)"}"#).acquirer == .failure(Problem(.acquirerNotPermitted)))
  }

  @Test(arguments: ["", "[]", "{", "{}x", #"{"a":1,"a":2}"#])
  func `what is not one strict object is malformed`(body: String) {
    #expect(throws: Problem(.malformedRequest)) { try decode(body) }
  }

  @Test(arguments: [
    (#""number":"4970105181818183""#, Problem(.unknownMember)),
    (#""track2":"x""#, Problem(.sensitiveAuthenticationData, pointer: "/track2")),
    (#""pin":"x""#, Problem(.sensitiveAuthenticationData, pointer: "/pin")),
    (#""three_ds":{"cvc":"123"}"#, Problem(.sensitiveAuthenticationData)),
    (#""operation":"capture""#, Problem(.invalidMember, pointer: "/operation")),
    (#""operation":1"#, Problem(.invalidMember, pointer: "/operation")),
    (#""amount":4990"#, Problem(.invalidMember, pointer: "/amount")),
    (#""amount":{"value":1}"#, Problem(.missingMember, pointer: "/amount/currency")),
    (#""amount":{"currency":"EUR"}"#, Problem(.missingMember, pointer: "/amount/value")),
    (#""amount":{"value":1,"currency":"EUR","x":1}"#, Problem(.unknownMember, pointer: "/amount")),
    (
      #""amount":{"value":-1,"currency":"EUR"}"#, Problem(.invalidMember, pointer: "/amount/value")
    ),
    (
      #""amount":{"value":1000000000000,"currency":"EUR"}"#,
      Problem(.invalidMember, pointer: "/amount/value")
    ),
    (
      #""amount":{"value":1.5,"currency":"EUR"}"#,
      Problem(.invalidMember, pointer: "/amount/value")
    ),
    (
      #""amount":{"value":"1","currency":"EUR"}"#,
      Problem(.invalidMember, pointer: "/amount/value")
    ),
    (
      #""amount":{"value":1,"currency":"eur"}"#,
      Problem(.invalidMember, pointer: "/amount/currency")
    ),
    (
      #""amount":{"value":1,"currency":"QQQ"}"#,
      Problem(.unsupportedCurrency, pointer: "/amount/currency")
    ),
    (
      #""operation":"verify","amount":{"value":1,"currency":"EUR"}"#,
      Problem(.invalidMember, pointer: "/amount/value")
    ),
    (#""reference":"""#, Problem(.invalidMember, pointer: "/reference")),
    (#""reference":"a:b""#, Problem(.invalidMember, pointer: "/reference")),
    (#""reference":"4970.1051-8181_8183""#, Problem(.invalidMember, pointer: "/reference")),
    (#""cvc":"12""#, Problem(.invalidMember, pointer: "/cvc")),
    (#""cvc":"12345""#, Problem(.invalidMember, pointer: "/cvc")),
    (#""cvc":"12a""#, Problem(.invalidMember, pointer: "/cvc")),
    (#""cvc":123"#, Problem(.invalidMember, pointer: "/cvc")),
    (#""cvc":"123","initiator":"merchant""#, Problem(.invalidMember, pointer: "/cvc")),
    (#""initiator":"bank""#, Problem(.invalidMember, pointer: "/initiator")),
    (#""stored_credential":"x""#, Problem(.invalidMember, pointer: "/stored_credential")),
    (
      #""stored_credential":{"sequence":"first"}"#,
      Problem(.missingMember, pointer: "/stored_credential/use")
    ),
    (
      #""stored_credential":{"use":"recurring"}"#,
      Problem(.missingMember, pointer: "/stored_credential/sequence")
    ),
    (
      #""stored_credential":{"use":"other","sequence":"first"}"#,
      Problem(.invalidMember, pointer: "/stored_credential/use")
    ),
    (
      #""stored_credential":{"use":"recurring","sequence":"first","x":1}"#,
      Problem(.unknownMember, pointer: "/stored_credential")
    ),
    (
      #""stored_credential":{"use":"recurring","sequence":"first","network_transaction_id":"a-b"}"#,
      Problem(.invalidMember, pointer: "/stored_credential/network_transaction_id")
    ),
    (#""three_ds":{"trans_status":"Y"}"#, Problem(.missingMember, pointer: "/three_ds/version")),
    (
      #""three_ds":{"version":"2.2.0"}"#, Problem(.missingMember, pointer: "/three_ds/trans_status")
    ),
    (
      #""three_ds":{"version":"2","trans_status":"Y"}"#,
      Problem(.invalidMember, pointer: "/three_ds/version")
    ),
    (
      #""three_ds":{"version":"2.2.0","trans_status":"Z"}"#,
      Problem(.invalidMember, pointer: "/three_ds/trans_status")
    ),
    (
      #""three_ds":{"version":"2.2.0","trans_status":"Y","eci":"5"}"#,
      Problem(.invalidMember, pointer: "/three_ds/eci")
    ),
    (
      #""three_ds":{"version":"2.2.0","trans_status":"Y","cavv":"short"}"#,
      Problem(.invalidMember, pointer: "/three_ds/cavv")
    ),
    (
      #""three_ds":{"version":"2.2.0","trans_status":"Y","ds_transaction_id":"x"}"#,
      Problem(.invalidMember, pointer: "/three_ds/ds_transaction_id")
    ),
    (
      #""three_ds":{"version":"2.3.2","trans_status":"Y"}"#,
      Problem(.invalidMember, pointer: "/three_ds/version")
    ),
    (
      #""three_ds":{"version":"2.2.0","trans_status":"Y","cavv_algorithm":"9"}"#,
      Problem(.invalidMember, pointer: "/three_ds/cavv_algorithm")
    ),
    (
      #""three_ds":{"version":"2.2.0","trans_status":"Y","network_score":100}"#,
      Problem(.invalidMember, pointer: "/three_ds/network_score")
    ),
    (
      #""three_ds":{"version":"2.2.0","trans_status":"Y","cavv":"AAAB+EgAAVniQEjR-AAAAAAAAAA="}"#,
      Problem(.invalidMember, pointer: "/three_ds/cavv")
    ),
    (
      #""stored_credential":{"use":"recurring","sequence":"first","network_transaction_id":" A1"}"#,
      Problem(.invalidMember, pointer: "/stored_credential/network_transaction_id")
    ),
    (
      #""three_ds_server_transaction_id":"x""#,
      Problem(.invalidMember, pointer: "/three_ds_server_transaction_id")
    ),
    (#""inputs":[]"#, Problem(.invalidMember, pointer: "/inputs")),
    (#""inputs":{"pin":"1"}"#, Problem(.sensitiveAuthenticationData)),
    (#""sca_exemption":"none""#, Problem(.invalidMember, pointer: "/sca_exemption")),
  ])
  func `each member has its form`(members: String, expected: Problem) throws {
    #expect(try problem(#""acquirer":"a","# + members) == expected)
    #expect(pool.slotsInUse == 0)
  }

  @Test func `each form of what the schemes send is taken`() throws {
    let read = try payment(
      """
      "initiator":"moto",
      "stored_credential":{"use":"unscheduled","sequence":"subsequent",
        "network_transaction_id":"MCC 0123  45","transaction_link_id":"aGVsbG8td29ybGQ_"},
      "three_ds":{"version":"2.3.1","trans_status":"I","cavv":"AAAB-EgAAVniQEjR_AAAAAAAAAA=",
        "acs_transaction_id":"f38e6948-5388-41a6-bca4-b49723c19437","trans_status_reason":"01",
        "cavv_algorithm":"A","network_score":7,"exemption":"gAAA"}
      """)
    #expect(read.initiator == .moto)
    #expect(read.storedCredential?.networkTransactionIdentifier == "MCC 0123  45")
    #expect(read.storedCredential?.transactionLinkIdentifier == "aGVsbG8td29ybGQ_")
    #expect(read.threeDSecure?[.cavv] == "AAAB-EgAAVniQEjR_AAAAAAAAAA=")
    #expect(read.threeDSecure?[.networkScore] == "7")
    #expect(read.threeDSecure?[.exemption] == "gAAA")
  }

  @Test(arguments: ["N", "U", "R", "C", "D"])
  func `data of nobody who was authenticated is refused with a sentence`(status: String) throws {
    let problem = try problem(#""three_ds":{"version":"2.2.0","trans_status":"\#(status)"}"#)
    #expect(problem?.name == .invalidMember)
    #expect(problem?.pointer == "/three_ds/trans_status")
    #expect(problem?.detail?.contains("authenticate again") == true)
  }

  private static let inputs: [(String, String?, PaymentInput.Value)] = [
    (#""email":"a@b.example""#, "email", PaymentInput.Value.text("a@b.example")),
    (#""n":12.0"#, "n", .integer(12)), (#""b":false"#, "b", .boolean(false)),
    (#""n":1.5"#, "n", .unfit), (#""o":{}"#, "o", .unfit), (#""a":["x"]"#, "a", .unfit),
    (#""t":"tab\there""#, "t", .unfit), (#""t":"\u0085""#, "t", .unfit),
    (#""t":"4970 1051 8181 8183""#, "t", .unfit), (#""t":"x4970105181818183y""#, "t", .unfit),
    (#""t":"\uFF14970105181818183""#, "t", .unfit),
    (#""t":"\u0664\u0669\u0667\u0660105181818183""#, "t", .unfit),
    (#""t":"4970\u200b1051\u200b8181\u200b8183""#, "t", .unfit),
    (#""t":4970105181818183"#, "t", .unfit),
    (#""t":"4970 1051 8181 8184""#, "t", .text("4970 1051 8181 8184")),
    (
      #""t":"f38e6948-5388-41a6-bca4-b49723c19437""#, "t",
      .text("f38e6948-5388-41a6-bca4-b49723c19437")
    ),
    (#""T":"x""#, nil, .text("x")), (#""n12345678":"x""#, nil, .text("x")),
    (#""n1234567_8":"x""#, "n1234567_8", .text("x")),
    (#""n4970105_1818181_83":"x""#, nil, .text("x")), (#""4970105181818183":1"#, nil, .integer(1)),
    (#""t":"\u2074\u2079\u2077\u2070105181818183""#, "t", .unfit),
  ]

  @Test(arguments: Self.inputs)
  func `an input is read as what it is`(
    members: String, name: String?, value: PaymentInput.Value
  ) throws {
    let inputs = try payment(#""inputs":{\#(members),"gone":null}"#).inputs
    #expect(inputs == [PaymentInput(name: name, value: value)])
  }

  @Test func `a text that is too long, and too many inputs`() throws {
    let long = String(repeating: "a", count: PaymentInput.longestText + 1)
    #expect(try payment(#""inputs":{"t":"\#(long)"}"#).inputs.first?.value == .unfit)
    let many = (0...PaymentInput.most).map { #""i\#($0)":1"# }.joined(separator: ",")
    #expect(
      try problem(#""inputs":{\#(many)}"#) == Problem(.invalidMember, pointer: "/inputs"))
  }

  @Test func `verify has no amount, or nothing`() throws {
    #expect(try payment(#""operation":"verify""#).amount == nil)
    let zero = #""operation":"verify","amount":{"value":0,"currency":"EUR"}"#
    #expect(try payment(zero).amount?.value == 0)
  }

  @Test func `a security code lives in secret memory until the payment is gone`() throws {
    var kept: Payment? = try payment(#""cvc":"\u0031234""#)
    #expect(try securityCode(of: #require(kept)) == Array("1234".utf8))
    #expect(pool.slotsInUse == 1)
    kept = nil
    #expect(pool.slotsInUse == 0)
  }

  @Test func `the digest tells tokens apart, and not security codes`() throws {
    func digest(_ body: String, _ token: Token?) throws -> String {
      try body.withSpan { span in
        try decoder.decode(span, token: token, key: [1]).idempotency.requestDigest.hex
      }
    }
    let token = Token(testToken)
    let one = try digest(#"{"acquirer":"a","cvc":"123"}"#, token)
    #expect(try digest(#"{"cvc":"999","acquirer":"a"}"#, token) == one)
    #expect(try digest(#"{"acquirer":"b"}"#, token) != one)
    #expect(try digest(#"{"acquirer":"a"}"#, Token("tok_01kax3zv5ye8bvkp2mszn9fqxx")) != one)
    #expect(try digest(#"{"acquirer":"a"}"#, nil) != one)
  }

  @Test func `a pull asks with an empty object`() {
    func pull(_ body: String) throws(Problem) {
      try body.withSpan { span throws(Problem) in try decodePull(span) }
    }
    #expect(throws: Never.self) { try pull("{}") }
    #expect(throws: Never.self) { try pull(" { \"x\" : null } ") }
    #expect(throws: Problem(.malformedRequest)) { try pull("") }
    #expect(throws: Problem(.malformedRequest)) { try pull("[]") }
    #expect(throws: Problem(.unknownMember)) { try pull(#"{"acquirer":"a"}"#) }
    #expect(throws: Problem(.sensitiveAuthenticationData, pointer: "/cvc")) {
      try pull(#"{"cvc":"1"}"#)
    }
  }
}
