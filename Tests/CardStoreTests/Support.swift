import Bytes
import Cards
import Cryptography
import Glibc
import Keyring
import RecordFormat
import SecretMemory
import Storage
import TestSupport

@testable import CardStore

extension TemporaryDirectory {
  var store: String { path + "/store" }
  var keys: String { path + "/keys" }
}

/// A store of cards in a directory of its own, with its writer.
final class CardHouse {
  static let start: Int64 = 1_795_459_405_000

  let directory: TemporaryDirectory
  let slots: SecretPool
  var pace = IndexPace.standard
  var indexMapSize = 32 << 20
  /// Whether the store is opened as one that is too large to be read whole.
  var isLarge = false
  /// Records that the index needed at the last opening.
  private(set) var caughtUp = 0
  private var opened: (store: Store, keys: LiveKeyring, cards: CardStore)?

  init(pace: IndexPace = .standard, indexMapSize: Int = 32 << 20) throws {
    directory = try TemporaryDirectory()
    slots = try SecretPool(slots: 160, slotSize: 32)
    self.pace = pace
    self.indexMapSize = indexMapSize
    try Self.create(in: directory, first: 1)
    try open()
  }

  private static func create(in directory: TemporaryDirectory, first: UInt8) throws {
    guard let identifier = StoreIdentifier(Array(first..<first + 16)) else {
      throw Missing(what: "an identifier")
    }
    let keyring = try KeyringStore.create(
      under: FileKeySource(directory: directory.keys).make(besides: []),
      cryptoperiods: .standard,
      atMilliseconds: UInt64(start))
    try Store.create(
      at: directory.store, mapSize: 32 << 20, storeIdentifier: identifier
    ) { transaction in
      try KeyringStore.save(keyring, for: identifier, in: &transaction)
    }
  }

  var store: Store { get throws { try current.store } }
  var keys: LiveKeyring { get throws { try current.keys } }
  var keyring: Keyring { get throws { try keys.current } }
  var cards: CardStore { get throws { try current.cards } }
  var indexPath: String { directory.store + "/index.mdb" }

  private var current: (store: Store, keys: LiveKeyring, cards: CardStore) {
    get throws {
      guard let opened else { throw Missing(what: "an open store") }
      return opened
    }
  }

  func open() throws {
    var options = Store.Options()
    options.indexMapSize = indexMapSize
    if isLarge { options.checksWholeUpTo = 0 }
    let store = try Store.open(at: directory.store, mapSize: 32 << 20, options: options)
    let keyring = try KeyringStore.open(
      in: store, source: FileKeySource(directory: directory.keys))
    caughtUp = 0
    let keys = try LiveKeyring(keyring, in: store)
    let cards = try CardStore(store: store, keys: keys, slots: slots, pace: pace) {
      caughtUp = $0
    }
    try store.startWriter(
      participant: CardBatches(cards: cards, keys: keys), onEnd: { _ in })
    opened = (store, keys, cards)
  }

  /// Ends in good order.
  func close() throws {
    try store.stopWriter()
    try cards.flushIndex()
    opened = nil
  }

  /// Ends as a dying process does: the index is not written out.
  func crash() throws {
    try store.stopWriter()
    opened = nil
  }

  func reopen() throws {
    try close()
    try open()
  }

  /// The index as its file has it.
  func file() throws -> IndexFile {
    try IndexFile(
      store: try store, fingerprintKey: try keyring.activeFingerprintKey.identifier)
  }

  func verify(comparesIndex: Bool = true) throws -> CardVerification {
    try CardVerifier(store: store, keyring: keyring, slots: slots).verify(
      comparesIndex: comparesIndex)
  }
}

/// What the vault does around a batch.
private final class CardBatches: BatchParticipant, @unchecked Sendable {
  // Sendable holds: the store calls it on its one writer thread.
  private let cards: CardStore
  private let keys: LiveKeyring

  init(cards: CardStore, keys: LiveKeyring) {
    self.cards = cards
    self.keys = keys
  }

  func batchWillCommit(_ transaction: inout StoreWriteTransaction) throws(StorageError) {
    try cards.batchWillCommit(&transaction)
    try keys.batchWillCommit(&transaction)
  }

  func batchDidCommit() {
    cards.batchDidCommit()
    if let keyring = keys.batchDidCommit() { cards.adopt(keyring) }
  }

