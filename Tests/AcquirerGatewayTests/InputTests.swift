import Bytes
import Cards
import Testing
import Tokenization
import VaultCore

@testable import AcquirerGateway

/// What a template declares beyond the vault's own list, and what becomes of it in a message.
@Suite struct InputTests {
  static let template = """
    inputs:
      email: {longest: 30, required: true}
      country: {pattern: "[A-Z]{2}"}
      capture: {words: [auto, manual]}
      zone: {type: integer, least: -1440, greatest: 1440}
      script: {type: boolean}
    operations:
      authorize:
        path: /pay
        body:
          id: {var: payment_id}
          pan: {var: card.number}
          shopper: {email: {input: email}, country: {input: country}}
          delay: {input: capture, map: {auto: 0, manual: null}}
          browser: {zone: {input: zone}, zoneText: {input: zone, as: string}, js: {input: script}}
      verify:
        path: /verify
        ignores: [inputs.country]
        body: {id: {var: payment_id}, pan: {var: card.number}}
    answer:
      rules: [{when: {status: 200}, outcome: approved}]
    """

  private func payment(
    _ operation: PaymentOperation = .authorize, _ inputs: [(String?, PaymentInput.Value)]
  ) throws -> Payment {
    Payment(
      operation: operation, amount: nil, reference: nil, securityCode: nil, initiator: nil,
      storedCredential: nil, threeDSecure: nil, scaExemption: nil,
      inputs: inputs.map { PaymentInput(name: $0.0, value: $0.1) })
  }

  private func body(_ inputs: [(String?, PaymentInput.Value)]) throws -> String {
    let template = try Fixture.operation(InputTests.template)
    let payment = try payment(.authorize, inputs)
    #expect(template.check(payment) == nil)
    return Fixture.rendered(Fixture.message(template, payment, try Fixture.card())).body
  }

  @Test func `an input stands as a whole value where the template puts it`() throws {
    let text = try body([
      ("email", .text(#"a"},{"x\@b.example"#)), ("country", .text("FR")), ("zone", .integer(-60)),
      ("capture", .text("auto")), ("script", .boolean(true)),
    ])
    #expect(
      text == #"{"id":"\#(Fixture.identifier.text)","pan":"4970105181818183","#
        + #""shopper":{"email":"a\"},{\"x\\@b.example","country":"FR"},"delay":0,"#
        + #""browser":{"zone":-60,"zoneText":"-60","js":true}}"#)
  }

  @Test func `what is absent is left out with the object that has nothing else`() throws {
    #expect(
      try body([("email", .text("a@b.example"))]) == #"{"id":"\#(Fixture.identifier.text)","#
        + #""pan":"4970105181818183","shopper":{"email":"a@b.example"}}"#)
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let name: String?
    let value: PaymentInput.Value
    let problem: ProblemName
    let pointer: String
    var testDescription: String { "\(name ?? "-") \(value)" }
  }

  @Test(arguments: [
    Case(name: "phone", value: .text("1"), problem: .unknownMember, pointer: "/inputs/phone"),
    Case(name: nil, value: .unfit, problem: .unknownMember, pointer: "/inputs"),
    Case(name: "email", value: .unfit, problem: .invalidMember, pointer: "/inputs/email"),
    Case(name: "email", value: .text(""), problem: .invalidMember, pointer: "/inputs/email"),
    Case(
      name: "email", value: .text(String(repeating: "é", count: 31)), problem: .invalidMember,
      pointer: "/inputs/email"),
    Case(name: "email", value: .integer(1), problem: .invalidMember, pointer: "/inputs/email"),
    Case(name: "country", value: .text("fr"), problem: .invalidMember, pointer: "/inputs/country"),
    Case(
      name: "capture", value: .text("AUTO"), problem: .invalidMember, pointer: "/inputs/capture"),
    Case(name: "zone", value: .integer(1441), problem: .invalidMember, pointer: "/inputs/zone"),
    Case(name: "zone", value: .text("60"), problem: .invalidMember, pointer: "/inputs/zone"),
    Case(name: "script", value: .text("true"), problem: .invalidMember, pointer: "/inputs/script"),
    Case(
      name: "capture", value: .text("manual"), problem: .missingMember, pointer: "/inputs/email"),
  ])
  func `an input that is not as declared is told by its pointer`(_ wrong: Case) throws {
    let template = try Fixture.operation(InputTests.template)
    let problem = template.check(try payment(.authorize, [(wrong.name, wrong.value)]))
    #expect(problem?.name == wrong.problem)
    #expect(problem?.pointer == wrong.pointer)
  }

  @Test func `an operation takes what it uses and what it ignores`() throws {
    let verify = try Fixture.operation(InputTests.template, .verify)
    #expect(verify.check(try payment(.verify, [("country", .text("FR"))])) == nil)
    #expect(
      verify.check(try payment(.verify, [("country", .unfit)]))
        == Problem(.invalidMember, pointer: "/inputs/country"))
    #expect(
      verify.check(try payment(.verify, [("email", .text("a@b.example"))]))
        == Problem(.unknownMember, pointer: "/inputs/email"))
  }

  @Test(arguments: [
    (
      "email: {longest: 30, required: true}", "email_12345678: {longest: 30}",
      #"t.yaml:2: "email_12345678" is not an input's name: use 1 to 32 of a-z 0-9 _, "#
        + "fewer than eight digits in a row"
    ),
    (
      "email: {longest: 30, required: true}", "email: {}",
      #"t.yaml:2: "inputs.email.longest" is missing: "#
        + #"say how many characters the text may have, or give "pattern" or "words""#
    ),
    (
      "email: {longest: 30, required: true}", "email: {longest: 30, type: date}",
      #"t.yaml:2: "inputs.email.type" does not know "date": one of text, integer, boolean"#
    ),
    (
      "{input: country}", "{input: county}",
      #"t.yaml:13: "inputs" does not declare "county": did you mean "country"?"#
    ),
    (
      "{input: country}", "{input: country, map: {FR: FRA}}",
      #"t.yaml:13: "country" cannot be translated"#
    ),
    (
      "manual: null", "later: null",
      #"t.yaml:14: "capture" is never "later": one of auto, manual"#
    ),
    (
      "script: {type: boolean}", "script: {type: boolean}\n  spare: {longest: 3}",
      #"t.yaml:1: no operation uses the input "spare": write {input: spare} where it goes, "#
        + "or remove it"
    ),
  ])
  func `a mistake in an input is told with its line`(piece: String, wrong: String, said: String) {
    let (template, mistakes) = Fixture.compile(InputTests.template.replacing(piece, with: wrong))
    #expect(template == nil)
    #expect(mistakes.contains(said), "\(mistakes)")
  }
}
