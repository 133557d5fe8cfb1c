import Cards
import Ledgers
import Storage
import Testing
import Tokenization
import VaultCore
import VaultManagement

@Suite(.timeLimit(.minutes(30))) struct PushTests {
  private let house: TestVault

  init() throws { house = try TestVault() }

  private let problemOfForm = Problem(.invalidMember, pointer: "/reference")

  @Test func `an approved payment is answered with what the acquirer said`() async throws {
    let token = try await house.token(of: Number.visa)
    house.transport.answer(
      .answered(
        PaymentAnswer(
          outcome: .approved, code: "00", transactionIdentifier: "T1",
          networkTransactionIdentifier: "N1", approvedAmount: 2_495,
          fields: [.init(name: "avs", value: "Y")])))
    let answer = try await house.push(token).value
    let sent = house.transport.sent
    #expect(answer.status == 200)
    #expect(sent.count == 1)
    #expect(sent.first?.acquirer == "credit-du-nord")
    #expect(sent.first?.merchant == "shop")
    #expect(sent.first?.last4 == "1111")
    #expect(
      answer.text == """
        {"payment_id":"\(sent.first?.payment.text ?? "")","outcome":"approved",\
        "acquirer":"credit-du-nord","code":"00","reason":null,"transaction_id":"T1",\
        "network_transaction_id":"N1","approved_amount":2495,"captured":null,"fields":{"avs":"Y"}}
        """)
  }

  @Test func `a replay gives the first answer and sends nothing`() async throws {
    let token = try await house.token(of: Number.visa)
    let first = try await house.push(token).value
    let second = try await house.push(token).value
    #expect(second == first)
    #expect(house.transport.sent.count == 1)
    try house.reopen()
    #expect(try await house.push(token).value == first)
    #expect(house.transport.sent.count == 1)
  }

  @Test func `a replay gives the first answer after the card was deleted`() async throws {
    let token = try await house.token(of: Number.visa)
    let first = try await house.push(token).value
    _ = try await house.delete(token).value
    #expect(try await house.push(token).value == first)
    #expect(try await house.push(token, key: "key-2").value.problem == "token-not-found")
  }

  @Test func `the same key with another request is refused`() async throws {
    let token = try await house.token(of: Number.visa)
    _ = try await house.push(token).value
    let answer = try await house.push(token, amount: 1).value
    #expect(answer.status == 422)
    #expect(answer.problem == "idempotency-key-reused")
    #expect(house.transport.sent.count == 1)
  }

  @Test func `while the first request runs the second is told so`() async throws {
    let token = try await house.token(of: Number.visa)
    house.transport.hold()
    let first = try house.push(token)
    await house.transport.waitForArrival()
    #expect(try house.vault.paymentsInFlight == 1)
    let second = try await house.push(token).value
    #expect(second.status == 409)
    #expect(second.problem == "request-in-progress")
    house.transport.release(.answered(PaymentAnswer(outcome: .approved)))
    let answer = await first.value
    #expect(answer.status == 200)
    #expect(try await house.push(token).value == answer)
    #expect(house.transport.sent.count == 1)
    #expect(try house.vault.paymentsInFlight == 0)
  }

  @Test func `a payment that was certainly not sent frees its key`() async throws {
    let token = try await house.token(of: Number.visa)
    house.transport.answer(.notSent(cause: "connect"))
    let first = try await house.push(token).value
    #expect(first.status == 502)
    #expect(first.problem == "acquirer-unreachable")
    let second = try await house.push(token, amount: 1).value
    #expect(second.status == 200)
    #expect(house.transport.sent.count == 2)
  }

  @Test func `a request that was refused for its meaning frees its key`() async throws {
    let token = try await house.token(of: Number.visa)
    let first = try await house.push(token, wrong: problemOfForm).value
    #expect(first.status == 422)
    #expect(first.string("pointer") == "/reference")
    #expect(try await house.push(token, amount: 1).value.status == 200)
  }

  @Test func `a rejection by the acquirer keeps its key`() async throws {
    let token = try await house.token(of: Number.visa)
    house.transport.answer(.rejected(code: "30"))
    let first = try await house.push(token).value
    #expect(first.status == 502)
    #expect(first.problem == "acquirer-rejected-request")
    #expect(first.string("payment_id") == house.transport.sent.first?.payment.text)
    #expect(try await house.push(token).value == first)
    #expect(try await house.push(token, amount: 1).value.problem == "idempotency-key-reused")
    #expect(house.transport.sent.count == 1)
  }

  @Test func `an unknown outcome keeps its key and names the payment`() async throws {
    let token = try await house.token(of: Number.visa)
    house.transport.answer(.unknown(cause: "timeout"))
    let first = try await house.push(token).value
    #expect(first.status == 504)
    #expect(first.problem == "outcome-unknown")
    #expect(first.string("payment_id") == house.transport.sent.first?.payment.text)
    #expect(try await house.push(token).value == first)
    #expect(house.transport.sent.count == 1)
  }

  @Test func `an answer without a decision says to the log what it does not tell`() async throws {
    let token = try await house.token(of: Number.visa)
    let refused = SystemError(number: 111, words: "Connection refused")
    house.transport.answer(
      .notSent(cause: "connect-failed", error: refused), .unknown(cause: "not-json"),
      .answered(PaymentAnswer(outcome: .refused)))
    let notSent = try await house.push(token).value
    #expect(
      notSent.failure
        == PaymentFailure(
          acquirer: "credit-du-nord", paymentIdentifier: notSent.string("payment_id") ?? "",
          cause: "connect-failed", systemError: refused))
    #expect(!String(decoding: notSent.body, as: UTF8.self).contains("refused"))
    let unknown = try await house.push(token).value
    #expect(unknown.failure?.cause == "not-json")
    let replayed = try await house.push(token).value
    #expect(replayed == unknown)
    #expect(replayed.failure?.cause == "replayed")
    #expect(replayed.failure?.paymentIdentifier == unknown.string("payment_id"))
    #expect(try await house.push(token, amount: 1, key: "other").value.failure == nil)
  }

  @Test func `a key is free again after a day`() async throws {
    let token = try await house.token(of: Number.visa)
    _ = try await house.push(token).value
    house.time.pass(seconds: 86_399)
    #expect(try await house.push(token, amount: 1).value.problem == "idempotency-key-reused")
    house.time.pass(seconds: 1)
    #expect(try await house.push(token, amount: 1).value.status == 200)
  }

  @Test func `a payment still runs when a clock jumps over the end of its key`() async throws {
    let token = try await house.token(of: Number.visa)
    house.transport.hold()
    let first = try house.push(token)
    await house.transport.waitForArrival()
    house.time.pass(seconds: 90_000)
    try house.vault.tick()
    #expect(try await house.push(token).value.problem == "request-in-progress")
    house.transport.release(.answered(PaymentAnswer(outcome: .approved)))
    #expect(await first.value.status == 200)
    #expect(house.transport.sent.count == 1)
  }

  @Test func `without a place nothing is begun, and the key is free`() async throws {
    let token = try await house.token(of: Number.visa)
    house.transport.limit(toPlaces: 0)
    let entries = try house.entries()
    let refused = try await house.push(token).value
    #expect(refused.status == 503 && refused.problem == "overloaded")
    #expect(refused.retryAfterSeconds == 1)
    #expect(try house.entries() == entries)
    #expect(try house.vault.paymentsInFlight == 0)
    house.transport.limit(toPlaces: 1)
    #expect(try await house.push(token, amount: 1).value.status == 200)
    #expect(house.transport.sent.count == 1)
  }

  @Test func `a place is given back, whatever comes of the payment`() async throws {
    let token = try await house.token(of: Number.visa)
    house.transport.limit(toPlaces: 1)
    house.transport.answer(
      .answered(PaymentAnswer(outcome: .refused)), .notSent(cause: "connect-failed"),
      .rejected(code: nil), .unknown(cause: "not-json"))
    var statuses: [UInt16] = []
    for key in 1...5 { statuses.append(try await house.push(token, key: "\(key)").value.status) }
    #expect(statuses == [200, 502, 502, 504, 200])
    // None is needed where nothing is sent.
    house.transport.hold()
    let held = try house.push(token, key: "6")
    await house.transport.waitForArrival()
    #expect(house.transport.placesLeft == 0)
    #expect(try await house.push(token, key: "1").value.status == 200)
    #expect(try await house.push(token, amount: 7, key: "1").value.status == 422)
    #expect(try await house.push(nil, key: "7").value.status == 404)
    #expect(try await house.push(token, key: "8", wrong: problemOfForm).value.status == 422)
    #expect(try await house.push(token, key: "9").value.problem == "overloaded")
    house.transport.release(.answered(PaymentAnswer(outcome: .approved)))
    #expect(await held.value.status == 200)
    #expect(try await house.push(token, key: "9").value.status == 200)
    #expect(house.transport.placesLeft == 1)
  }

  @Test func `two clients may use the same key`() async throws {
    let own = try await house.token(of: Number.visa)
    let other = try await house.token(of: Number.visa, as: "plain-shop")
    #expect(try await house.push(own).value.status == 200)
    #expect(try await house.push(other, as: "plain-shop").value.status == 200)
    #expect(house.transport.sent.count == 2)
  }

  @Test func `forbidden unknown and pull-only acquirers look alike`() async throws {
    let token = try await house.token(of: Number.visa)
    let answers = [
      try await house.push(token, to: "stranger-bank").value,
      try await house.push(token, to: "no-such-bank").value,
      try await house.push(token, to: "pull-only").value,
    ]
    #expect(answers.allSatisfy { $0 == answers[0] })
    #expect(answers[0].status == 403)
    #expect(answers[0].problem == "acquirer-not-permitted")
    #expect(house.transport.sent.isEmpty)
  }

  @Test func `a currency that the acquirer is not configured for is refused`() async throws {
    let token = try await house.token(of: Number.visa)
    let answer = try await house.push(token, currency: "JPY").value
    #expect(answer.status == 422)
    #expect(answer.problem == "unsupported-currency")
    #expect(answer.string("pointer") == "/amount/currency")
  }

  @Test func `what the template has against a payment is told`() async throws {
    let token = try await house.token(of: Number.visa)
    house.transport.object(Problem(.unknownMember, pointer: "/three_ds"))
    let answer = try await house.push(token).value
    #expect(answer.problem == "unknown-member")
    #expect(house.transport.sent.isEmpty)
  }

  @Test func `the acquirer is checked before replay, token and meaning`() async throws {
    let token = try await house.token(of: Number.visa)
    _ = try await house.push(token).value
    let answer = try await house.push(nil, to: "stranger-bank", wrong: problemOfForm).value
    #expect(answer.problem == "acquirer-not-permitted")
  }

  @Test func `replay is checked before token and meaning`() async throws {
    let token = try await house.token(of: Number.visa)
    _ = try await house.push(token).value
    let answer = try await house.push(nil, wrong: problemOfForm).value
    #expect(answer.problem == "idempotency-key-reused")
  }

  @Test func `the token is checked before meaning`() async throws {
    let other = try await house.token(of: Number.visa, as: "other-shop")
    for token in [nil, other] {
      let answer = try await house.push(token, currency: "JPY", wrong: problemOfForm).value
      #expect(answer.problem == "token-not-found")
    }
  }

  @Test func `a token of another merchant is answered as one that never existed`() async throws {
    let other = try await house.token(of: Number.visa, as: "other-shop")
    let gone = try await house.token(of: Number.other)
    _ = try await house.delete(gone).value
    let answers = [
      try await house.push(other, key: "a").value, try await house.push(gone, key: "b").value,
      try await house.push(nil, key: "c").value,
    ]
    #expect(answers.allSatisfy { $0 == answers[0] })
    #expect(answers[0].status == 404)
    #expect(house.transport.sent.isEmpty)
  }

  @Test func `an acquirer may not push`() async throws {
    let token = try await house.token(of: Number.visa)
    let answer = try await house.push(token, as: "credit-du-nord").value
    #expect(answer.problem == "operation-not-permitted")
  }

  @Test func `a crash between intent and outcome leaves the outcome unknown`() async throws {
    let token = try await house.token(of: Number.visa)
    house.transport.hold()
    let lost = try house.push(token)
    await house.transport.waitForArrival()
    let payment = try #require(house.transport.sent.first?.payment)
    try house.crash()
    try house.open()
    let entries = try house.entries()
    #expect(lost.count == 0)
    #expect(
      entries.last == """
        {"actor":"spiffe://shop.example/checkout","operation":"detokenize","merchant":"shop",\
        "token":"\(token.text)","acquirer":"credit-du-nord","payment_id":"\(payment.text)",\
        "outcome":"unknown","reason":"restart","request_id":"req-1"}
        """)
    let answer = try await house.push(token).value
    #expect(answer.status == 504)
    #expect(answer.string("payment_id") == payment.text)
    #expect(house.transport.sent.count == 1)
    #expect(try house.auditFinding() == nil)
    try house.reopen()
    #expect(try house.entries().filter { $0.contains("restart") }.count == 1)
  }

  @Test func `an outcome that comes after the stop is unknown then and later`() async throws {
    let token = try await house.token(of: Number.visa)
    house.transport.hold()
    let reply = try house.push(token)
    await house.transport.waitForArrival()
    try house.vault.close()
    house.transport.release(.answered(PaymentAnswer(outcome: .approved)))
    let answer = await reply.value
    #expect(answer.problem == "outcome-unknown")
    try house.crash()
    try house.open()
    #expect(try await house.push(token).value == answer)
  }
}
