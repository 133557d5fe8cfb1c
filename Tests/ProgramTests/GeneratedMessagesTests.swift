import Bytes
import Cards
import ConfigurationReading
import NIOCore
import SecretMemory
import Testing
import VaultCore

@testable import AcquirerGateway
@testable import Tokenization
@testable import VaultServer
@testable import cadenas_dev

/// Thousands of hostile inputs and answers, made and judged by a program in another language: nothing
/// breaks out of its place in a message, and no digits of a card come back.
@Suite struct GeneratedMessagesTests {
  private static let count = 10_000
  private static let number = "4970105181818183"
  private static let template = """
    inputs:
      note: {longest: 200, required: true}
      order: {type: integer, least: 0, greatest: 9007199254740991}
      mode: {words: [auto, manual]}
      zone: {type: integer, least: -1440, greatest: 1440}
      script: {type: boolean}
    operations:
      authorize:
        path: [pay, {var: payment_id}]
        ignores:
          - amount.value
          - amount.currency
          - three_ds.version
          - three_ds.trans_status
          - three_ds.cavv
          - three_ds.exemption
        body:
          id: ID
          pan: {var: card.number}
          shopper: {note: {input: note}, order: {input: order}}
          mode: {input: mode, map: {auto: 0, manual: null}}
          zone: {input: zone}
          script: {input: script}
      authenticate:
        path: [auth, {var: payment_id}]
        body: {pan: {var: card.number}}
    answer:
      rules:
        - when: {/status: AUTHENTICATED}
          outcome: authenticated
        - when: {/status: CHALLENGE}
          outcome: challenge_required
        - when: {/status: APPROVED}
          outcome: approved
        - when: {/status: DECLINED}
          outcome: refused
          reason: other
        - when: {/status: LATER}
          outcome: pending
      code: {field: /code, pattern: "[ -Z_a-z{}]{1,128}"}
      transaction_id: {field: /id, pattern: "[ -Z_a-z{}]{1,128}"}
      network_transaction_id: {field: /network, pattern: "[ -Z_a-z{}]{1,128}"}
      approved_amount: {field: /amount, as: amount_decimal}
      three_ds: {version: /version, trans_status: /state, cavv: /cavv, exemption: /exemption}
      challenge: {acs_url: /url, creq: /creq, three_ds_server_transaction_id: /transaction}
      fields: {auth: {field: /auth, pattern: "[ -Z_a-z{}]{1,128}"}}
    """

  private let pool = Result { try SecretPool(slots: 16, slotSize: 32) }

  private func operation(_ operation: PaymentOperation) throws -> OperationTemplate {
    let diagnostics = Diagnostics()
    let tree = ConfigurationTree.parse(Array(Self.template.utf8), file: "t.yaml", diagnostics)
    let template = tree.flatMap { TemplateCompiler.compile($0, directory: "/", diagnostics) }
    #expect(diagnostics.all.map(\.description) == [])
    return try #require(template?.operations[operation])
  }

  private func card() throws -> ReleasedCard {
    guard let slot = try pool.get().lease() else { throw Stage.Failed("no secret memory is left") }
    let pan = try PAN.parse(Array(Self.number.utf8).rawSpan, into: slot)
    return ReleasedCard(
      StoredCard(pan: pan, expiry: try Expiry(month: 12, year: 2035), preferredBrand: nil))
  }

  private var identifier: PaymentIdentifier {
    PaymentIdentifier(UUIDv7(milliseconds: 1_795_459_405_000, counter: 7, random: 99))
  }

  /// What a line of requests becomes: the body of the message, or the problem.
  private func sent(_ request: String, _ operation: OperationTemplate) throws -> String {
    let decoder = PushDecoder(brands: .standard, pool: try pool.get())
    let bytes = Array(request.utf8)
    let push = try decoder.decode(bytes.rawSpan, token: nil, key: [1])
    let payment: Payment
    do {
      payment = try push.payment.get()
    } catch {
      return "refused \(error.name.rawValue)"
    }
    if let problem = operation.check(payment) { return "refused \(problem.name.rawValue)" }
    let message = Message(
      template: operation, payment: payment, card: try card(), identifier: identifier,
      constants: [:], authority: "bank.example", basePath: "", authorization: nil,
      nowMilliseconds: 0)
    let text = String(buffer: message.rendered(ByteBufferAllocator()))
    return String(text[try #require(text.firstRange(of: "\r\n\r\n")).upperBound...])
  }

  /// What a shop is told of a line of answers.
  private func told(_ answer: String, _ operation: OperationTemplate) -> String {
    let reader = AnswerReader(
      rules: operation.answer, requestedAmount: 4990, decimals: 2, operation: operation.operation)
    let outcome = reader.outcome(
      status: 200, body: Array(answer.utf8).rawSpan, cardNumber: Array(Self.number.utf8).rawSpan)
    guard case .answered(let answer) = outcome else { return "{}" }
    let told = Answer.payment(answer, identifier: identifier, acquirer: "bank")
    return String(decoding: told.body, as: UTF8.self)
  }

  private func judge(
    _ kind: String, _ files: String, _ transform: (String) throws -> String
  ) throws -> String {
    let program = try OutsideProgram.command("acquirer_messages.py")
    var verdict = ""
    try withScratchDirectory { directory in
      let runner = try CommandLineRunner(directory: directory)
      try runner.succeed("\(program) \(kind) \(Self.count) 20261130 > made", as: .test)
      let made = try DevelopmentFiles.readText("\(directory)/made")
      let lines = try made.split(separator: "\n").map { try transform(String($0)) }
      #expect(lines.count == Self.count)
      try DevelopmentFiles.write(
        Array((lines.joined(separator: "\n") + "\n").utf8), to: "\(directory)/became")
      verdict = try runner.succeed("\(program) judge-\(kind) \(files)", as: .test)
    }
    return verdict
  }

  @Test func noInputBreaksOutOfItsPlace() throws {
    let operation = try operation(.authorize)
    let verdict = try judge("inputs", "made became") { try sent($0, operation) }
    let counts = verdict.split(separator: " ").compactMap { Int($0) }
    #expect(counts.count == 2 && counts.allSatisfy { $0 > 1_000 }, "\(verdict)")
  }

  @Test func noDigitsOfTheCardComeBack() throws {
    let (payment, authentication) = (try operation(.authorize), try operation(.authenticate))
    let verdict = try judge("answers", "became") { answer in
      told(answer, answer.contains(#""version""#) ? authentication : payment)
    }
    for outcome in ["approved", "pending", "authenticated", "challenge_required"] {
      #expect(verdict.contains(outcome), "\(verdict)")
    }
  }
}
