import Bytes
import Cards
import Cryptography
import Ledgers
import SecretMemory
import Testing
import Tokenization
import VaultCore

@testable import VaultServer

@Suite("The body of a tokenize request")
struct TokenizeDecoderTests {
  private let pool: SecretPool
  private let decoder: TokenizeDecoder

  init() throws {
    pool = try SecretPool(slots: 4, slotSize: 32)
    decoder = TokenizeDecoder(brands: .standard, pool: pool)
  }

  /// What came of a body: the digits and details of a good one, or the problem.
  private struct Outcome {
    var digits: String?
    var brands: [String] = []
    var details: CardDetails?
    var early: Problem?
    var late: Problem?
    var idempotency: Idempotency?
    /// Of a request that gives a token; `.some(nil)` for a text that is none.
    var token: Token??
    var renewal: CardRenewal?
  }

  private func decode(_ body: String, key: [UInt8]? = nil, at time: Int64 = testTime) -> Outcome {
    body.withSpan { span in
      do throws(Problem) {
        var outcome = Outcome()
        switch try decoder.decode(span, key: key, at: time) {
        case .card(let request):
          outcome.digits = String(decoding: request.number.digits.array, as: UTF8.self)
          outcome.brands = request.match.brands.map(\.name)
          outcome.idempotency = request.idempotency
          switch request.details {
          case .success(let details): outcome.details = details
          case .failure(let problem): outcome.late = problem
          }
        case .token(let request):
          outcome.token = .some(request.token)
          outcome.idempotency = request.idempotency
          switch request.renewal {
          case .success(let renewal): outcome.renewal = renewal
          case .failure(let problem): outcome.late = problem
          }
        }
        return outcome
      } catch {
        return Outcome(early: error)
      }
    }
  }

  private let good = #""exp_month":12,"exp_year":2028"#

