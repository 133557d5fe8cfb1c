import Cards
import Ledgers
import Storage
import Testing
import Tokenization
import VaultCore
import VaultManagement

@Suite(.timeLimit(.minutes(30))) struct PullAndDeleteTests {
  private let house: TestVault

  init() throws { house = try TestVault() }

  @Test func `an acquirer of the merchant reads the card`() async throws {
    let token = try await house.token(of: Number.visaCB)
    guard case .success(let released) = try await house.pull(token).value else {
      Issue.record("the card was not released")
      return
    }
    #expect(text(of: .success(released)) == Number.visaCB)
    #expect(released.card.expiry.month == 12)
    #expect(released.card.expiry.year == 2028)
  }

  @Test func `an acquirer that takes no forwarded payments may read`() async throws {
    let token = try await house.token(of: Number.visa)
    #expect(text(of: try await house.pull(token, as: "pull-only").value) == Number.visa)
  }

  @Test func `an acquirer that the merchant does not work with finds no token`() async throws {
    let token = try await house.token(of: Number.visa)
    let reply = try await house.pull(token, as: "stranger-bank").value
    #expect(text(of: reply) == "token-not-found")
  }

  @Test func `a pull asks the policy that is in force`() async throws {
    let token = try await house.token(of: Number.visa)
    try house.update(policy: Cast.makePolicy(generation: 2, shopAcquirers: ["pull-only"]))
    #expect(text(of: try await house.pull(token).value) == "token-not-found")
  }

  @Test func `tokens that are malformed, unknown or deleted are not found by a pull`()
    async throws
  {
    let gone = try await house.token(of: Number.visa)
    _ = try await house.delete(gone).value
    for token in [nil, gone] {
      #expect(text(of: try await house.pull(token).value) == "token-not-found")
    }
  }

  @Test func `a merchant may not pull`() async throws {
    let token = try await house.token(of: Number.visa)
    #expect(text(of: try await house.pull(token, as: "shop").value) == "operation-not-permitted")
  }

  @Test func `each pull is a new read with an entry of its own`() async throws {
    let token = try await house.token(of: Number.visa)
    for _ in 0..<3 { _ = try await house.pull(token).value }
    #expect(try house.entries().filter { $0.contains("\"released\"") }.count == 3)
  }

  @Test func `delete answers 204 and afterwards 404`() async throws {
    let token = try await house.token(of: Number.visa)
    let first = try await house.delete(token).value
    #expect(first.status == 204)
    #expect(first.body.isEmpty)
    let second = try await house.delete(token).value
    #expect(second.status == 404)
    #expect(second.problem == "token-not-found")
  }

  @Test func `a token of another merchant is deleted as one that never existed`() async throws {
    let token = try await house.token(of: Number.visa)
    let foreign = try await house.delete(token, as: "other-shop").value
    let malformed = try await house.delete(nil, as: "other-shop").value
    #expect(foreign == malformed)
    #expect(foreign.status == 404)
    #expect(text(of: try await house.pull(token).value) == Number.visa)
  }

  @Test func `an acquirer may not delete`() async throws {
    let token = try await house.token(of: Number.visa)
    let answer = try await house.delete(token, as: "credit-du-nord").value
    #expect(answer.problem == "operation-not-permitted")
  }

  @Test func `a deleted card that comes again gets a new token`() async throws {
    let first = try await house.token(of: Number.visa)
    _ = try await house.delete(first).value
    let again = try await house.tokenize(Number.visa).value
    #expect(again.status == 201)
    #expect(try again.token > first)
    #expect(try await house.token(of: Number.visa) == again.token)
  }

  @Test func `a deleted card that comes again after a restart gets a new token`() async throws {
    let first = try await house.token(of: Number.visa)
    try house.reopen()
    _ = try await house.delete(first).value
    try house.crash()
    try house.open()
    let again = try await house.tokenize(Number.visa).value
    #expect(again.status == 201)
    try house.reopen()
    #expect(try await house.tokenize(Number.visa).value.token == again.token)
  }

  @Test func `tokens increase strictly whatever the clock does and whatever is deleted`()
    async throws
  {
    var newest = try await house.token(of: Number.visa, as: "plain-shop")
    for step in 0..<40 {
      if step % 5 == 0 { house.time.milliseconds += step % 2 == 0 ? -3_600_000 : 1_000 }
      if step % 7 == 0 {
        #expect(try await house.delete(newest, as: "plain-shop").value.status == 204)
      }
      if step % 11 == 0 { try house.reopen() }
      let next = try await house.token(of: Number.visa, as: "plain-shop")
      #expect(next > newest)
      newest = next
    }
  }
}
