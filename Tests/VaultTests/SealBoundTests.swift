import AuditLog
import Cards
import Keyring
import RecordFormat
import Storage
import TestSupport
import Testing

@testable import Ledgers
@testable import Tokenization
@testable import VaultCore
@testable import VaultManagement

/// What a data key still does when it has sealed as often as it may, and what it does no more.
@Suite(.timeLimit(.minutes(30))) struct SealBoundTests {
  private func makeHouse(seals: UInt64) throws -> TestVault {
    var options = TestVault.Options()
    options.rules.sealBound = seals
    return try TestVault(options)
  }

  private func waitForWork(of house: TestVault) throws {
    while try house.vault.keyWork.isRunning { try house.settle() }
  }

  private func expectUsedUp(
    _ answer: Answer, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(answer.status == 503, sourceLocation: sourceLocation)
    #expect(answer.problem == "unavailable", sourceLocation: sourceLocation)
    #expect(
      answer.string("detail")?.contains("cadenas keys rotate data") == true,
      sourceLocation: sourceLocation)
    #expect(answer.retryAfterSeconds != nil, sourceLocation: sourceLocation)
  }

  @Test func `a payment that has no seal for its outcome is not sent, and its key is free`()
    async throws
  {
    let house = try makeHouse(seals: 1)
    let token = try await house.token(of: Number.visa)
    expectUsedUp(try await house.push(token).value)
    #expect(house.transport.sent.isEmpty)
    #expect(try !house.entries().contains { $0.contains("intent") })
    _ = try house.vault.rotate(.data, actor: "user:ann")
    #expect(try await house.push(token, amount: 1).value.status == 200)
  }

  @Test func `a payment that runs keeps a seal for its outcome`() async throws {
    let house = try makeHouse(seals: 2)
    let token = try await house.token(of: Number.visa)
    house.transport.hold()
    let reply = try house.push(token)
    await house.transport.waitForArrival()
    house.transport.holdNoMore()
    expectUsedUp(try await house.tokenize(Number.other).value)
    expectUsedUp(try await house.push(token, key: "key-2").value)
    house.transport.release(.answered(PaymentAnswer(outcome: .approved)))
    let answer = await reply.value
    #expect(answer.status == 200)
    #expect(try await house.push(token).value == answer)
    try house.reopen()
    #expect(try await house.push(token).value == answer)
    #expect(house.transport.sent.count == 1)
  }

  @Test func `a payment that was not sent gives its seal back`() async throws {
    let house = try makeHouse(seals: 2)
    let token = try await house.token(of: Number.visa)
    house.transport.answer(.notSent(cause: "connect"), .notSent(cause: "connect"))
    #expect(try await house.push(token).value.problem == "acquirer-unreachable")
    #expect(try await house.push(token).value.problem == "acquirer-unreachable")
    #expect(try await house.push(token).value.status == 200)
  }

  @Test func `a payment that a crash cut off at the bound is closed at the start`() async throws {
    let house = try makeHouse(seals: 2)
    let token = try await house.token(of: Number.visa)
    house.transport.hold()
    _ = try house.push(token)
    await house.transport.waitForArrival()
    try house.crash()
    // As an older version left it, which kept no seal for it.
    house.options.rules.sealBound = 1
    try house.open()
    #expect(try await house.push(token).value.problem == "outcome-unknown")
    #expect(house.transport.sent.count == 1)
    expectUsedUp(try await house.tokenize(Number.other).value)
    let rotation = try house.vault.rotate(.data, actor: "user:ann")
    #expect(try await house.tokenize(Number.other).value.status == 201)
    #expect(try house.store.read { try KeyTally.read(.uses, $0) }[rotation.old] == 2)
    #expect(try house.auditFinding() == nil)
  }

  @Test func `at the bound pulls and deletions go on, and known cards are found`() async throws {
    let house = try makeHouse(seals: 1)
    let token = try await house.token(of: Number.visa)
    try house.reopen()
    expectUsedUp(try await house.tokenize(Number.other).value)
    #expect(try await house.token(of: Number.visa) == token)
    #expect(text(of: try await house.pull(token).value) == Number.visa)
    // A later expiry would have to be sealed.
    expectUsedUp(try await house.tokenize(Number.visa, year: 2030).value)
    #expect(try await house.delete(token).value.status == 204)
    #expect(try house.store.read { try $0.count(of: .cards) } == 0)
  }

  @Test func `a card whose answer could not be kept is not stored`() async throws {
    let house = try makeHouse(seals: 1)
    expectUsedUp(try await house.tokenize(Number.visa, key: "k").value)
    #expect(try house.store.read { try $0.count(of: .cards) } == 0)
    #expect(try await house.tokenize(Number.visa).value.status == 201)
    _ = try house.vault.rotate(.data, actor: "user:ann")
    expectUsedUp(try await house.tokenize(Number.other, key: "k").value)
  }

  @Test func `a job that fails beside others leaves no seal held`() async throws {
    let house = try makeHouse(seals: 5)
    let token = try await house.token(of: Number.visa)
    let blocker = Blocker(try house.store)
    let replies = try (0..<8).map { try house.push(token, key: "key-\($0)") }
    blocker.open()
    var statuses: [UInt16] = []
    for reply in replies { statuses.append(await reply.value.status) }
    #expect(statuses == [200, 200, 200, 200, 503, 503, 503, 503])
    #expect(house.transport.sent.count == 4)
    _ = try house.vault.rotate(.data, actor: "user:ann")
    #expect(try await house.push(token, key: "key-8").value.status == 200)
  }

  @Test func `a re-encryption that uses a key up says so, and goes on after a rotation`()
    async throws
  {
    let house = try makeHouse(seals: 4)
    for number in [Number.visa, Number.other, Number.amex] { _ = try await house.token(of: number) }
    _ = try house.vault.rotate(.data, actor: "user:ann")
    // Two of the new key's four are used: three cards do not fit.
    for number in [Number.mastercard, Number.visaCB] {
      let token = try await house.token(of: number)
      _ = try await house.delete(token).value
    }
    try house.vault.beginReencryption(cardsPerSecond: 0, actor: "user:ann")
    try waitForWork(of: house)
    #expect(try house.vault.keyWork.failure != nil)
    try house.reopen()
    try waitForWork(of: house)
    #expect(try house.vault.keyWork.failure != nil && house.vault.isReencrypting)
    _ = try house.vault.rotate(.data, actor: "user:ann")
    try waitForWork(of: house)
    #expect(try house.vault.keyWork.failure == nil)
    #expect(try !house.vault.isReencrypting)
    #expect(try house.vault.cardsToMove() == 0)
  }
}
