import Bytes
import Testing
import Tokenization
import VaultCore

@testable import AcquirerGateway

@Suite struct AnswerReaderTests {
  static let template = """
    operations:
      authorize:
        path: /pay
        body: {id: {var: payment_id}, pan: {var: card.number}}
    answer:
      rules:
        - when: {/status: [APPROVED, PARTIAL]}
          outcome: approved
        - when: {/status: DECLINED, /fraud: true}
          outcome: refused
          reason: suspected_fraud
        - when: {/status: DECLINED, /level: [1, 2]}
          outcome: refused
        - when: {/status: DECLINED}
          outcome: refused
          reason:
            field: [/code, /inner/code]
            map: {"51": insufficient_funds, "61": limit_exceeded}
            otherwise: other
        - when: {/challenge: {exists: true}, /status: {exists: false}}
          outcome: authentication_required
        - when: {/status: LATER}
          outcome: unknown
        - when: {/status: ERROR, status: [400, 422]}
          outcome: rejected
        - when: {status: 404}
          outcome: rejected
      code: {field: /code, pattern: "[A-Z0-9]{1,8}"}
      transaction_id: {field: /ids/0, pattern: "[A-Za-z0-9-]{1,36}"}
      network_transaction_id: {field: /ids/1, pattern: "[A-Z0-9]{1,15}"}
      approved_amount: {field: /amount}
      fields:
        scheme: {field: /scheme, pattern: "[a-z]{2,4}"}
        score: {field: /score, pattern: "[0-9]{1,3}"}
    """

  private func outcome(
    _ body: String, status: Int = 200, number: String = "4970105181818183"
  ) throws -> String {
    let template = try Fixture.operation(AnswerReaderTests.template)
    let reader = AnswerReader(rules: template.answer, requestedAmount: 4990)
    let outcome = reader.outcome(
      status: status, body: Array(body.utf8).rawSpan, cardNumber: Array(number.utf8).rawSpan)
    return describe(outcome)
  }

