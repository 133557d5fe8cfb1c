import AuditLog
import Cards
import Ledgers
import RecordFormat
import Storage
import TestSupport
import Testing
import Tokenization
import VaultCore
import VaultManagement

/// A token that is tokenized again, in place of its number.
@Suite(.timeLimit(.minutes(5))) struct RenewTests {
  private let house: TestVault

  init() throws { house = try TestVault() }

  private func entry(_ token: Token, _ outcome: String) -> String {
    """
    {"actor":"spiffe://shop.example/checkout","operation":"tokenize","merchant":"shop",\
    "token":"\(token.text)","outcome":"\(outcome)","request_id":"req-1"}
    """
  }

  @Test func `the view is answered as the number's would be, and changes nothing`() async throws {
    let first = try await house.tokenize(Number.visaCB, preferring: .cb).value
    let token = try first.token
    let looked = try await house.renew(token).value
    #expect(looked.status == 200)
    #expect(looked.text == first.text)
    #expect(try house.entries().last == entry(token, "updated"))
    #expect(try house.store.read { try $0.count(of: .cards) } == 1)
  }

  @Test func `a later expiry and a given brand replace the stored ones, for good`() async throws {
    let token = try await house.tokenize(Number.visaCB, month: 6, year: 2028).value.token
    let renewed = try await house.renew(token, month: 1, year: 2031, preferring: .cb).value
    #expect(renewed.text.contains("\"exp_month\":1,\"exp_year\":2031"))
    #expect(renewed.string("preferred_brand") == "cb")
    let earlier = try await house.renew(token, month: 12, year: 2030).value
    #expect(earlier.text == renewed.text)
    try house.reopen()
    #expect(try await house.renew(token).value.text == renewed.text)
    // The number finds the same card.
    let again = try await house.tokenize(Number.visaCB, month: 6, year: 2028).value
    #expect(again.text == renewed.text && again.status == 200)
    _ = try await house.push(token).value
    #expect(house.transport.sent.map(\.year) == [2031])
    #expect(try house.auditFinding() == nil)
  }

  @Test func `a card that is renewed stands under the active key`() async throws {
    let token = try await house.token(of: Number.visa)
    _ = try house.vault.rotate(.data, actor: "user:ann")
    #expect(try house.vault.cardsToMove() == 1)
    _ = try await house.renew(token).value
    #expect(try house.vault.cardsToMove() == 1)
    _ = try await house.renew(token, month: 1, year: 2031).value
    #expect(try house.vault.cardsToMove() == 0)
  }

  @Test func `a merchant that does not deduplicate renews as well`() async throws {
    let token = try await house.token(of: Number.visa, as: "plain-shop")
    let renewed = try await house.renew(token, month: 1, year: 2031, as: "plain-shop").value
    #expect(renewed.text.contains("\"exp_year\":2031"))
  }

  @Test func `a token of another merchant is answered as one that never existed`() async throws {
    let other = try await house.token(of: Number.visa, as: "other-shop")
    let gone = try await house.token(of: Number.other)
    _ = try await house.delete(gone).value
    let answers = [
      try await house.renew(other).value, try await house.renew(gone).value,
      try await house.renew(nil).value,
    ]
    #expect(answers.allSatisfy { $0 == answers[0] })
    #expect(answers[0].status == 404 && answers[0].problem == "token-not-found")
    #expect(try await house.renew(other, as: "credit-du-nord").value.status == 403)
    let stored = try await house.tokenize(Number.visa, month: 1, year: 2027, as: "other-shop").value
    #expect(try stored.token == other && stored.text.contains("\"exp_year\":2028"))
  }

  @Test func `a brand that the card does not carry is refused after the token`() async throws {
    let token = try await house.token(of: Number.visaCB)
    let refused = try await house.renew(token, month: 1, year: 2031, preferring: .amex).value
    #expect(refused.problem == "invalid-member" && refused.string("pointer") == "/preferred_brand")
    #expect(try await house.renew(nil, preferring: .amex).value.problem == "token-not-found")
    #expect(try await house.renew(token).value.text.contains("\"exp_year\":2028"))
    #expect(try house.entries().contains { $0.contains("\"reason\":\"invalid-member\"") })
  }

  @Test func `what is wrong is told after replay and token`() async throws {
    let token = try await house.token(of: Number.visa)
    let problem = Problem(.cardExpired)
    #expect(try await house.renew(nil, wrong: problem).value.problem == "token-not-found")
    #expect(try await house.renew(token, wrong: problem).value.problem == "card-expired")
    let first = try await house.renew(token, key: "k").value
    #expect(try await house.renew(token, key: "k", wrong: problem).value == first)
  }

  @Test func `a key gives the first answer again, until its token is gone`() async throws {
    let token = try await house.token(of: Number.visa)
    let first = try await house.renew(token, month: 1, year: 2031, key: "k").value
    _ = try await house.renew(token, month: 1, year: 2033).value
    #expect(try await house.renew(token, month: 1, year: 2031, key: "k").value == first)
    #expect(try house.entries().last == entry(token, "replayed"))
    let reused = try await house.renew(token, month: 2, year: 2031, key: "k").value
    #expect(reused.problem == "idempotency-key-reused")
    #expect(
      try await house.tokenize(Number.visa, month: 1, year: 2031, key: "k").value.problem
        == "idempotency-key-reused")
    try house.reopen()
    #expect(try await house.renew(token, month: 1, year: 2031, key: "k").value == first)
    _ = try await house.delete(token).value
    #expect(
      try await house.renew(token, month: 1, year: 2031, key: "k").value.problem
        == "token-not-found")
  }

  @Test func `nothing of it counts as a guess`() async throws {
    let token = try await house.token(of: Number.other)
    let pairs = try house.vault.digitFigures.pairs
    for year in 2029...2045 {
      #expect(try await house.renew(token, month: 1, year: year).value.status == 200)
    }
    #expect(try house.vault.digitFigures.pairs == pairs)
    #expect(try house.vault.digitFigures.refused == 0)
  }

  @Test func `a sealed vault renews nothing`() async throws {
    let token = try await house.token(of: Number.visa)
    try house.vault.seal(actor: "user:ann")
    #expect(try await house.renew(token).value.problem == "sealed")
  }
}