  func batchDidAbort() {
    cards.batchDidAbort()
    keys.batchDidAbort()
  }
}

// MARK: - Cards

extension CardHouse {
  func card(
    _ number: String, year: Int = 2028, customer: String? = nil, isDeduplicated: Bool = true
  ) throws -> StoredCard {
    guard let slot = slots.lease() else { throw Missing(what: "a slot") }
    return StoredCard(
      pan: try PAN.parse(Array(number.utf8).rawSpan, into: slot),
      expiry: try Expiry(month: 12, year: year),
      customer: customer.flatMap { CustomerReference($0) },
      isDeduplicated: isDeduplicated)
  }

  func tokenize(
    _ number: String, year: Int = 2028, customer: String? = nil, merchant: UInt32 = 1,
    isDeduplicated: Bool = true
  ) throws -> StoredToken {
    let held = HeldCard(
      try card(number, year: year, customer: customer, isDeduplicated: isDeduplicated))
    let cards = try cards
    return try perform { transaction in
      try cards.tokenize(
        held.card, merchant: merchant, atMilliseconds: Self.start, in: &transaction)
    }
  }

  /// Stores the cards of `customers`, which all have one number, in batches of fifty.
  func tokenize(customers: Range<Int>) throws -> [Token] {
    let cards = try cards
    var tokens: [Token] = []
    for start in stride(from: customers.lowerBound, to: customers.upperBound, by: 50) {
      let held = try (start..<min(start + 50, customers.upperBound)).map {
        HeldCard(try card(Number.visa, customer: "c-\($0)"))
      }
      tokens += try perform { transaction in
        try held.map {
          try cards.tokenize(
            $0.card, merchant: 1, atMilliseconds: Self.start, in: &transaction
          ).token
        }
      }
    }
    return tokens
  }

  func delete(_ token: Token, merchant: UInt32 = 1) throws -> Bool {
    let cards = try cards
    return try perform { try cards.delete(token, merchant: merchant, in: &$0) }
  }

  /// The last four digits of the card that is released.
  func release(_ token: Token, merchant: UInt32 = 1) throws -> String? {
    let cards = try cards
    return try perform { transaction in
      guard let card = try cards.release(token, merchant: merchant, in: &transaction) else {
        return nil
      }
      return card.pan.last4
    }
  }

  /// Has the writer run `body` and gives what it returned.
  func perform<Result: Sendable>(
    _ body: @escaping (inout StoreWriteTransaction) throws -> Result
  ) throws -> Result {
    let box = Box<Result>()
    try store.perform { box.value = try body(&$0) }
    guard let value = box.value else { throw Missing(what: "a result") }
    return value
  }

  private final class Box<Value> {
    var value: Value?
  }

  private final class HeldCard {
    let card: StoredCard
    init(_ card: consuming StoredCard) { self.card = card }
  }
}

// MARK: - Damage

extension CardHouse {
  func value(_ key: [UInt8], in table: Table) throws -> [UInt8] {
    try store.read { transaction in
      guard let value = try transaction.get(key.rawSpan, in: table) else { return [] }
      return value.array
    }
  }

  func put(_ key: [UInt8], _ value: [UInt8], in table: Table) throws {
    try perform { transaction in
      try transaction.put(key: key.rawSpan, value: value.rawSpan, in: table)
    }
  }

  /// Flips a bit of the key under which a record stands; returns what it is then.
  @discardableResult
  func move(_ token: Token, flipping byte: Int) throws -> [UInt8] {
    let record = try value(token.array, in: .cards)
    var key = token.array
    key[byte] ^= byte == 6 ? 0x80 : 1
    let moved = key
    try perform { transaction in
      try transaction.delete(token.array.rawSpan, in: .cards)
      try transaction.put(key: moved.rawSpan, value: record.rawSpan, in: .cards)
    }
    return moved
  }

  /// Flips a bit of the record's byte `index`.
  func damage(_ token: Token, byte index: Int) throws {
    var record = try value(token.array, in: .cards)
    record[index] ^= 1
    try put(token.array, record, in: .cards)
  }
}

/// Published test numbers.
enum Number {
  static let visa = "4111111111111111"
  static let other = "4242424242424242"
  static let mastercard = "5555555555554444"
}