  @Test func `a field that repeats the security code is dropped`() throws {
    let template = try Fixture.operation(AnswerReaderTests.template)
    let reader = AnswerReader(
      rules: template.answer, requestedAmount: 4990,
      securityCode: SecurityCode(try Fixture.slot("123")))
    let body = Array(#"{"status":"APPROVED","score":123,"scheme":"cb"}"#.utf8)
    let number = Array("4970105181818183".utf8)
    let outcome = reader.outcome(
      status: 200, body: body.rawSpan, cardNumber: number.rawSpan)
    #expect(describe(outcome) == "approved scheme=cb code-held")
  }

  @Test(
    arguments: [
      (#"{"status":"APPROVED"}"#, 200, "approved"),
      (#"{"status":"PARTIAL"}"#, 500, "approved"),
      (
        #"{"status":"APPROVED","code":"00","ids":["t-1","N1"],"scheme":"cb","score":7,"amount":10}"#,
        200, "approved code=00 transaction=t-1 network=N1 amount=10 scheme=cb score=7"
      ),
      (#"{"status":"APPROVED","amount":4990}"#, 200, "approved"),
      (#"{"status":"APPROVED","amount":"2500"}"#, 200, "approved amount=2500"),
      (#"{"status":"APPROVED","amount":null}"#, 200, "approved"),
      (#"{"status":"APPROVED","amount":24.5}"#, 200, "unknown approved-amount"),
      (#"{"status":"APPROVED","amount":-1}"#, 200, "unknown approved-amount"),
      (#"{"status":"APPROVED","amount":"all"}"#, 200, "unknown approved-amount"),
      (#"{"status":"APPROVED","amount":{}}"#, 200, "unknown approved-amount"),
      (
        #"{"status":"DECLINED","amount":10,"code":"51"}"#, 200, "refused insufficient_funds code=51"
      ),
      (#"{"status":"DECLINED","code":"61"}"#, 200, "refused limit_exceeded code=61"),
      (#"{"status":"DECLINED","code":61}"#, 200, "refused limit_exceeded code=61"),
      (
        #"{"status":"DECLINED","code":null,"inner":{"code":"51"}}"#, 200,
        "refused insufficient_funds"
      ),
      (
        #"{"status":"DECLINED","code":"61","inner":{"code":"51"}}"#, 200,
        "refused limit_exceeded code=61"
      ),
      (#"{"status":"DECLINED","code":"77"}"#, 200, "refused other code=77"),
      (#"{"status":"DECLINED"}"#, 200, "refused other"),
      (#"{"status":"DECLINED","fraud":true}"#, 200, "refused suspected_fraud"),
      (#"{"status":"DECLINED","fraud":"true"}"#, 200, "refused other"),
      (#"{"status":"DECLINED","level":2}"#, 200, "refused"),
      (#"{"status":"DECLINED","level":"2"}"#, 200, "refused other"),
      (#"{"\u0073tatus":"\u0041PPROVED"}"#, 200, "approved"),
      (#"{"challenge":{}}"#, 200, "authentication_required"),
      (#"{"challenge":null}"#, 200, "unknown unmapped"),
      (#"{"challenge":1,"status":"NEW"}"#, 200, "unknown unmapped"),
      (#"{"status":"LATER"}"#, 200, "unknown declared-unknown"),
      (#"{"status":"ERROR","code":"E1"}"#, 400, "rejected E1"),
      (#"{"status":"ERROR"}"#, 422, "rejected -"),
      (#"{"status":"ERROR"}"#, 500, "unknown unmapped"),
      (#"{}"#, 404, "rejected -"),
      (#"{}"#, 200, "unknown unmapped"),
      (#""APPROVED""#, 200, "unknown unmapped"),
      ("", 404, "unknown not-json"),
      ("<html>", 404, "unknown not-json"),
      (#"{"status":"APPROVED"} x"#, 200, "unknown not-json"),
      (#"{"status":"APPROVED","status":"DECLINED"}"#, 200, "unknown not-json"),
      (#"{"status":"APPROVED""#, 200, "unknown not-json"),
      (
        String(repeating: "[", count: 17) + String(repeating: "]", count: 17), 200,
        "unknown answer-too-large"
      ),
      ("[" + String(repeating: "0,", count: 5000) + "0]", 200, "unknown answer-too-large"),
    ] as [(String, Int, String)])
  func `an answer means what its rules say`(body: String, status: Int, expected: String) throws {
    #expect(try outcome(body, status: status) == expected)
  }

  @Test(arguments: [
    #"{"status":"APPROVED","code":"toolong99"}"#, #"{"status":"APPROVED","code":"a"}"#,
    #"{"status":"APPROVED","code":""}"#, #"{"status":"APPROVED","code":true}"#,
    #"{"status":"APPROVED","code":["00"]}"#, #"{"status":"APPROVED","code":"0\n"}"#,
    #"{"status":"APPROVED","code":1.0}"#, #"{"status":"APPROVED","ids":"t"}"#,
    #"{"status":"APPROVED","scheme":"c<b","score":-1}"#,
  ])
  func `what does not match its pattern is dropped`(body: String) throws {
    #expect(try outcome(body) == "approved")
  }

  /// The number of the card, in the disguises in which it could come back.
  static let disguises = [
    #""4970105181818183""#, #""card 4970105181818183 ok""#, "4970105181818183",
    "4970105181818183.0", "-4970105181818183", "4.970105181818183e15", "4.970105181818183E+15",
    "49701051818181830e-1", #""4970 1051 8181 8183""#, #""4970-1051-8181-8183""#,
    #""4970.1051.8181.8183""#, #""4 9 7 0 1 0 5 1 8 1 8 1 8 1 8 3""#, #""4970/1051_8181:8183""#,
    #""\u00349\u00370105181818183""#, #""497010518181\u0038183""#,
    #""4970\u00a01051\u00a08181\u00a08183""#, #""4970\n1051\t8181\r8183""#,
    #"["4970","1051","8181","8183"]"#, "[4970,1051,8181,8183]", #"["4970\u0031051",8181,"8183"]"#,
    #"{"a1":"49701051","b2":"81818183"}"#, #"{"4970105181818183":1}"#,
    #"{"497010518181\u0038183":1}"#, #"{"x":{"y":[{"z":"%%4970105181818183%%"}]}}"#,
    #""0004970105181818183000""#, #""<pan>4970105181818183</pan>""#,
  ]

  @Test(arguments: disguises)
  func `an answer that holds the card number keeps its outcome only`(disguise: String) throws {
    let members = #""code":"00","ids":["t-1","N1"],"scheme":"cb","amount":10"#
    #expect(
      try outcome(#"{"status":"APPROVED",\#(members),"x":\#(disguise)}"#)
        == "approved amount=10 held")
    #expect(
      try outcome(#"{"x":\#(disguise),"status":"DECLINED",\#(members)}"#) == "refused held")
    #expect(
      try outcome(#"{"status":"ERROR","code":"E1","x":\#(disguise)}"#, status: 400)
        == "rejected - held")
    #expect(
      try outcome(#"{"status":"LATER","x":\#(disguise)}"#) == "unknown card-number-in-answer")
    #expect(try outcome(#"{"x":\#(disguise)}"#) == "unknown card-number-in-answer")
  }

  @Test(arguments: disguises)
  func `the card number backwards is the card number`(disguise: String) throws {
    let backwards = "3818181815010794"
    #expect(
      try outcome(
        #"{"status":"APPROVED","amount":10,"code":"00","x":\#(disguise)}"#, number: backwards)
        == "approved amount=10 held")
  }

  @Test(arguments: ["<html>4970 1051 8181 8183</html>", #"{"pan":"4970105181818183""#])
  func `what is not JSON is searched as it stands`(body: String) throws {
    #expect(try outcome(body) == "unknown card-number-in-answer")
  }

  @Test func `a number that ends with zeros is found in a short exponent form`() throws {
    #expect(
      try outcome(#"{"status":"APPROVED","x":4.9173008e15}"#, number: "4917300800000000")
        == "approved held")
  }

  @Test(arguments: [
    #""497010XXXXXX8183""#, #""8183""#, "497010", #""4970105181818184""#, #""497010518181818""#,
    #""381818181501079""#,
  ])
  func `a masked or another number is no alarm`(value: String) throws {
    #expect(
      try outcome(#"{"status":"APPROVED","scheme":"cb","x":\#(value)}"#) == "approved scheme=cb")
  }

  @Test func `a number is found after its own beginning`() throws {
    let number = "1111211112111121"
    #expect(
      try outcome(#"{"status":"APPROVED","x":"1111\#(number)"}"#, number: number)
        == "approved held")
  }
}

/// An outcome as one line.
func describe(_ outcome: AcquirerOutcome) -> String {
  switch outcome {
  case .notSent(let cause, _): return "not-sent \(cause)"
  case .unknown(let cause, _): return "unknown \(cause)"
  case .rejected(let code, let isHeld): return "rejected \(code ?? "-")\(isHeld ? " held" : "")"
  case .answered(let answer):
    var words = [answer.outcome.rawValue]
    if let reason = answer.reason { words.append(reason.rawValue) }
    if let code = answer.code { words.append("code=\(code)") }
    if let text = answer.transactionIdentifier { words.append("transaction=\(text)") }
    if let text = answer.networkTransactionIdentifier { words.append("network=\(text)") }
    if let amount = answer.approvedAmount { words.append("amount=\(amount)") }
    if let captured = answer.captured { words.append(captured ? "captured" : "not-captured") }
    if let data = answer.threeDSecure {
      words += ThreeDSecure.Member.allCases.compactMap { member in
        data[member].map { "\(member.rawValue)=\($0)" }
      }
    }
    if let challenge = answer.challenge {
      words += Challenge.Member.allCases.map { "\($0.rawValue)=\(challenge[$0])" }
    }
    words += answer.fields.map { "\($0.name)=\($0.value)" }
    if answer.heldCardNumber { words.append("held") }
    if answer.heldSecurityCode { words.append("code-held") }
    return words.joined(separator: " ")
  }
}