  @Test func `a card with everything is read`() throws {
    let outcome = decode(
      #"{"number":"4970105181818183",\#(good),"preferred_brand":"cb","customer":"c-1042"}"#)
    #expect(outcome.digits == "4970105181818183")
    #expect(outcome.brands.contains("cb"))
    let details = try #require(outcome.details)
    #expect(details.expiry.month == 12 && details.expiry.year == 2028)
    #expect(details.preferredBrand == .cb)
    #expect(details.customer?.text == "c-1042")
  }

  @Test func `separators and escapes are read as the digits that they are`() {
    let spaced = decode(#"{"number":"4970 1051-8181 8183",\#(good)}"#)
    #expect(spaced.digits == "4970105181818183")
    let escaped = decode(#"{"numb\u0065r":"\u0034970105181818183",\#(good)}"#)
    #expect(escaped.digits == "4970105181818183")
  }

  @Test(arguments: [
    #""exp_month":12.0,"exp_year":2.028e3"#, #""exp_month":120e-1,"exp_year":2028.00"#,
    #""exp_month":1.2E+1,"exp_year":20280e-1"#,
  ])
  func `the value of a number counts, not its writing`(expiry: String) throws {
    let body = #"{"number":"4970105181818183",\#(expiry)}"#
    let details = try #require(decode(body).details)
    #expect(details.expiry.month == 12 && details.expiry.year == 2028)
    let plain = decode(#"{"number":"4970105181818183",\#(good)}"#, key: [1])
    #expect(
      decode(body, key: [1]).idempotency?.requestDigest.hex
        == plain.idempotency?.requestDigest.hex)
  }

  @Test func `a token is taken in place of a number`() throws {
    let bare = decode(#"{"token":"\#(testToken)"}"#, key: [1])
    #expect(bare.token == .some(Token(testToken)))
    #expect(bare.renewal?.expiry == nil && bare.renewal?.preferredBrand == nil)
    let full = decode(
      #"{"token":"\#(testToken)",\#(good),"preferred_brand":"cb","number":null}"#, key: [1])
    #expect(full.renewal?.expiry == (try Expiry(month: 12, year: 2028)))
    #expect(full.renewal?.preferredBrand == .cb)
    #expect(full.idempotency?.requestDigest.hex != bare.idempotency?.requestDigest.hex)
    // What is no token is not found by the vault; what is no text is no token at all.
    #expect(decode(#"{"token":"4970105181818183"}"#).token == .some(nil))
    #expect(decode(#"{"token":7}"#).early == Problem(.invalidMember, pointer: "/token"))
    #expect(decode(#"{"token":null}"#).early == Problem(.missingMember, pointer: "/number"))
  }

  @Test(arguments: [
    (#""number":"4970105181818183""#, Problem(.unknownMember)),
    (#""customer":"c-1""#, Problem(.unknownMember)),
    (#""x":1"#, Problem(.unknownMember)),
    (#""cvc":"123""#, Problem(.sensitiveAuthenticationData, pointer: "/cvc")),
    (#""exp_month":12"#, Problem(.missingMember, pointer: "/exp_year")),
    (#""exp_year":2028"#, Problem(.missingMember, pointer: "/exp_month")),
    (#""exp_month":10,"exp_year":2026"#, Problem(.cardExpired)),
    (#""exp_month":13,"exp_year":2028"#, Problem(.invalidMember, pointer: "/exp_month")),
    (#""preferred_brand":"A""#, Problem(.invalidMember, pointer: "/preferred_brand")),
  ])
  func `what is wrong beside a token is told late`(members: String, problem: Problem) {
    let outcome = decode(#"{"token":"\#(testToken)",\#(members)}"#)
    #expect(outcome.token == .some(Token(testToken)))
    #expect(outcome.late == problem)
    #expect(pool.slotsInUse == 0)
  }

  @Test func `null counts as absent`() {
    let outcome = decode(
      #"{"number":"4970105181818183",\#(good),"preferred_brand":null,"cvc":null,"x":null}"#)
    #expect(outcome.details != nil)
    #expect(decode(#"{"number":null,\#(good)}"#).early?.name == .missingMember)
  }

  @Test(arguments: [
    "", "[]", "\"a\"", "{", "{}{}", #"{"number":1,"number":1}"#, "{\"a\":\"\u{1}\"}",
    #"{"a":{"b":{"c":{"d":{}}}}}"#, #"{"a":01}"#, "\u{feff}{}", "null", "{'a':1}",
  ])
  func `what is not one strict object is malformed`(body: String) {
    #expect(decode(body).early == Problem(.malformedRequest))
  }

  @Test(arguments: [
    (#"{}"#, ProblemName.missingMember),
    (#"{"number":4970105181818183}"#, .invalidMember),
    (#"{"number":["4970105181818183"]}"#, .invalidMember),
    (#"{"number":"4970105181818184"}"#, .invalidCardNumber),
    (#"{"number":"49701051818"}"#, .invalidCardNumber),
    (#"{"number":""}"#, .invalidCardNumber),
    (#"{"number":"4970  105181818183"}"#, .invalidCardNumber),
    (#"{"number":"4970105181818183 "}"#, .invalidCardNumber),
    (#"{"number":"497010518181818３"}"#, .invalidCardNumber),
    (#"{"number":"0000000000000000"}"#, .unsupportedBrand),
  ])
  func `the number comes first`(body: String, name: ProblemName) {
    // The rest of these bodies is wrong too.
    #expect(decode(body).early == Problem(name, pointer: "/number"))
  }

  @Test(arguments: [
    (#""cvc":"123","x":1"#, Problem(.sensitiveAuthenticationData, pointer: "/cvc")),
    (#""pin_block":1"#, Problem(.sensitiveAuthenticationData, pointer: "/pin_block")),
    (#""x":{"track2":"a"}"#, Problem(.sensitiveAuthenticationData)),
    (#""x":[{"cvv":"a"}]"#, Problem(.sensitiveAuthenticationData)),
    (#""x":1"#, Problem(.unknownMember)),
    (#""Number":"1""#, Problem(.unknownMember)),
    (#""exp_year":2028"#, Problem(.missingMember, pointer: "/exp_month")),
    (#""exp_month":12"#, Problem(.missingMember, pointer: "/exp_year")),
    (#""exp_month":13,"exp_year":2028"#, Problem(.invalidMember, pointer: "/exp_month")),
    (#""exp_month":0,"exp_year":2028"#, Problem(.invalidMember, pointer: "/exp_month")),
    (#""exp_month":"12","exp_year":2028"#, Problem(.invalidMember, pointer: "/exp_month")),
    (#""exp_month":1.25e1,"exp_year":2028"#, Problem(.invalidMember, pointer: "/exp_month")),
    (#""exp_month":12,"exp_year":28"#, Problem(.invalidMember, pointer: "/exp_year")),
    (#""exp_month":12,"exp_year":2100"#, Problem(.invalidMember, pointer: "/exp_year")),
    (#""exp_month":10,"exp_year":2026"#, Problem(.cardExpired)),
    (
      #""exp_month":12,"exp_year":2028,"preferred_brand":"amex""#,
      Problem(.invalidMember, pointer: "/preferred_brand")
    ),
    (
      #""exp_month":12,"exp_year":2028,"preferred_brand":1"#,
      Problem(.invalidMember, pointer: "/preferred_brand")
    ),
    (
      #""exp_month":12,"exp_year":2028,"customer":"""#,
      Problem(.invalidMember, pointer: "/customer")
    ),
    (
      #""exp_month":12,"exp_year":2028,"customer":"c-4970:1051.8181_8183""#,
      Problem(.invalidMember, pointer: "/customer")
    ),
    (
      #""exp_month":12,"exp_year":2028,"customer":"c 1""#,
      Problem(.invalidMember, pointer: "/customer")
    ),
  ])
  func `what is wrong with the rest is told late`(members: String, problem: Problem) {
    let outcome = decode(#"{"number":"4970105181818183",\#(members)}"#)
    #expect(outcome.digits == "4970105181818183")
    #expect(outcome.late == problem)
  }

  @Test(arguments: [
    "cvc", "cvv", "cvv2", "cid", "track1", "track2", "track_data", "pin", "pin_block",
  ])
  func `sensitive authentication data is refused by each of its names`(name: String) {
    let outcome = decode(#"{"number":"4970105181818183",\#(good),"\#(name)":"1"}"#)
    #expect(outcome.late == Problem(.sensitiveAuthenticationData, pointer: "/\(name)"))
  }

  @Test func `a card is good until noon of the first day after its month`() {
    let body = #"{"number":"4970105181818183","exp_month":11,"exp_year":2026}"#
    // 2026-12-01T12:00:00Z
    let end: Int64 = 1_796_126_400
    #expect(decode(body, at: end - 1).details != nil)
    #expect(decode(body, at: end).late == Problem(.cardExpired))
  }

  @Test func `the digest of a request ignores spelling, and number and security code`() throws {
    func digest(_ body: String) throws -> String {
      try #require(decode(body, key: [1]).idempotency).requestDigest.hex
    }
    let one = try digest(#"{"number":"4970105181818183","exp_month":12,"exp_year":2028}"#)
    let other = try digest(
      #"{ "exp_year" : 2028, "customer":null, "exp_month":12, "number":"4111111111111111"}"#)
    #expect(one == other)
    let third = try digest(#"{"number":"4970105181818183","exp_month":11,"exp_year":2028}"#)
    #expect(one != third)
    #expect(decode(#"{"number":"4970105181818183",\#(good)}"#).idempotency == nil)
  }

  @Test func `without a free slot there is too much to do`() throws {
    let single = try SecretPool(slots: 1, slotSize: 32)
    guard let taken = single.lease() else { return #expect(Bool(false), "no slot in a new pool") }
    let decoder = TokenizeDecoder(brands: .standard, pool: single)
    #expect(throws: Problem(.overloaded)) {
      try #"{"number":"4970105181818183",\#(good)}"#.withSpan { span in
        _ = try decoder.decode(span, key: nil, at: testTime)
      }
    }
    #expect(taken.count == 0)
  }

  @Test func `slots are returned, whatever came of the request`() {
    for body in [
      #"{"number":"4970105181818183",\#(good)}"#, #"{"number":"497010518181818x",\#(good)}"#,
      #"{"number":1}"#, "{}", "",
    ] {
      _ = decode(body)
      #expect(pool.slotsInUse == 0)
    }
  }
}
