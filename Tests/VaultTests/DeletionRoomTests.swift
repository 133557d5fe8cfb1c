import Cards
import Storage
import TestSupport
import Testing
import Tokenization
import VaultCore
import VaultManagement

/// What is deleted while there is no room but what is reserved for that.
@Suite(.timeLimit(.minutes(5))) struct DeletionRoomTests {
  private static func fullHouse() async throws -> (
    house: TestVault, tokens: [Token], other: Token
  ) {
    var options = TestVault.Options()
    options.mapSize = 2 << 20
    options.slots = 200
    let house = try TestVault(options)
    let other = try await house.token(of: Number.visa, as: "other-shop")
    var tokens: [Token] = []
    var isFull = false
    while !isFull, tokens.count < 10_000 {
      let replies = try (0..<40).map { _ in try house.tokenize(Number.visa, as: "plain-shop") }
      for reply in replies {
        let answer = await reply.value
        if answer.status == 201 { tokens.append(try answer.token) } else { isFull = true }
      }
    }
    #expect(isFull)
    return (house, tokens, other)
  }

  @Test func `in a full store a card that does not exist takes no room, and is counted`()
    async throws
  {
    let (house, tokens, other) = try await Self.fullHouse()
    #expect(try await house.delete(tokens[0], as: "plain-shop").value.status == 204)
    let entries = try house.entries().count
    // Never existed, deleted, and another merchant's.
    for _ in 0..<20 {
      #expect(try await house.delete(nil, as: "plain-shop").value.problem == "token-not-found")
      let gone = try await house.delete(tokens[0], as: "plain-shop").value
      #expect(gone.problem == "token-not-found")
      let foreign = try await house.delete(tokens[1], as: "other-shop").value
      #expect(foreign.problem == "token-not-found")
    }
    #expect(try house.entries().count == entries)
    house.time.pass(seconds: 60)
    try house.vault.tick()
    try house.settle()
    let counted = try house.entries().dropFirst(entries).filter { $0.contains("\"counted\"") }
    #expect(counted.count == 2)
    #expect(counted.contains { $0.contains("\"reason\":\"40\"") })
    #expect(counted.contains { $0.contains("\"reason\":\"20\"") })
    // One merchant's deletions go on until they have taken its share of the reserve.
    var deleted = 0
    for token in tokens.dropFirst() {
      let answer = try await house.delete(token, as: "plain-shop").value
      if answer.problem == "store-full" { break }
      #expect(answer.status == 204)
      deleted += 1
    }
    #expect(deleted > tokens.count / 2)
    #expect(try await house.delete(other, as: "other-shop").value.status == 204)
    #expect(try house.auditFinding() == nil)
  }

  @Test func `behind a full queue one card is deleted once, and asking again takes no entry`()
    async throws
  {
    var options = TestVault.Options()
    options.limits = WriterLimits(queue: 4, batch: 8, reservedQueue: 4)
    let house = try TestVault(options)
    let token = try await house.token(of: Number.visa, as: "plain-shop")
    let entries = try house.entries().count
    let blocker = Blocker(try house.store)
    let waiting = try (0..<4).map { _ in try house.tokenize(Number.visa, as: "plain-shop") }
    // Each sees the card, and is let in; the fifth finds the reserved room taken.
    let deletions = try (0..<5).map { _ in try house.delete(token, as: "plain-shop") }
    // Not one that does not exist: it is answered at once, and takes nobody's place.
    #expect(try await house.delete(nil, as: "plain-shop").value.status == 404)
    blocker.open()
    var statuses: [UInt16: Int] = [:]
    for deletion in deletions { statuses[await deletion.value.status, default: 0] += 1 }
    #expect(statuses == [204: 1, 404: 3, 503: 1])
    for reply in waiting { #expect(await reply.value.status == 201) }
    let new = try house.entries().dropFirst(entries)
    #expect(new.count { $0.contains("\"operation\":\"delete\"") } == 1)
    #expect(new.count { $0.contains("\"refused\"") } == 0)
  }

  @Test func `where there is room, one that does not exist has its entry as ever`() async throws {
    let house = try TestVault()
    #expect(try await house.delete(nil).value.status == 404)
    #expect(try house.entries().last?.contains("\"token-not-found\"") == true)
  }
}
