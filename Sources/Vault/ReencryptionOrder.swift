import Bytes
import CardStore
import Keyring
import RecordFormat
import Storage

/// That cards are to be moved to the active data key, as the row `reencryption` of `meta` keeps it.
///
/// Layout: `rate(8) ‖ began(8) ‖ sequence(8) ‖ count(2) ‖ {key id(4) ‖ cards(8)} × count ‖ actor`,
/// numbers big-endian, the actor in UTF-8.
struct ReencryptionOrder: Equatable {
  /// Cards under one key.
  struct Count: Equatable {
    let key: KeyIdentifier
    let cards: UInt64
  }

  /// The row's key.
  static let rowKey = Array("reencryption".utf8)

  /// Cards a second at most; 0 for as fast as requests allow.
  var cardsPerSecond: UInt64
  /// When it began, in Unix milliseconds.
  let beganMilliseconds: UInt64
  /// The audit entry that says that it began.
  let sequence: UInt64
  /// The cards under each key that had some when the moving began; a key that was replaced later has
  /// those of the moment at which its cards began to be moved.
  private(set) var counts: [Count] = []
  /// Who began it.
  let actor: String

  init(cardsPerSecond: UInt64, beganMilliseconds: UInt64, sequence: UInt64, actor: String) {
    self.cardsPerSecond = cardsPerSecond
    self.beganMilliseconds = beganMilliseconds
    self.sequence = sequence
    self.actor = actor
  }

  /// Notes the cards of keys that are not noted yet.
  mutating func note(_ cards: [KeyIdentifier: UInt64]) {
    for (key, number) in cards.sorted(by: { $0.key < $1.key })
    where number > 0 && !counts.contains(where: { $0.key == key }) && counts.count < Int(UInt16.max)
    {
      counts.append(Count(key: key, cards: number))
    }
  }

  /// The cards that were noted of a key.
  func cards(under key: KeyIdentifier) -> UInt64 { counts.first { $0.key == key }?.cards ?? 0 }

  /// The row.
  var encoded: [UInt8] {
    var row = cardsPerSecond.bigEndianBytes + beganMilliseconds.bigEndianBytes
    row += sequence.bigEndianBytes + UInt16(counts.count).bigEndianBytes
    for count in counts { row += count.key.value.bigEndianBytes + count.cards.bigEndianBytes }
    return row + Array(actor.utf8)
  }

  /// Reads a row; nil where it does not have its layout.
  init?(_ row: [UInt8]) {
    var rest = RowReader(row.rawSpan)
    guard let rate = rest.number(UInt64.self), let began = rest.number(UInt64.self),
      let sequence = rest.number(UInt64.self), let count = rest.number(UInt16.self)
    else { return nil }
    var counts: [Count] = []
    for _ in 0..<count {
      guard let key = rest.number(UInt32.self), let cards = rest.number(UInt64.self) else {
        return nil
      }
      counts.append(Count(key: KeyIdentifier(key), cards: cards))
    }
    guard Set(counts.map(\.key)).count == counts.count, !rest.isAtEnd,
      let actor = rest.text(rest.remaining)
    else { return nil }
    self.init(cardsPerSecond: rate, beganMilliseconds: began, sequence: sequence, actor: actor)
    self.counts = counts
  }
}

extension ReencryptionOrder {
  /// The order that is in force; nil where there is none, or none that can be read: then whoever wants
  /// the cards moved begins anew.
  static func read(
    in transaction: borrowing some StoreReading & ~Copyable
  ) throws(StorageError) -> ReencryptionOrder? {
    let key = rowKey
    guard let row = try transaction.get(key.rawSpan, in: .meta) else { return nil }
    return ReencryptionOrder(row.array)
  }

  /// - Returns: whether there was one.
  static func remove(in transaction: inout StoreWriteTransaction) throws(StorageError) -> Bool {
    let key = rowKey
    return try transaction.delete(key.rawSpan, in: .meta)
  }
}

extension WriterCore {
  /// Puts an order in force, with the cards under each data key that it does not name yet.
  func note(
    _ order: ReencryptionOrder, in transaction: inout StoreWriteTransaction
  ) throws {
    var order = order
    var counts: [KeyIdentifier: UInt64] = [:]
    for entry in try open().keys.working.entries where entry.role == .data {
      counts[entry.identifier] = try cards.cards(under: entry.identifier)
    }
    order.note(counts)
    let key = ReencryptionOrder.rowKey
    let row = order.encoded
    try transaction.put(key: key.rawSpan, value: row.rawSpan, in: .meta)
  }
}

extension Keyring {
  /// The data keys that another one has replaced.
  var replacedDataKeys: Set<KeyIdentifier> {
    Set(
      entries.filter { $0.role == .data && $0.state != .active }.map(\.identifier))
  }
}
