import Logging
import Storage
import VaultCore

extension Logger {
  /// Says in one line that the room for new cards has crossed a bound, with the file that ends.
  func tell(_ news: RoomNews) {
    let room = news.room
    var metadata: Logger.Metadata = [
      "used_percent": "\(room.cards.usedPercent)",
      "available_bytes": "\(room.cards.availableBytes)",
      "available_cards": "\(room.cards.availableCards)", "limit": "\(room.cards.limit.rawValue)",
    ]
    if room.cards.isFull {
      metadata["cards_lack_bytes"] = "\(room.cards.lackingBytes)"
      metadata["remedy"] = "audit archive; a larger map or disk; compact where the disk is full"
    }
    if room.indexLackingBytes > 0 { metadata["index_lacks_bytes"] = "\(room.indexLackingBytes)" }
    if let refused = room.refused { metadata["refused"] = "\(refused)" }
    switch (news.level, news.before) {
    case (.full, _): error("the store is full", metadata: metadata)
    case (.low, .full), (.ample, _): notice("the store has room again", metadata: metadata)
    case (.low, _): warning("the store is nearly full", metadata: metadata)
    }
  }
}
