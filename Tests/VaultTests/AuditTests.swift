import AuditLog
import Cards
import Ledgers
import Storage
import Testing
import Tokenization
import VaultCore
import VaultManagement

/// What the audit log says of each operation: every member, and nothing else.
@Suite(.timeLimit(.minutes(30))) struct AuditTests {
  private let house: TestVault

  init() throws { house = try TestVault() }

  /// An entry of the shop.
  private func shop(
    _ operation: String, _ token: Token?, acquirer: String? = nil, payment: String? = nil,
    _ outcome: String, reason: String? = nil
  ) -> String {
    var entry = "{\"actor\":\"spiffe://shop.example/checkout\",\"operation\":\"\(operation)\""
    entry += ",\"merchant\":\"shop\""
    if let token { entry += ",\"token\":\"\(token.text)\"" }
    if let acquirer { entry += ",\"acquirer\":\"\(acquirer)\"" }
    if let payment { entry += ",\"payment_id\":\"\(payment)\"" }
    entry += ",\"outcome\":\"\(outcome)\""
    if let reason { entry += ",\"reason\":\"\(reason)\"" }
    return entry + ",\"request_id\":\"req-1\"}"
  }

  /// That these are the entries, and that the log proves to be whole.
  private func expect(
    _ expected: [String], sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    #expect(try house.entries() == expected, sourceLocation: sourceLocation)
    #expect(try house.auditFinding() == nil, sourceLocation: sourceLocation)
  }

  @Test func `a line has sequence and time before what happened`() async throws {
    let token = try await house.token(of: Number.visa)
    let line = try #require(try house.lines().first)
    #expect(
      line == """
        {"seq":0,"time":"2026-11-23T18:43:25.000Z","actor":"spiffe://shop.example/checkout",\
        "operation":"tokenize","merchant":"shop","token":"\(token.text)","outcome":"created",\
        "request_id":"req-1"}
        """)
  }

  @Test func `tokenize is created, existing, replayed or refused`() async throws {
    let token = try await house.tokenize(Number.visa, key: "k").value.token
    _ = try await house.tokenize(Number.visa).value
    _ = try await house.tokenize(Number.visa, key: "k").value
    _ = try await house.tokenize(Number.other, key: "k").value
    _ = try await house.tokenize(Number.other, wrong: Problem(.cardExpired)).value
    try expect([
      shop("tokenize", token, "created"), shop("tokenize", token, "existing"),
      shop("tokenize", token, "replayed"),
      shop("tokenize", nil, "refused", reason: "idempotency-key-reused"),
      shop("tokenize", nil, "refused", reason: "card-expired"),
    ])
  }

  @Test func `a payment has an intent and an outcome, and a replay has one entry`() async throws {
    let token = try await house.token(of: Number.visa)
    let answer = try await house.push(token).value
    _ = try await house.push(token).value
    let payment = try #require(answer.string("payment_id"))
    let bank = "credit-du-nord"
    try expect([
      shop("tokenize", token, "created"),
      shop("detokenize", token, acquirer: bank, payment: payment, "intent"),
      shop("detokenize", token, acquirer: bank, payment: payment, "approved"),
      shop("detokenize", token, acquirer: bank, payment: payment, "replayed"),
    ])
  }

  @Test(arguments: [
    (
      AcquirerOutcome.answered(PaymentAnswer(outcome: .refused, reason: .doNotHonour)), "refused",
      "do_not_honour" as String?
    ),
    (.answered(PaymentAnswer(outcome: .authenticationRequired)), "authentication_required", nil),
    (
      .answered(PaymentAnswer(outcome: .approved, heldCardNumber: true)), "approved",
      "card-number-in-answer"
    ),
    (.notSent(cause: "connect"), "not_sent", "connect"), (.rejected(code: "30"), "rejected", nil),
    (.rejected(code: nil, heldCardNumber: true), "rejected", "card-number-in-answer"),
    (.unknown(cause: "timeout"), "unknown", "timeout"),
  ])
  func `an outcome says what came of the payment`(
    _ outcome: AcquirerOutcome, _ word: String, _ reason: String?
  ) async throws {
    let token = try await house.token(of: Number.visa)
    house.transport.answer(outcome)
    _ = try await house.push(token).value
    let payment = try #require(house.transport.sent.first?.payment.text)
    // A card number in an answer raises an alarm too.
    #expect(
      try house.entries().last { $0.contains("\"operation\":\"detokenize\"") }
        == shop(
          "detokenize", token, acquirer: "credit-du-nord", payment: payment, word, reason: reason))
    #expect(try house.auditFinding() == nil)
  }

  @Test func `a refused payment names its reason`() async throws {
    let token = try await house.token(of: Number.visa)
    _ = try await house.push(token, to: "stranger-bank").value
    _ = try await house.push(token, currency: "JPY").value
    try expect([
      shop("tokenize", token, "created"),
      shop("detokenize", token, "refused", reason: "acquirer-not-permitted"),
      shop(
        "detokenize", token, acquirer: "credit-du-nord", "refused", reason: "unsupported-currency"),
    ])
  }

  @Test func `a pull names acquirer and merchant, and a refused one the acquirer`() async throws {
    let token = try await house.token(of: Number.visa)
    _ = try await house.pull(token).value
    _ = try await house.pull(token, as: "stranger-bank").value
    func bank(_ name: String, _ rest: String) -> String {
      """
      {"actor":"spiffe://\(name).example/authorization","operation":"detokenize",\(rest),\
      "request_id":"req-1"}
      """
    }
    try expect([
      shop("tokenize", token, "created"),
      bank(
        "credit-du-nord",
        """
        "merchant":"shop","token":"\(token.text)","acquirer":"credit-du-nord","outcome":"released"
        """),
      bank(
        "stranger-bank",
        """
        "token":"\(token.text)","acquirer":"stranger-bank","outcome":"refused",\
        "reason":"token-not-found"
        """),
    ])
  }

  @Test func `delete is deleted or refused`() async throws {
    let token = try await house.token(of: Number.visa)
    _ = try await house.delete(token).value
    _ = try await house.delete(token).value
    _ = try await house.delete(nil).value
    try expect([
      shop("tokenize", token, "created"), shop("delete", token, "deleted"),
      shop("delete", token, "refused", reason: "token-not-found"),
      shop("delete", nil, "refused", reason: "token-not-found"),
    ])
  }

  @Test func `what the edge refuses is written before it is told`() async throws {
    let quota = Problem(.quotaExceeded, retryAfterSeconds: 7)
    let answer = try await house.refuse(quota).value
    #expect(answer.status == 429)
    #expect(answer.retryAfterSeconds == 7)
    _ = try await house.refuse(Problem(.malformedRequest), operation: nil).value
    try expect([
      shop("tokenize", nil, "refused", reason: "quota-exceeded"),
      shop("request", nil, "refused", reason: "malformed-request"),
    ])
  }

  @Test func `what tells of the service alone is not written`() async throws {
    let answer = try await house.refuse(Problem(.sealed)).value
    #expect(answer.status == 503)
    #expect(answer.retryAfterSeconds == 1)
    try expect([])
  }

  @Test func `a client's refusals past sixty in a minute become one counted entry`() async throws {
    for _ in 0..<50 { _ = try await house.delete(nil).value }
    for _ in 0..<25 { _ = try await house.refuse(Problem(.quotaExceeded)).value }
    #expect(try await house.delete(nil, as: "other-shop").value.status == 404)
    try house.vault.tick()
    try house.settle()
    #expect(try house.entries().count == 61, "sixty of one client and one of the other")
    house.time.pass(seconds: 60)
    try house.vault.tick()
    try house.vault.tick()
    try house.settle()
    let entries = try house.entries()
    #expect(entries.count == 62)
    #expect(
      entries.last == """
        {"actor":"spiffe://shop.example/checkout","operation":"refusals","outcome":"counted",\
        "reason":"15"}
        """)
    #expect(try house.auditFinding() == nil)
  }

  @Test func `what users are refused past sixty in a minute becomes a counted entry too`() throws {
    func refuse(_ actor: String) throws {
      try house.vault.vault.recordRefusal(
        AuditEntry(
          actor: AuditActor(actor), operation: .status, outcome: .refused, reason: "not-permitted"))
    }
    for _ in 0..<75 { try refuse("user:bob") }
    try refuse("user:eve")
    #expect(try house.entries().count == 61)
    house.time.pass(seconds: 60)
    try house.vault.tick()
    try house.settle()
    #expect(
      try house.entries().dropFirst(61) == [
        "{\"actor\":\"user:bob\",\"operation\":\"user.refusals\",\"outcome\":\"counted\",\"reason\":\"15\"}"
      ])
    for _ in 0..<62 { try refuse("user:bob") }
    try house.reopen()
    #expect(try house.entries().last?.contains("\"counted\",\"reason\":\"2\"") == true)
  }

  @Test func `refusals that are counted when the vault is closed are written`() async throws {
    for _ in 0..<63 { _ = try await house.delete(nil).value }
    try house.reopen()
    let entries = try house.entries()
    #expect(entries.count == 61)
    #expect(entries.last?.contains("\"counted\",\"reason\":\"3\"") == true)
  }

  @Test func `a clock that goes backwards is noted and stops nothing`() async throws {
    _ = try await house.token(of: Number.visa)
    house.time.milliseconds -= 3_600_000
    let token = try await house.token(of: Number.other)
    let entries = try house.entries()
    #expect(entries.count == 3)
    #expect(
      entries[1] == "{\"actor\":\"system\",\"operation\":\"clock\",\"outcome\":\"backwards\"}")
    #expect(entries[2] == shop("tokenize", token, "created"))
    #expect(try house.auditFinding() == nil)
  }

  @Test func `what an operator does is written when record returns`() async throws {
    try house.vault.record(
      AuditEntry(actor: "user:ada", operation: .keysStatus, outcome: .done))
    try expect(["{\"actor\":\"user:ada\",\"operation\":\"keys.status\",\"outcome\":\"done\"}"])
  }

  @Test func `the log goes on after a restart and proves to be whole`() async throws {
    for round in 0..<3 {
      _ = try await house.token(of: Number.visa, as: "plain-shop")
      if round == 1 { try house.crash() } else { try house.close() }
      try house.open()
    }
    // What the crash left without a checkpoint is noted at the next start.
    let lines = try house.lines()
    #expect(lines.count == 4)
    #expect(lines[2].contains("\"outcome\":\"uncovered\",\"reason\":\"from=1 to=2\""))
    #expect(try house.auditFinding() == nil)
  }
}
