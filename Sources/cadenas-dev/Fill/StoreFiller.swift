import AccessPolicy
import AuditLog
import CardStore
import Cards
import ConfigurationReading
import Keyring
import SecretMemory
import Storage
import SystemCalls

/// Puts the cards of a series into a store, as the writer of a running vault would: the same code,
/// each batch durable.
struct StoreFiller {
  /// Cards in one transaction: more than the service takes, since nobody waits for the first of them.
  private static let batch = 4_096
  /// Cards between two reports.
  private static let reportEvery = 1_000_000

  private let store: Store
  private let keys: LiveKeyring
  private let cards: CardStore
  private let audit: AuditLog
  private let slots: SecretPool
  private let merchant: Merchant
  private let actor: String
  private let expiry: Expiry
  private var numbers: TestCardNumbers
  private var digits = [UInt8](repeating: 0x30, count: TestCardNumbers.length)
  private var requests: UInt64 = 0

  /// How many cards the store holds.
  private(set) var stored: Int

  /// Opens the store of `configuration`, whose keys lie in a directory.
  init(_ configuration: ServiceConfiguration) throws {
    let source = configuration.keys.source
    guard source.directoryOfNewKeys != nil else {
      throw DevelopmentError.invalid("fill needs keys in a directory (keys.source: file)")
    }
    guard let merchant = configuration.merchants.first(where: { $0.name == "shop" }),
      let actor = merchant.clients.first?.id
    else { throw DevelopmentError.invalid("cadenas.yaml has no merchant 'shop' with a client") }
    self.merchant = merchant
    self.actor = actor
    store = try Store.open(
      at: configuration.store.path, mapSize: Int(configuration.store.mapSizeBytes))
    keys = try LiveKeyring(KeyringStore.open(in: store, source: source), in: store)
    // One for the card, and two that comparing takes of its own.
    slots = try SecretPool(slots: 4, slotSize: 32)
    cards = try CardStore(store: store, keys: keys, slots: slots, pace: Self.pace)
    audit = try AuditLog(restoringFrom: store)
    expiry = try Expiry(month: 12, year: 2035)
    stored = try store.read { try $0.count(of: .cards) }
    numbers = TestCardNumbers(filledFrom: stored)
  }

  /// Nobody waits beside it: large flushes that touch each page of the index seldom, without a pause.
  private static var pace: IndexPace {
    var pace = IndexPace()
    pace.entriesPerFlush = 1 << 20
    pace.mostWaitingEntries = 1 << 21
    pace.entriesPerTransaction = 1 << 16
    pace.longestPauseNanoseconds = 0
    return pace
  }

  /// Adds cards until the store holds `count`, and brings the index up to date.
  mutating func fill(to count: Int, progress: (Int) -> Void) throws {
    var reported = stored / Self.reportEvery
    while stored < count {
      do {
        try writeBatch(min(Self.batch, count - stored))
      } catch CardStoreError.indexIsBehind {
        cards.flushIndex()
      }
      if stored / Self.reportEvery > reported {
        reported = stored / Self.reportEvery
        progress(stored)
      }
    }
    cards.flushIndex()
  }

  private mutating func writeBatch(_ count: Int) throws {
    let numbersBefore = numbers
    do {
      let new = try store.write { (transaction) throws(CardStoreError) in
        var new = 0
        for _ in 0..<count where try tokenize(in: &transaction) { new += 1 }
        do throws(StorageError) {
          try cards.batchWillCommit(&transaction)
          try keys.batchWillCommit(&transaction)
          try audit.batchWillCommit(&transaction)
        } catch { throw .store(error) }
        return new
      }
      audit.batchDidCommit()
      cards.batchDidCommit()
      _ = keys.batchDidCommit()
      stored += new
    } catch {
      audit.batchDidAbort()
      cards.batchDidAbort()
      keys.batchDidAbort()
      numbers = numbersBefore
      throw error
    }
  }

  private mutating func nextCard() throws(CardStoreError) -> StoredCard {
    guard let slot = slots.lease() else { throw .noSecretMemory }
    do {
      var number = PANBuilder(slot: slot)
      numbers.next(into: &digits)
      for digit in digits { try number.append(digit) }
      return StoredCard(pan: try number.finish(), expiry: expiry)
    } catch { preconditionFailure("a test number is a card number: \(error)") }
  }

  /// Stores the next card with its entry; false where the store had it.
  private mutating func tokenize(
    in transaction: inout StoreWriteTransaction
  ) throws(CardStoreError) -> Bool {
    let card = try nextCard()
    let now = SystemClock.unixMilliseconds()
    let stored = try cards.tokenize(
      card, merchant: merchant.number, atMilliseconds: now, in: &transaction)
    requests += 1
    let entry = AuditEntry(
      actor: AuditActor(actor), operation: .tokenize, merchant: merchant.name,
      token: stored.token.text,
      outcome: stored.isNew ? .created : .existing,
      requestIdentifier: "fill\(10_000_000_000 + requests)")
    do throws(StorageError) {
      try audit.append(entry, atMilliseconds: now, in: &transaction)
    } catch { throw .store(error) }
    return stored.isNew
  }
}
