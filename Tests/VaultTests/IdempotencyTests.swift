import Cards
import Ledgers
import Storage
import TestSupport
import Testing
import Tokenization
import VaultCore
import VaultManagement

@Suite(.timeLimit(.minutes(30))) struct IdempotencyTests {
  private let house: TestVault

  init() throws { house = try TestVault() }

  @Test func `a 201 is repeated as 201`() async throws {
    let first = try await house.tokenize(Number.visa, key: "k").value
    let second = try await house.tokenize(Number.visa, key: "k").value
    #expect(first.status == 201)
    #expect(second == first)
  }

  @Test func `without the key the second request is a 200`() async throws {
    _ = try await house.tokenize(Number.visa, key: "k").value
    #expect(try await house.tokenize(Number.visa).value.status == 200)
  }

  @Test func `where nothing deduplicates the key alone keeps the token one`() async throws {
    let first = try await house.tokenize(Number.visa, key: "k", as: "plain-shop").value
    let second = try await house.tokenize(Number.visa, key: "k", as: "plain-shop").value
    #expect(second == first)
    #expect(try house.store.read { try $0.count(of: .cards) } == 1)
  }

  @Test func `the same key with another request is refused`() async throws {
    _ = try await house.tokenize(Number.visa, key: "k").value
    let answer = try await house.tokenize(Number.visa, month: 11, key: "k").value
    #expect(answer.status == 422)
    #expect(answer.problem == "idempotency-key-reused")
  }

  @Test func `the same key with another number is refused`() async throws {
    _ = try await house.tokenize(Number.visa, key: "k").value
    let answer = try await house.tokenize(Number.other, key: "k").value
    #expect(answer.problem == "idempotency-key-reused")
    #expect(try house.store.read { try $0.count(of: .cards) } == 1)
  }

  @Test func `replay comes before what is wrong beside the number`() async throws {
    let problem = Problem(.invalidMember, pointer: "/customer")
    let first = try await house.tokenize(Number.visa, key: "k").value
    #expect(try await house.tokenize(Number.visa, key: "k", wrong: problem).value == first)
    let other = try await house.tokenize(Number.visa, month: 1, key: "k", wrong: problem).value
    #expect(other.problem == "idempotency-key-reused")
  }

  @Test func `more expired keys than one job removes are removed by one tick`() async throws {
    for number in 0..<300 {
      _ = try await house.tokenize(Number.visa, key: "k\(number)").value
    }
    house.time.pass(seconds: 86_401)
    try house.vault.tick()
    // Each of these waits for a batch after the one before it.
    for _ in 0..<10 { try house.store.perform { _ in } }
    #expect(try house.store.read { try $0.count(of: .idempotency) } == 0)
    #expect(try house.store.read { try $0.count(of: .idempotencyExpiry) } == 0)
  }

  @Test func `a refused request frees its key`() async throws {
    let problem = Problem(.cardExpired, pointer: "/exp_year")
    _ = try await house.tokenize(Number.visa, key: "k", wrong: problem).value
    #expect(try await house.tokenize(Number.other, key: "k").value.status == 201)
  }

  @Test func `a replay whose token was deleted is a new request, and its answer is kept`()
    async throws
  {
    let first = try await house.tokenize(Number.visa, key: "k").value
    _ = try await house.delete(first.token).value
    let second = try await house.tokenize(Number.visa, key: "k").value
    #expect(second.status == 201)
    #expect(try second.token != first.token)
    #expect(try await house.tokenize(Number.visa, key: "k").value == second)
    try house.reopen()
    #expect(try await house.tokenize(Number.visa, key: "k").value == second)
    #expect(try house.store.read { try $0.count(of: .cards) } == 1)
    #expect(try house.store.read { try $0.count(of: .idempotency) } == 1)
    #expect(try house.store.read { try $0.count(of: .idempotencyExpiry) } == 1)
    let other = try await house.tokenize(Number.other, key: "k").value
    #expect(other.problem == "idempotency-key-reused")
  }

  @Test func `where the token was deleted, what is wrong beside the number counts`() async throws {
    let first = try await house.tokenize(Number.visa, key: "k").value
    _ = try await house.delete(first.token).value
    let problem = Problem(.cardExpired, pointer: "/exp_year")
    #expect(
      try await house.tokenize(Number.visa, key: "k", wrong: problem).value.problem
        == "card-expired")
  }

  @Test func `a replay gives the first answer across a restart`() async throws {
    let first = try await house.tokenize(Number.visa, key: "k").value
    try house.reopen()
    #expect(try await house.tokenize(Number.visa, key: "k").value == first)
    try house.crash()
    try house.open()
    #expect(try await house.tokenize(Number.visa, key: "k").value == first)
  }

  @Test func `after a day the key is forgotten and its rows go`() async throws {
    let first = try await house.tokenize(Number.visa, key: "k").value
    house.time.pass(seconds: 86_400)
    let second = try await house.tokenize(Number.visa, key: "k").value
    #expect(second.status == 200)
    #expect(try second.token == first.token)
    house.time.pass(seconds: 86_400)
    try house.vault.tick()
    try house.settle()
    #expect(try house.store.read { try $0.count(of: .idempotency) } == 0)
    #expect(try house.store.read { try $0.count(of: .idempotencyExpiry) } == 0)
  }

  @Test func `a tick leaves keys that are still remembered`() async throws {
    _ = try await house.tokenize(Number.visa, key: "old").value
    house.time.pass(seconds: 43_200)
    let kept = try await house.tokenize(Number.other, key: "new").value
    house.time.pass(seconds: 43_200)
    try house.vault.tick()
    try house.settle()
    #expect(try house.store.read { try $0.count(of: .idempotency) } == 1)
    #expect(try await house.tokenize(Number.other, key: "new").value == kept)
  }

  @Test func `two clients may use the same key`() async throws {
    let own = try await house.tokenize(Number.visa, key: "k").value
    let other = try await house.tokenize(Number.visa, key: "k", as: "other-shop").value
    #expect(other.status == 201)
    #expect(try other.token != own.token)
  }

  @Test func `requests with one key at once are one request`() async throws {
    let replies = try (0..<50).map { _ in
      try house.tokenize(Number.visa, key: "k", as: "plain-shop")
    }
    var answers: Set<String> = []
    for reply in replies { answers.insert(await reply.value.text) }
    #expect(answers.count == 1)
    #expect(try house.store.read { try $0.count(of: .cards) } == 1)
  }
}
