import Testing

@testable import AcquirerGateway

/// Mistakes in templates: what is written, and what is said about it.
@Suite struct TemplateMistakeTests {
  /// A template of one operation in which a test replaces a piece.
  static let sound = """
    operations:
      authorize:
        path: /v1/payments
        headers: {Idempotency-Key: {var: payment_id}}
        body:
          amount: {var: amount.value}
          currency: {var: amount.currency}
          pan: {var: card.number}
          month: {var: card.expiry, as: mm}
          shop: {constant: merchant_id}
    answer:
      rules:
        - when: {/status: OK}
          outcome: approved
    """

  @Test func `a template without a mistake is compiled`() {
    let (template, mistakes) = Fixture.compile(TemplateMistakeTests.sound)
    #expect(mistakes == [])
    #expect(template != nil)
  }

  @Test func `an acquirer is idempotent only where its template says so`() {
    #expect(Fixture.compile(Self.sound).template?.isIdempotent == false)
    let declared = "idempotent_by: payment_id\n" + Self.sound
    #expect(Fixture.compile(declared).template?.isIdempotent == true)
    let other = "idempotent_by: reference\n" + Self.sound
    #expect(
      Fixture.compile(other).mistakes == [
        #"t.yaml:1: "idempotent_by" does not know "reference": one of payment_id"#
      ])
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let piece: String
    let replacement: String
    let said: [String]
    init(_ piece: String, _ replacement: String, _ said: String...) {
      (self.piece, self.replacement, self.said) = (piece, replacement, said)
    }
    var testDescription: String { replacement }
  }

  static let head: [Case] = [
    Case(
      "operations:", "operation:", #"t.yaml:1: "operations" is missing"#,
      #"t.yaml:1: unknown key "operation": did you mean "operations"?"#),
    Case(
      "authorize:", "authorise:",
      #"t.yaml:2: unknown operation "authorise": did you mean "authorize"?"#),
    Case(
      "path: /v1/payments", "path: v1/payments",
      #"t.yaml:3: "operations.authorize.path" expects a path, found the value "v1/payments": "#
        + "write /v1/payments, or a list of segments such as [v1, {constant: shop}, payments]"),
    Case(
      "path: /v1/payments", "path: /v1/../payments",
      #"t.yaml:3: "operations.authorize.path" expects a path, found the value "/v1/../payments": "#
        + "write /v1/payments, or a list of segments such as [v1, {constant: shop}, payments]"),
    Case(
      "path: /v1/payments", "path: [v1, a/b]",
      #"t.yaml:3: "operations.authorize.path" expects a segment of A-Z a-z 0-9 - . _ ~, "#
        + #"found the value "a/b""#),
    Case(
      "path: /v1/payments", "path: [v1, {var: card.number}]",
      #"t.yaml:3: "card.number" may not stand in the path or a header: "#
        + "only payment_id, operation and constants may"),
    Case(
      "path: /v1/payments", "path: /v1\n    method: GET",
      #"t.yaml:4: "operations.authorize.method" does not know "GET": did you mean "PUT"?"#),
    Case(
      "{Idempotency-Key: {var: payment_id}}", "{Host: a, X: {var: payment_id}}",
      #"t.yaml:4: the header "Host" is the vault's own"#),
    Case(
      "{Idempotency-Key: {var: payment_id}}", "{authorization: a, X: {var: payment_id}}",
      #"t.yaml:4: the header "authorization" is the vault's own: "#
        + #"write "authorization: basic" beside "operations""#),
    Case(
      "{Idempotency-Key: {var: payment_id}}",
      "{Accept-Encoding: \"identity, gzip\", X: {var: payment_id}}",
      #"t.yaml:4: an answer in a content coding is not read: "#
        + #"leave "Accept-Encoding" out: the vault asks for none"#),
    Case(
      "{Idempotency-Key: {var: payment_id}}", "{\"X: Y\": a, X: {var: payment_id}}",
      #"t.yaml:4: "X: Y" is not a header's name"#),
    Case(
      "{Idempotency-Key: {var: payment_id}}", #"{X: {var: payment_id}, Y: "a\r\nb"}"#,
      #"t.yaml:4: "operations.authorize.headers.Y" expects visible ASCII on one line, "#
        + "found a string"),
    Case(
      "{Idempotency-Key: {var: payment_id}}", "{X: {var: payment_id}, x: b}",
      #"t.yaml:4: the header "x" stands twice"#),
    Case(
      "{Idempotency-Key: {var: payment_id}}", "{X: {var: reference}}",
      #"t.yaml:3: the message has no "payment_id": "#
        + "without it, nobody can ask the acquirer what became of the payment",
      #"t.yaml:4: "reference" may not stand in the path or a header: "#
        + "only payment_id, operation and constants may"),
    Case(
      "headers: {Idempotency-Key: {var: payment_id}}", "",
      #"t.yaml:3: the message has no "payment_id": "#
        + "without it, nobody can ask the acquirer what became of the payment"),
  ]

  static let body: [Case] = [
    Case(
      "{var: card.number}", "{var: card.numbre}",
      #"t.yaml:3: the message has no "card.number""#,
      #"t.yaml:8: unknown variable "card.numbre": did you mean "card.number"?"#),
    Case(
      "{var: card.number}", "{var: card.number, as: integer}",
      #"t.yaml:3: the message has no "card.number""#,
      #"t.yaml:8: "card.number" cannot be written as "integer": one of string"#),
    Case(
      "{var: card.number}", "{var: card.number, as: text}",
      #"t.yaml:3: the message has no "card.number""#,
      #"t.yaml:8: "operations.authorize.body.pan.as" does not know "text": "#
        + "one of integer, string, mm, yy, yyyy, yymm, currency_numeric, amount_decimal, utc"),
    Case(
      "{var: card.number}", "{var: card.number, optional: true}",
      #"t.yaml:8: "card.number" is never absent, so it is not optional"#),
    Case(
      "{var: card.number}", "{var: card.number, maps: {}}",
      #"t.yaml:8: unknown key "operations.authorize.body.pan.maps": did you mean "map"?"#),
    Case(
      "{var: card.number}", "{var: card.number, constant: merchant_id}",
      #"t.yaml:3: the message has no "card.number""#,
      #"t.yaml:8: a placeholder has either "var", "constant", "input" or "choose""#),
    Case(
      "{var: card.number}", "[{var: card.number}, {var: card.number}]",
      #"t.yaml:8: "card.number" stands twice in the message: it is in line 8 already"#),
    Case(
      "{var: card.expiry, as: mm}", "{var: card.expiry}",
      #"t.yaml:9: "card.expiry" needs "as": one of mm, yy, yyyy, yymm"#),
    Case(
      "{var: card.expiry, as: mm}", "{var: card.preferred_brand}",
      #"t.yaml:9: "card.preferred_brand" is absent where the cardholder chose nothing: "#
        + #"add "optional: true""#),
    Case(
      "currency: {var: amount.currency}", "",
      #"t.yaml:3: "amount.currency" is not used, but comes with each "amount": "#
        + #"use it, or list it under "ignores""#),
    Case(
      "{var: amount.currency}", "{var: amount.currency, as: currency_numeric, map: {EUR: e}}",
      #"t.yaml:7: "map" says how values are written, so "as" has no place beside it"#),
    Case(
      "{constant: merchant_id}", "{var: initiator, map: {cardholdr: CIT}}",
      #"t.yaml:10: "initiator" is never "cardholdr": did you mean "cardholder"?"#),
    Case(
      "{constant: merchant_id}", "{var: reference, map: {a: b}}",
      #"t.yaml:10: "reference" cannot be translated"#),
    Case(
      "{constant: merchant_id}", "{constant: merchant_id, as: mm}",
      #"t.yaml:10: "operations.authorize.body.shop.as" does not know "mm": "#
        + "one of string, integer"),
    Case(
      "{constant: merchant_id}", "[{var: reference}, {var: reference, optional: true}]",
      #"t.yaml:10: "reference" is optional in one place and required in another: "#
        + "the other place is line 10"),
    Case(
      "{constant: merchant_id}", "",
      #"t.yaml:10: "operations.authorize.body.shop" has no value: "#
        + #"write null for a JSON null, "" for an empty string"#),
    Case(
      "{constant: merchant_id}", "007",
      #"t.yaml:10: "operations.authorize.body.shop" is neither a whole number nor a string: "#
        + #"write "007" in quotation marks"#),
    Case(
      "path: /v1/payments", "path: /v1\n    ignores: [referense, amount.value]",
      #"t.yaml:4: "operations.authorize.ignores" does not know "referense": "#
        + #"did you mean "reference"?"#,
      #"t.yaml:4: "amount.value" is ignored and used"#),
  ]

  static let answer: [Case] = [
    Case(
      "answer:", "answers:",
      #"t.yaml:3: "operations.authorize.answer" is missing: "#
        + #"write it here, or once for all operations beside "operations""#,
      #"t.yaml:11: unknown key "answers": did you mean "answer"?"#),
    Case(
      "outcome: approved", "outcome: accepted",
      #"t.yaml:14: "answer.rules.outcome" does not know "accepted": "#
        + "one of approved, pending, authenticated, challenge_required, refused, "
        + "authentication_required, rejected, unknown"),
    Case(
      "outcome: approved", "outcome: approved\n      reason: other",
      #"t.yaml:15: only a refusal has a "reason""#),
    Case(
      "outcome: approved", "outcome: refused\n      reason: no_funds",
      #"t.yaml:15: "answer.rules.reason" does not know "no_funds": one of insufficient_funds, "#
        + "limit_exceeded, do_not_honour, expired_card, lost_or_stolen, suspected_fraud, other"),
    Case(
      "{/status: OK}", "{status: 99}",
      #"t.yaml:13: "answer.rules.when.status" expects a status from 200 to 599, "#
        + #"found the value "99""#),
    Case(
      "{/status: OK}", "{statsu: OK}",
      #"t.yaml:13: "statsu" is neither "status" nor a JSON Pointer: "#
        + "write it with slashes, such as /answer/status"),
    Case(
      "{/status: OK}", "{/status: null}",
      #"t.yaml:13: "answer.rules.when./status" expects a string, a whole number, true or false, "#
        + "found nothing: write {exists: false}"),
    Case(
      "{/status: OK}", "{/status: 00}",
      #"t.yaml:13: "answer.rules.when./status" expects a string, a whole number, true or false, "#
        + #"found the value "00": write a string in quotation marks"#),
    Case(
      "outcome: approved",
      "outcome: approved\n    - when: {status: 400}\n      outcome: rejected\n"
        + "    - when: {/a: b}\n      outcome: refused",
      "t.yaml:17: a rule on the body stands after one on the status alone: "
        + "put it before, since what the body says decides first"),
    Case(
      "answer:", "answer:\n  code: {field: /code, pattern: \".*\"}",
      #"t.yaml:12: "answer.code.pattern" is not a pattern: "#
        + "write one class and a count, such as [A-Za-z0-9-]{1,36}"),
    Case(
      "answer:", "answer:\n  code: {field: code, pattern: \"[0-9]{2}\"}",
      #"t.yaml:12: "answer.code.field" is not a JSON Pointer: "#
        + "write it with slashes, such as /answer/status"),
    Case(
      "answer:", "answer:\n  fields: {Bad-Name: {field: /code, pattern: \"[0-9]{2}\"}}",
      #"t.yaml:12: "Bad-Name" is not a field's name: use a-z 0-9 _"#),
  ]

  @Test(arguments: head + body + answer)
  func `a mistake is said with its line`(_ mistake: Case) throws {
    let sound = TemplateMistakeTests.sound
    #expect(sound.contains(mistake.piece))
    let text = sound.replacing(mistake.piece, with: mistake.replacement, maxReplacements: 1)
    let (template, said) = Fixture.compile(text)
    #expect(said == mistake.said)
    #expect(template == nil)
  }

  @Test func `all mistakes are said at once`() {
    let (_, said) = Fixture.compile(
      """
      operations:
        authorize:
          path: nowhere
          body: {pan: {var: card.pan}, year: {var: card.expiry}}
      answer: {rules: [{when: {}, outcome: maybe}]}
      """)
    #expect(said.count == 7)
  }
}
