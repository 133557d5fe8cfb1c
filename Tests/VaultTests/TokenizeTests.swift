import Cards
import Ledgers
import SecretMemory
import Storage
import Testing
import Tokenization
import VaultCore
import VaultManagement

@Suite(.timeLimit(.minutes(30))) struct TokenizeTests {
  private let house: TestVault

  init() throws { house = try TestVault() }

  @Test func `a new card gets a token with 201 and the whole view`() async throws {
    let answer = try await house.tokenize(Number.visaCB).value
    let token = try answer.token
    #expect(answer.status == 201)
    #expect(
      answer.text == """
        {"token":"\(token.text)","brand":"visa","brands":["visa","cb"],"preferred_brand":null,\
        "bin":"497010","last4":"8183","exp_month":12,"exp_year":2028,\
        "created_at":"2026-11-23T18:43:25Z"}
        """)
  }

  @Test func `the same card again gives the same token with 200`() async throws {
    let first = try await house.tokenize(Number.visaCB).value
    house.time.pass(seconds: 60)
    let second = try await house.tokenize(Number.visaCB).value
    #expect(second.status == 200)
    #expect(second.text == first.text)
  }

  @Test func `below fifteen digits the view shows no bin`() async throws {
    let answer = try await house.tokenize("4222222222222").value
    #expect(answer.status == 201)
    #expect(answer.text.contains("\"bin\":null"))
  }

  @Test func `a thousand requests at once for one card give one token and one 201`() async throws {
    var options = TestVault.Options()
    options.slots = 1_100
    let house = try TestVault(options)
    let replies = try (0..<1_000).map { _ in try house.tokenize(Number.visaCB) }
    var tokens: Set<Token> = []
    var created = 0
    for reply in replies {
      let answer = await reply.value
      tokens.insert(try answer.token)
      if answer.status == 201 { created += 1 }
    }
    #expect(tokens.count == 1)
    #expect(created == 1)
    #expect(try house.store.read { try $0.count(of: .cards) } == 1)
    #expect(replies.allSatisfy { $0.count == 1 })
  }

  @Test func `a later expiry replaces the stored one and an earlier one is ignored`() async throws {
    _ = try await house.tokenize(Number.visa, month: 6, year: 2028).value
    let later = try await house.tokenize(Number.visa, month: 1, year: 2030).value
    #expect(later.status == 200)
    #expect(later.text.contains("\"exp_month\":1,\"exp_year\":2030"))
    let earlier = try await house.tokenize(Number.visa, month: 12, year: 2029).value
    #expect(earlier.text.contains("\"exp_month\":1,\"exp_year\":2030"))
    _ = try await house.push(later.token).value
    #expect(house.transport.sent.map(\.year) == [2030])
    try house.reopen()
    let after = try await house.tokenize(Number.visa, month: 6, year: 2028).value
    #expect(after.text.contains("\"exp_month\":1,\"exp_year\":2030"))
  }

  @Test func `a preferred brand that is given replaces the stored one`() async throws {
    _ = try await house.tokenize(Number.visaCB, preferring: .cb).value
    let without = try await house.tokenize(Number.visaCB).value
    #expect(without.string("preferred_brand") == "cb")
    let other = try await house.tokenize(Number.visaCB, preferring: .visa).value
    #expect(other.string("preferred_brand") == "visa")
    #expect(try other.token == without.token)
  }

  @Test func `two customers who share a card have a token each`() async throws {
    let one = try await house.tokenize(Number.visa, customer: "c-1").value
    let two = try await house.tokenize(Number.visa, customer: "c-2").value
    let none = try await house.tokenize(Number.visa).value
    #expect(try Set([one.token, two.token, none.token]).count == 3)
    #expect(try await house.delete(one.token).value.status == 204)
    let again = try await house.tokenize(Number.visa, customer: "c-2").value
    #expect(again.status == 200)
    #expect(try again.token == two.token)
  }

  @Test func `two merchants have a token each for the same card`() async throws {
    let own = try await house.token(of: Number.visa)
    let other = try await house.tokenize(Number.visa, as: "other-shop").value
    #expect(other.status == 201)
    #expect(try other.token != own)
  }

  @Test func `without deduplication the same card gets a new token each time`() async throws {
    let one = try await house.tokenize(Number.visa, as: "plain-shop").value
    let two = try await house.tokenize(Number.visa, as: "plain-shop").value
    #expect([one.status, two.status] == [201, 201])
    #expect(try one.token != two.token)
  }

  @Test func `what is wrong beside the number is told and nothing is stored`() async throws {
    let problem = Problem(.invalidMember, pointer: "/exp_month")
    let answer = try await house.tokenize(Number.visa, wrong: problem).value
    #expect(answer.status == 422)
    #expect(answer.string("pointer") == "/exp_month")
    #expect(try house.store.read { try $0.count(of: .cards) } == 0)
  }

  @Test func `an acquirer may not tokenize`() async throws {
    let answer = try await house.tokenize(Number.visa, as: "credit-du-nord").value
    #expect(answer.status == 403)
    #expect(answer.problem == "operation-not-permitted")
  }

  @Test func `no slot of secret memory is kept once the requests are over`() async throws {
    let token = try await house.token(of: Number.visa)
    _ = try await house.tokenize(Number.visa).value
    _ = try await house.push(token).value
    _ = try await house.pull(token).value
    _ = try await house.delete(token).value
    try house.settle()
    try house.close()
    #expect(house.slots.slotsInUse == 0)
  }
}
