internal import JSON
internal import Storage
internal import VaultCore
internal import VaultManagement

/// What is left for new cards, as `status`, metrics and `store stats` tell it.
struct RoomReport {
  let room: RoomFigures

  init(_ call: AdminCall) throws {
    room =
      try call.hooks.vault?.vault.room() ?? RoomFigures(cards: try call.store.room(), index: nil)
  }

  /// Writes the members that say what is left.
  func write(to json: inout JSONWriter) {
    json.member("accepts_new_cards", boolean: room.acceptsCards)
    json.member("refused", string: room.refused)
    json.member("store_used_percent", integer: room.cards.usedPercent)
    json.member("store_available_bytes", integer: room.cards.availableBytes)
    json.member("store_available_cards", integer: room.cards.availableCards)
    json.member("disk_available_bytes", integer: room.cards.diskBytes)
    json.member("lacks_room", objects: lacks) { json, lack in
      json.member("file", string: lack.file)
      json.member("limit", string: lack.limit)
      json.member("bytes", integer: lack.bytes)
    }
  }

  /// The files that lack room, of what, and how much.
  private var lacks: [(file: String, limit: String?, bytes: Int)] {
    var lacks: [(file: String, limit: String?, bytes: Int)] = []
    if room.cards.isFull {
      lacks.append(("cards.mdb", room.cards.limit.rawValue, room.cards.lackingBytes))
    }
    if room.indexLackingBytes > 0 { lacks.append(("index.mdb", nil, room.indexLackingBytes)) }
    return lacks
  }

  var metrics: [Metric] {
    [
      Metric(
        "cadenas_store_available_bytes", .gauge,
        "Bytes of cards.mdb that new cards may still take; the reserve is not among them.",
        Int64(room.cards.availableBytes)),
      Metric(
        "cadenas_store_full", .gauge, "1 while new cards, and more, are refused for want of room.",
        room.acceptsCards ? 0 : 1),
      Metric(
        "cadenas_disk_available_bytes", .gauge, "Bytes left on the disk of the store.",
        Int64(room.cards.diskBytes)),
      Metric(
        "cadenas_index_lacking_bytes", .gauge,
        "Bytes of room that index.mdb lacks to be written.", Int64(room.indexLackingBytes)),
    ]
  }
}
