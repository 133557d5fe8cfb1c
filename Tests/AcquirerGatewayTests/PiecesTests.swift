import Bytes
import TestSupport
import Testing
import Tokenization
import VaultCore

@testable import AcquirerGateway

/// What is let through holds neither nine digits of the card number nor the security code.
@Suite struct PiecesTests {
  static let template = """
    operations:
      authorize:
        path: /pay
        body: {id: {var: payment_id}, pan: {var: card.number}, cvc: {var: card.cvc, optional: true}}
    answer:
      rules:
        - when: {/status: APPROVED}
          outcome: approved
        - when: {/status: DECLINED}
          outcome: refused
          reason: do_not_honour
        - when: {/status: ERROR}
          outcome: rejected
      code: {field: /code, pattern: "[ -Z]{1,60}"}
      transaction_id: {field: /id, pattern: "[ -Za-z]{1,128}"}
      network_transaction_id: {field: /network, pattern: "[ -Za-z]{1,60}"}
      approved_amount: {field: /amount}
      fields:
        first: {field: /first, pattern: "[ -Za-z]{1,60}"}
        second: {field: /second, pattern: "[0-9]{1,12}"}
        three: {field: /three, pattern: "[0-9]{3}"}
        four: {field: /four, pattern: "[0-9]{3,4}"}
        letters: {field: /letters, pattern: "[0-9A-F]{3}"}
    """
  static let number = "4970105181818183"

  private func outcome(
    _ members: String, status: String = "APPROVED", cvc: String? = nil, number: String = number
  ) throws -> String {
    let template = try Fixture.operation(Self.template)
    let code = try cvc.map { SecurityCode(try Fixture.slot($0)) }
    let reader = AnswerReader(rules: template.answer, requestedAmount: 4990, securityCode: code)
    let body = #"{"status":"\#(status)",\#(members)}"#
    return describe(
      reader.outcome(
        status: 200, body: Array(body.utf8).rawSpan, cardNumber: Array(number.utf8).rawSpan))
  }

  /// Nine or more digits, from any place, in either direction, with anything between them.
  static let pieces = [
    "497010518", "497010518181", "970105181", "181818183",
    "0105181818183", "815010794", "381818181", "4970 1051 8", "4970-1051-8", "4.9.7.0.1.0.5.1.8",
    "T497010518X", "x 81/81,50 10:79.4 y", "000497010518000", "497014970105184970",
  ]

