import Cards
import Testing
import Tokenization
import VaultCore

@testable import AcquirerGateway

/// A value that depends on several members of the request.
@Suite struct ChoiceTests {
  static let template = """
    inputs:
      flow: {words: [challenge, frictionless]}
      kept: {type: boolean, required: true}
      zone: {type: integer}
    operations:
      authorize:
        path: /pay
        ignores: [stored_credential.use]
        body:
          id: {var: payment_id}
          pan: {var: card.number}
          zone: {input: zone}
          who:
            choose:
              - when: {initiator: cardholder, stored_credential.sequence: subsequent}
                value: KEPT
              - when: {initiator: cardholder}
                value: 1
              - when: {initiator: merchant}
              - when: {stored_credential.sequence: first}
          proof:
            type: 3DS
            flow: {choose: [{when: {inputs.flow: [challenge], inputs.kept: true}, value: C}]}
      verify:
        path: /verify
        ignores: [stored_credential.sequence]
        body:
          id: {var: payment_id}
          pan: {var: card.number}
          use: {choose: [{when: {stored_credential.use: recurring}, value: R}]}
    answer:
      rules: [{when: {status: 200}, outcome: approved}]
    """

  private func payment(
    _ initiator: Initiator?, _ sequence: StoredCredential.Sequence? = nil,
    _ inputs: KeyValuePairs<String, PaymentInput.Value> = ["kept": .boolean(true)]
  ) throws -> Payment {
    try Fixture.payment(
      amount: nil, reference: nil, initiator: initiator,
      storedCredential: sequence.map { Fixture.stored(.recurring, $0) }, inputs: inputs)
  }

  private func body(_ payment: Payment) throws -> String {
    let operation = try Fixture.operation(Self.template)
    #expect(operation.check(payment) == nil)
    let text = Fixture.rendered(Fixture.message(operation, payment, try Fixture.card())).body
    let start = #"{"id":"\#(Fixture.identifier.text)","pan":"4970105181818183""#
    #expect(text.hasPrefix(start))
    return String(text.dropFirst(start.count))
  }

  @Test func `the first branch that holds says what is written`() throws {
    #expect(try body(payment(.cardholder, .subsequent)) == #","who":"KEPT"}"#)
    #expect(try body(payment(.cardholder, .first)) == #","who":1}"#)
    #expect(try body(payment(.cardholder)) == #","who":1}"#)
  }

  @Test func `a branch without a value, and no branch at all, write nothing`() throws {
    #expect(try body(payment(.merchant)) == "}")
    #expect(try body(payment(nil)) == "}")
    #expect(try body(payment(nil, .first)) == "}")
  }

  @Test func `an object is there with its literals where something is chosen`() throws {
    let challenge = try payment(nil, nil, ["flow": .text("challenge"), "kept": .boolean(true)])
    #expect(try body(challenge) == #","proof":{"type":"3DS","flow":"C"}}"#)
  }

  @Test func `a value that no branch names is refused`() throws {
    let operation = try Fixture.operation(Self.template)
    #expect(operation.check(try payment(.moto))?.pointer == "/initiator")
    #expect(operation.check(try payment(.moto))?.name == .invalidMember)
    let flow = try payment(nil, nil, ["kept": .boolean(true), "flow": .text("frictionless")])
    #expect(operation.check(flow)?.pointer == "/inputs/flow")
    #expect(
      operation.check(try payment(nil, nil, ["kept": .boolean(false)]))?.pointer == "/inputs/kept")
  }

  @Test func `what a choice asks for counts as used, and as required where it is`() throws {
    let operation = try Fixture.operation(Self.template)
    #expect(
      operation.check(try payment(nil, nil, [:]))
        == Problem(.missingMember, pointer: "/inputs/kept"))
    let verify = try Fixture.operation(Self.template, .verify)
    let stored = try Fixture.payment(
      .verify, amount: nil, reference: nil, storedCredential: Fixture.stored(.recurring, .first))
    #expect(verify.check(stored) == nil)
    let other = try Fixture.payment(
      .verify, amount: nil, reference: nil, storedCredential: Fixture.stored(.installment, .first))
    #expect(verify.check(other)?.pointer == "/stored_credential/use")
  }

  @Test(arguments: [
    (
      "{initiator: merchant}", "{initiator: merchants}",
      #"t.yaml:19: "initiator" is never "merchants": did you mean "merchant"?"#
    ),
    (
      "{initiator: merchant}", "{card.number: x}",
      #""card.number" has no closed set of values to choose by"#
    ),
    (
      "{initiator: merchant}", "{inputs.zone: 1}",
      #""inputs.zone" has no closed set of values to choose by"#
    ),
    ("{initiator: merchant}", "{}", #"body.who.choose.when" asks for nothing"#),
    (
      "choose: [{when: {stored_credential.use: recurring}, value: R}]", "choose: {}",
      #""operations.verify.body.use.choose" expects a list, found a mapping"#
    ),
    (
      "{choose: [{when: {stored_credential.use: recurring}, value: R}]}",
      "{var: stored_credential.use, choose: [{when: {initiator: merchant}}]}",
      #"a placeholder has either "var", "constant", "input" or "choose""#
    ),
    (
      "ignores: [stored_credential.sequence]", "ignores: []",
      #""stored_credential.sequence" is not used, but comes with each "stored_credential""#
    ),
    (
      "ignores: [stored_credential.sequence]",
      "ignores: [stored_credential.sequence, stored_credential.use]",
      #""stored_credential.use" is ignored and used"#
    ),
  ])
  func `a mistake is told`(piece: String, wrong: String, said: String) {
    let (template, mistakes) = Fixture.compile(Self.template.replacing(piece, with: wrong))
    #expect(template == nil)
    #expect(mistakes.contains { $0.contains(said) }, "\(mistakes)")
  }
}
