import AuditLog
package import CardStore
package import Storage
import Synchronization

/// How much room is left for new cards, as far as somebody is to be told.
package enum RoomLevel: Equatable, Sendable {
  case ample
  /// A fifth or less is left.
  case low
  /// New cards are refused.
  case full

  fileprivate var outcome: AuditOutcome {
    switch self {
    case .ample: .ample
    case .low: .low
    case .full: .full
    }
  }
}

/// Room for new cards in the store's files, at one moment.
package struct RoomFigures: Equatable, Sendable {
  /// That of `cards.mdb`.
  package let cards: StoreRoom
  /// Whether cards of merchants that deduplicate are refused, since the index does not know every card
  /// and has no room to.
  package let isIndexFull: Bool
  /// Bytes of room that `index.mdb` lacks.
  package let indexLackingBytes: Int

  /// - Parameter index: nil where the vault is sealed, and nobody looks a card up.
  package init(cards: StoreRoom, index: IndexFigures?) {
    self.cards = cards
    indexLackingBytes = index?.lackingBytes ?? 0
    isIndexFull = index?.isBehind == true && indexLackingBytes > 0
  }

  /// What is answered `507` for want of room, in words; nil where nothing is.
  package var refused: String? {
    if cards.isFull { return "every request but a deletion" }
    return isIndexFull
      ? "every tokenize with a number, a known card's too, of merchants that deduplicate" : nil
  }

  /// Whether new cards are taken, of every merchant.
  package var acceptsCards: Bool { refused == nil }
}

/// Says when the room for new cards crosses a bound: once, not for each request.
struct RoomWatch {
  /// How much of the room may be used before somebody is told, and until when they are not told again, in
  /// percent.
  private static let lowPercent = 80
  private static let amplePercent = 75
  /// What there has to be again after the end of the room.
  private static let leastBytes = 256 << 10

  private(set) var level = RoomLevel.ample

  /// - Returns: the level before, where it is another one now.
  mutating func look(at room: RoomFigures) -> RoomLevel? {
    let before = level
    level = level(of: room)
    return level == before ? nil : before
  }

  /// Whether there is enough, whatever the level was before.
  static func isAmple(_ room: RoomFigures) -> Bool {
    room.acceptsCards && room.cards.usedPercent < amplePercent && room.indexLackingBytes == 0
      && room.cards.availableBytes >= leastBytes
  }

  private func level(of room: RoomFigures) -> RoomLevel {
    if !room.acceptsCards { return .full }
    if level == .full, room.cards.availableBytes < Self.leastBytes { return .full }
    let bound = level == .ample ? Self.lowPercent : Self.amplePercent
    return room.cards.usedPercent >= bound || room.indexLackingBytes > 0 ? .low : .ample
  }
}

/// What is told of the room.
package struct RoomNews: Sendable {
  package let room: RoomFigures
  package let level: RoomLevel
  package let before: RoomLevel

  /// The entry about it: words and figures alone.
  var entry: AuditEntry {
    let index = "file=index.mdb lacking_bytes=\(room.indexLackingBytes)"
    let cards =
      "file=cards.mdb limit=\(room.cards.limit.rawValue) used_percent=\(room.cards.usedPercent) "
      + "available_bytes=\(room.cards.availableBytes)"
    return AuditEntry(
      actor: .system, operation: .storeRoom, outcome: level.outcome,
      reason: room.indexLackingBytes > 0 && !room.cards.isFull ? index : cards)
  }
}

extension Vault {
  /// How much room is left for new cards now, see `Store.room(countsFreePages:)`.
  package func room(countsFreePages: Bool = true) throws(VaultError) -> RoomFigures {
    RoomFigures(
      cards: try onStore(store.room(countsFreePages: countsFreePages)),
      index: (try? opened())?.session.cards.indexFigures)
  }

  /// Notes where the room for new cards has crossed a bound, and lets work go on that had none. Call it
  /// about once a second, not on an event loop: it waits for the disk.
  package func lookAtRoom() {
    // Where there is ample room beyond the file's end, what is free within it makes no difference.
    guard var room = try? room(countsFreePages: false) else { return }
    if !RoomWatch.isAmple(room) {
      guard let counted = try? self.room() else { return }
      room = counted
    }
    let found = room
    let news = roomWatch.withLock { watch in
      watch.look(at: found).map { RoomNews(room: found, level: watch.level, before: $0) }
    }
    if let (session, work) = try? opened() {
      session.cards.indexFigures.lookSoon()
      work.goOn(with: room)
    }
    guard let news else { return }
    note(news.entry)
    settings.tellOfRoom(news)
  }
}
