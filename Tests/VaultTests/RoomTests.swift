import AuditLog
import Bytes
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
    /// How many cards there were when it was told that room gets low.
    let cardsAtLow = Mutex<Int?>(nil)
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
    let value = [UInt8](repeating: 1, count: Self.rowBytes)
    try house.store.perform { transaction in
      for number in 0..<Self.rows {
        let row = Self.row(number)
        try transaction.put(key: row.rawSpan, value: value.rawSpan, in: .meta)
      }
    }
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
      if told.levels == [.low] { told.cardsAtLow.withLock { $0 = $0 ?? tokens.count } }
      if isFull { return tokens }
    }
    throw Missing(what: "an end of the store")
  }

  /// Rows beside the cards that take room, as lines of the log do until they are archived.
  private static func row(_ number: Int) -> [UInt8] { Array("other/\(number)".utf8) }
  private static let rows = 300
  private static let rowBytes = 2_000

  /// Gives room back, and looks at it until that is told. Deleting cards does not: their entries take
  /// more than they did.
  private func giveRoomBack() throws {
    let before = told.levels.count
    try house.store.perform { transaction in
      for number in 0..<Self.rows {
        let row = Self.row(number)
        try transaction.delete(row.rawSpan, in: .meta)
      }
    }
    while told.levels.count == before { try second() }
  }

  /// What the service does in a second. Free pages are counted seldom where that takes long.
  private func second() throws {
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
    let before = try #require(told.cardsAtLow.withLock { $0 })
    let fitted = tokens.count - before
    #expect((fitted / 2...fitted * 2).contains(low.room.cards.availableCards))
    #expect(try await house.tokenize(Number.other).value.status == 507)
    for _ in 0..<3 { try house.vault.lookAtRoom() }
    #expect(told.levels == [.low, .full])
    #expect(try !house.vault.vault.room().acceptsCards)
    #expect(try house.vault.vault.room().cards.lackingBytes > 0)

    try giveRoomBack()
    #expect(told.levels.dropFirst(2).first.map { $0 != .full } == true)
    #expect(try await house.tokenize(Number.other).value.status == 201)
    #expect(try house.vault.vault.room().acceptsCards)
    let entries = try entries()
    #expect(entries.count == told.levels.count)
    #expect(entries[0].contains(#""outcome":"low""#) && entries[1].contains(#""outcome":"full""#))
    #expect(entries[1].contains("file=cards.mdb limit=store.map_size used_percent=100"))
    let counts = try house.vault.vault.books.alarms.counts.filter {
      ["store-low", "store-full"].contains($0.rule)
    }
    #expect(counts.map(\.raised) == [1, 1])
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

    try giveRoomBack()
    while try house.vault.isReencrypting { try second() }
    #expect(try house.vault.keyWork.failure == nil)
    #expect(try house.vault.cardsToMove() == 0)
  }
}