  @Test(arguments: pieces)
  func `a member that holds a piece is dropped and the others stay`(piece: String) throws {
    let rest = #""amount":10"#
    #expect(
      try outcome(#""id":"\#(piece)","code":"00","first":"ok",\#(rest)"#)
        == "approved code=00 amount=10 first=ok held")
    #expect(
      try outcome(#""network":"\#(piece)","id":"t-1",\#(rest)"#)
        == "approved transaction=t-1 amount=10 held")
    #expect(
      try outcome(#""first":"\#(piece)","second":7,"id":"t-1",\#(rest)"#)
        == "approved transaction=t-1 amount=10 second=7 held")
    #expect(
      try outcome(#""code":"\#(piece.uppercased())","id":"t-1""#, status: "DECLINED")
        == "refused do_not_honour transaction=t-1 held")
    #expect(
      try outcome(#""code":"\#(piece.uppercased())""#, status: "ERROR") == "rejected - held")
  }

  @Test func `a piece is found as a number too`() throws {
    #expect(try outcome(#""second":497010518181"#) == "approved held")
    #expect(try outcome(#""first":-497010518"#) == "approved held")
    #expect(try outcome(#""id":"\u00349701\u0030518""#) == "approved held")
  }

  @Test(arguments: ["49701051", "81818183", "497010XXXXXX8183", "T0123456789", "123456789012"])
  func `eight digits and other numbers stay`(text: String) throws {
    #expect(try outcome(#""id":"\#(text)""#) == "approved transaction=\(text)")
  }

  /// A piece where nothing is let through is no alarm; the whole number is, wherever it stands.
  @Test func `a piece in what is not declared is nobody's`() throws {
    #expect(try outcome(#""id":"t-1","x":"497010518181""#) == "approved transaction=t-1")
    #expect(try outcome(#""second":"4970105181818""#) == "approved")
  }

  @Test func `halves in two members are found where they make the whole number`() throws {
    #expect(try outcome(#""first":"49701051","second":"81818183""#) == "approved held")
    #expect(
      try outcome(#""first":"49701051","x":5,"second":"81818183""#)
        == "approved first=49701051 second=81818183", "said in the threat model")
  }

  @Test(arguments: ["123", "1234"])
  func `a member that is the security code is dropped`(code: String) throws {
    for member in ["id", "network", "first", "second"] {
      #expect(
        try outcome(#""\#(member)":"\#(code)","code":"00""#, cvc: code)
          == "approved code=00 code-held")
    }
    #expect(try outcome(#""second":\#(code)"#, cvc: code) == "approved code-held")
    #expect(try outcome(#""letters":"123""#, cvc: "123") == "approved code-held")
    #expect(try outcome(#""id":"t\#(code)""#, cvc: code) == "approved transaction=t\(code)")
  }

  /// One in a thousand answers would lose them by chance.
  @Test func `what can only be three or four digits stays`() throws {
    #expect(
      try outcome(#""code":"123","three":"123","four":"123","amount":123"#, cvc: "123")
        == "approved code=123 amount=123 three=123 four=123")
    #expect(try outcome(#""four":"1234""#, cvc: "1234") == "approved four=1234")
    #expect(try outcome(#""code":"123""#, status: "ERROR", cvc: "123") == "rejected 123")
  }

  /// Random numbers, of which random pieces come back at random places: nine digits never pass.
  @Test func `no piece of a random number passes`() throws {
    let template = try Fixture.operation(Self.template)
    let reader = AnswerReader(rules: template.answer, requestedAmount: 999_999_999_999)
    var random = SeededGenerator(seed: 20_261_206)
    for round in 0..<3_000 {
      let number = String.digits(Int.random(in: 12...19, using: &random), &random)
      let members = ["code", "id", "network", "first", "second"].map { member in
        #""\#(member)":"\#(Self.echo(of: number, &random))""#
      }
      let amount =
        Bool.random(using: &random) ? "null" : #""\#(Self.piece(of: number, &random))""#
      let body = Array(
        #"{"status":"APPROVED",\#(members.joined(separator: ",")),"amount":\#(amount)}"#.utf8)
      let told = describe(
        reader.outcome(
          status: 200, body: body.rawSpan, cardNumber: Array(number.utf8).rawSpan))
      let values = told.split(separator: "=").map { $0.filter(\.isNumber) }
      for start in 0...(number.count - 9) {
        let piece = number.dropFirst(start).prefix(9)
        #expect(
          !values.contains { $0.contains(piece) || $0.contains(String(piece.reversed())) },
          "round \(round)")
      }
    }
  }

  private static func piece(of number: String, _ random: inout SeededGenerator) -> String {
    let length = Int.random(in: 1...number.count, using: &random)
    let start = Int.random(in: 0...(number.count - length), using: &random)
    let piece = String(number.dropFirst(start).prefix(length))
    return Bool.random(using: &random) ? piece : String(piece.reversed())
  }

  private static func echo(of number: String, _ random: inout SeededGenerator) -> String {
    let separators = ["", "", "", " ", "-", ".", "X"]
    let between = separators.randomElement(using: &random) ?? ""
    let digits = String.digits(Int.random(in: 0...3, using: &random), &random)
    return digits + piece(of: number, &random).map { String($0) }.joined(separator: between)
  }
}

extension String {
  /// So many digits, drawn one by one.
  fileprivate static func digits(_ count: Int, _ random: inout SeededGenerator) -> String {
    String((0..<count).map { _ in Character(String(Int.random(in: 0...9, using: &random))) })
  }
}
