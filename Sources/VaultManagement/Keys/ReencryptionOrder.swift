import Bytes
import CardStore
import Keyring
import RecordFormat
import Storage
import VaultCore

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
  private static let headerSize = 26
  private static let countSize = 12

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
    row += sequence.bigEndianBytes + UInt64(counts.count).bigEndianBytes.suffix(2)
    for count in counts {
      row += UInt64(count.key.value).bigEndianBytes.suffix(4) + count.cards.bigEndianBytes
    }
    return row + Array(actor.utf8)
  }

  /// Reads a row; nil where it does not have its layout.
  init?(_ row: [UInt8]) {
    func number(_ range: Range<Int>) -> UInt64 { row[range].reduce(0) { $0 << 8 | UInt64($1) } }
    guard row.count > Self.headerSize else { return nil }
    let count = Int(number(24..<26))
    let end = Self.headerSize + count * Self.countSize
    guard row.count > end, let actor = String(validating: row[end...], as: UTF8.self) else {
      return nil
    }
    self.init(
      cardsPerSecond: number(0..<8), beganMilliseconds: number(8..<16), sequence: number(16..<24),
      actor: actor)
    for start in stride(from: Self.headerSize, to: end, by: Self.countSize) {
      counts.append(
        Count(
          key: KeyIdentifier(UInt32(truncatingIfNeeded: number(start..<start + 4))),
          cards: number(start + 4..<start + Self.countSize)))
    }
    guard Set(counts.map(\.key)).count == count else { return nil }
  }
}

extension ReencryptionOrder {
  /// The order that is in force; nil where there is none, or none that can be read: then whoever wants
  /// the cards moved begins anew.
  static func read(
    in transaction: borrowing some StoreReading & ~Copyable
  ) throws(VaultError) -> ReencryptionOrder? {
    try transaction.row(rowKey).flatMap { ReencryptionOrder($0) }
  }

  /// - Returns: whether there was one.
  static func remove(in transaction: inout StoreWriteTransaction) throws(VaultError) -> Bool {
    try transaction.removeRow(rowKey)
  }
}

extension Books {
  /// Puts an order in force, with the cards under each data key that it does not name yet.
  func note(
    _ order: ReencryptionOrder, in transaction: inout StoreWriteTransaction
  ) throws(VaultError) {
    var order = order
    var counts: [KeyIdentifier: UInt64] = [:]
    let session = try opened()
    for entry in session.keys.working.entries where entry.role == .data {
      counts[entry.identifier] = session.cards.cards(under: entry.identifier)
    }
    order.note(counts)
    try transaction.putRow(order.encoded, at: ReencryptionOrder.rowKey)
  }
}

extension Keyring {
  /// The data keys that another one has replaced.
  var replacedDataKeys: Set<KeyIdentifier> {
    Set(
      entries.filter { $0.role == .data && $0.state != .active }.map(\.identifier))
  }
}
