import Bytes
import Testing
import Tokenization
import VaultCore

@testable import AcquirerGateway

/// A part is never told as the whole: the approved amount is between 0 and what was asked, or nobody
/// knows what was approved.
@Suite struct ApprovedAmountTests {
  private func outcome(
    _ amount: String, asked: Int64? = 1001, status: String = "APPROVED", more: String = "",
    number: String = "4970105181818183"
  ) throws -> String {
    let template = try Fixture.operation(AnswerReaderTests.template)
    let reader = AnswerReader(rules: template.answer, requestedAmount: asked)
    let body = #"{"status":"\#(status)","amount":\#(amount)\#(more)}"#
    return describe(
      reader.outcome(
        status: 200, body: Array(body.utf8).rawSpan, cardNumber: Array(number.utf8).rawSpan))
  }

  @Test(arguments: [
    ("500", "approved amount=500"), ("0", "approved amount=0"), ("-0", "approved amount=0"),
    ("1000", "approved amount=1000"), ("1001", "approved"), ("null", "approved"),
    (#""500""#, "approved amount=500"), (#""1001""#, "approved"), ("500.0", "approved amount=500"),
    ("5e2", "approved amount=500"), ("0.5E+3", "approved amount=500"),
    ("5000e-1", "approved amount=500"), ("10.01e2", "approved"),
  ])
  func `an amount that was asked for, or less, is told`(amount: String, expected: String) throws {
    #expect(try outcome(amount) == expected)
  }

  @Test(arguments: [
    "1002", "999999999999", "9223372036854775808", "1e400", "1e999999999999999999999", "-1", "-5e2",
    "500.5", "5e-1", #""1002""#, #""-1""#, #""500.0""#, #""5e2""#, #""0500""#, #""+500""#,
    #"" 500""#,
    #""""#, #""all""#, #""٥٠٠""#, "true", "false", "[500]", "{}", #"{"value":500}"#,
  ])
  func `any other amount leaves it open`(amount: String) throws {
    #expect(try outcome(amount) == "unknown approved-amount")
  }

  @Test func `a message without an amount asks for nothing`() throws {
    #expect(try outcome("0", asked: nil) == "approved")
    #expect(try outcome("null", asked: nil) == "approved")
    #expect(try outcome("1", asked: nil) == "unknown approved-amount")
    #expect(try outcome("0", asked: 0) == "approved")
    #expect(try outcome("1", asked: 0) == "unknown approved-amount")
  }

  @Test(arguments: ["500", "2000", #""all""#, "-1"])
  func `only an approval has an amount`(amount: String) throws {
    #expect(try outcome(amount, status: "DECLINED") == "refused other")
    #expect(try outcome(amount, status: "LATER") == "unknown declared-unknown")
  }

  @Test func `the amount stays where everything else is dropped`() throws {
    let echo = #","code":"00","ids":["t-1"],"x":"4970105181818183""#
    #expect(try outcome("500", more: echo) == "approved amount=500 held")
    #expect(try outcome("1001", more: echo) == "approved held")
    #expect(try outcome("null", more: echo) == "approved held")
    #expect(try outcome("1002", more: echo) == "unknown card-number-in-answer")
    #expect(try outcome(#""all""#, more: echo) == "unknown card-number-in-answer")
  }

  /// Null would say "the whole", and the digits may not be shown: so nobody is told anything.
  @Test(arguments: ["497010518181", "970105181", "381818181", "181815010794"])
  func `a part that is a piece of the card number leaves it open`(amount: String) throws {
    let everything: Int64 = 999_999_999_999
    #expect(try outcome(amount, asked: everything) == "unknown card-number-in-answer")
    #expect(try outcome(amount) == "unknown card-number-in-answer")
    #expect(
      try outcome(#""\#(amount)""#, asked: everything) == "unknown card-number-in-answer")
    let asked = try #require(Int64(amount))
    #expect(try outcome(amount, asked: asked) == "approved", "the shop's own amount is not told")
  }

  @Test func `eight digits are an amount like any other`() throws {
    #expect(try outcome("49701051", asked: 999_999_999) == "approved amount=49701051")
  }

  @Test func `an amount that is the card number leaves it open`() throws {
    #expect(try outcome("4970105181818183") == "unknown card-number-in-answer")
    #expect(try outcome(#""4970105181818183""#) == "unknown card-number-in-answer")
  }
}
