import Cards
import Ledgers
import RecordFormat
import Storage
import Synchronization
import TestSupport
import Testing
import Tokenization
import VaultCore

@testable import VaultManagement

/// A vault whose store fills up, is full, and has room again.
@Suite(.timeLimit(.minutes(5))) struct RoomTests {
  private final class Told: Sendable {
    let news = Mutex<[RoomNews]>([])
    var levels: [RoomLevel] { news.withLock { $0.map(\.level) } }
  }

  private let told: Told
  private let house: TestVault

  init() throws {
    let told = Told()
    var options = TestVault.Options()
    options.mapSize = 2 << 20
    options.slots = 256
    options.tellOfRoom = { news in told.news.withLock { $0.append(news) } }
    self.told = told
    house = try TestVault(options)
  }

  /// Stores cards, some at a time, and looks at the room after each time, until there is none.
  private func fill() async throws -> [Token] {
    var tokens: [Token] = []
    while tokens.count < 20_000 {
      let start = tokens.count
      let replies = try (start..<start + 50).map {
        try house.tokenize(Number.visa, customer: "c-\($0)")
      }
      var isFull = false
      for reply in replies {
        let answer = await reply.value
        if answer.status == 507 {
          isFull = true
        } else {
          tokens.append(try answer.token)
        }
      }
      try house.vault.lookAtRoom()
      if isFull { return tokens }
    }
    throw Missing(what: "an end of the store")
  }

  private func delete(_ tokens: some Sequence<Token>) async throws {
    for token in tokens { #expect(try await house.delete(token).value.status == 204) }
    try house.settle()
    try house.vault.lookAtRoom()
  }

  private func entries() throws -> [String] {
    try house.settle()
    return try house.lines().filter { $0.contains(#""operation":"store.room""#) }
  }

  @Test func `each bound is told once, with its entry, and so is the room that comes back`()
    async throws
  {
    let tokens = try await fill()
    #expect(told.levels == [.low, .full])
    let low = try #require(told.news.withLock { $0.first })
    #expect((80...90).contains(low.room.cards.usedPercent))
    // What is said to be left is about what there was.
    let fitted = tokens.count * (100 - low.room.cards.usedPercent) / 100
    #expect((fitted / 2...fitted * 2).contains(low.room.cards.availableCards))
    #expect(try await house.tokenize(Number.other).value.status == 507)
    for _ in 0..<3 { try house.vault.lookAtRoom() }
    #expect(told.levels == [.low, .full])
    #expect(try !house.vault.vault.room().acceptsCards)
    #expect(try house.vault.vault.room().cards.lackingBytes > 0)

    try await delete(tokens)
    #expect(told.levels.dropFirst(2).first.map { $0 != .full } == true)
    #expect(try await house.tokenize(Number.other).value.status == 201)
    #expect(try house.vault.vault.room().acceptsCards)
    let entries = try entries()
    #expect(entries.count == told.levels.count)
    #expect(entries[0].contains(#""outcome":"low""#) && entries[1].contains(#""outcome":"full""#))
    #expect(entries[1].contains("file=cards.mdb limit=store.map_size used_percent=100"))
    let counts = try house.vault.vault.books.alarms.counts.filter { $0.rule.hasPrefix("store-") }
    #expect(counts.map(\.rule) == ["store-low", "store-full"])
    #expect(counts.allSatisfy { $0.raised == 1 })
    #expect(try house.auditFinding() == nil)
  }

  @Test func `a re-encryption without room says so, and goes on by itself when there is some`()
    async throws
  {
    let tokens = try await fill()
    _ = try house.vault.rotate(.data, actor: "user:ann")
    try house.vault.beginReencryption(cardsPerSecond: 0, actor: "user:ann")
    while try house.vault.keyWork.isRunning { try house.settle() }
    let work = try house.vault.keyWork
    #expect(work.lacksRoom)
    #expect(work.failure != nil)
    #expect(try house.vault.cardsToMove() == UInt64(tokens.count))
    // Nothing has changed: it is not tried for nothing.
    try house.vault.lookAtRoom()
    #expect(try !house.vault.keyWork.isRunning)

    try await delete(tokens.dropLast(20))
    while try house.vault.isReencrypting { try house.settle() }
    #expect(try house.vault.keyWork.failure == nil)
    #expect(try house.vault.cardsToMove() == 0)
  }
}
