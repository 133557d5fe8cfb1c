import AccessPolicy
import Bytes
import Cards
import Glibc
import Keyring
import Ledgers
import RecordFormat
import SecretMemory
import Storage
import TestSupport
import Tokenization
import VaultCore

/// Tokenizes new cards in a store of its own, in batches of a fixed size, and says nothing: what it
/// does is watched from outside.
///
/// Arguments: a directory, in which a store is made where there is none; how many batches; and, where
/// it is to tell which cards were acknowledged, a file that gets their tokens' text, line by line. Or the
/// directory of a store and `recover`: what a start does and a stop, without a batch.
@main struct TokenizeRun {
  /// Cards in a batch: what one holds when 64 connections ask.
  private static let batch = 16
  /// Batches between two commits of LMDB, where it tells what was acknowledged: several frames in a half
  /// of the journal, and many changes of the half.
  private static let batchesBetweenReads = 3

  private let store: Store
  private let vault: Vault
  private let tokenizer: Tokenizer
  private let slots: SecretPool
  private let caller: Caller
  private let acknowledged: Int32?
  private var numbers: CardNumbers

  static func main() throws {
    StandardDescriptors.fill()
    let arguments = CommandLine.arguments
    if arguments.count == 3, arguments[2] == "recover" { return try recover(arguments[1]) }
    guard (3...4).contains(arguments.count), let batches = Int(arguments[2]) else { exit(2) }
    let path = arguments.count == 4 ? arguments[3] : nil
    var run = try TokenizeRun(directory: arguments[1], acknowledging: path)
    for batch in 1...batches {
      try run.tokenizeBatch()
      // A snapshot has LMDB committed.
      if path != nil, batch % batchesBetweenReads == 0 {
        _ = try run.store.read { try $0.count(of: .cards) }
      }
    }
    run.vault.close()
  }

  /// Size of the map in a run that tells what was acknowledged, and after it: small, and so is the journal
  /// then, since each of many tries copies both.
  private static let smallMapSize = 16 << 20

  /// Opens the store in `directory`, begins to write, and stops.
  private static func recover(_ directory: String) throws {
    let store = try Store.open(at: directory, mapSize: smallMapSize)
    try store.startWriter { _ in exit(3) }
    store.stopWriter()
  }

  private init(directory: String, acknowledging path: String?) throws {
    let mapSize = path == nil ? 64 << 20 : Self.smallMapSize
    let source = FileKeySource(directory: "\(directory)/keys")
    if unsafe mkdir(directory, 0o700) == 0 {
      guard let identifier = StoreIdentifier(Array(1...16)) else { exit(2) }
      let keyring = try KeyringStore.create(
        under: source.make(besides: []), cryptoperiods: .standard, atMilliseconds: Self.now)
      try Store.create(
        at: "\(directory)/store", mapSize: mapSize, storeIdentifier: identifier
      ) { transaction in
        try KeyringStore.save(keyring, for: identifier, in: &transaction)
      }
    }
    acknowledged = path.map { unsafe open($0, O_WRONLY | O_CREAT | O_APPEND, 0o600) }
    store = try Store.open(at: "\(directory)/store", mapSize: mapSize)
    let keyring = try KeyringStore.open(in: store, source: source)
    numbers = CardNumbers(after: try store.read { try $0.count(of: .cards) })
    slots = try SecretPool(slots: 4 * Self.batch, slotSize: 32)
    let merchant = Merchant(
      name: "shop", number: 1, clients: ["spiffe://shop.example/checkout"],
      authority: AuthorityReference(certificatePaths: ["/pki/ca.pem"]), operations: [.tokenize],
      quotas: Quotas(tokenizePerMinute: 6_000))
    let terms = Terms(
      policy: Policy(generation: 1, merchants: [merchant], acquirers: []),
      acquirers: NoTransport())
    caller = Caller(
      actor: merchant.clients[0].id, principal: .merchant(merchant),
      requestIdentifier: "0123456789abcde", terms: terms)
    var limits = WriterLimits()
    // What a batch costs must not depend on when it runs.
    limits.journal.nanoseconds = 1 << 60
    limits.journal.idleNanoseconds = 1 << 60
    vault = try Vault(
      store,
      Vault.Settings(slots: slots, limits: limits, refusalsStoredPerMinute: 60),
      // For the same reason time stands still.
      clock: Clock(milliseconds: { Int64(Self.now) }, monotonicNanoseconds: { 1_000_000_000 })
    ) { _ in exit(3) }
    try vault.unseal(with: keyring, actor: nil)
    tokenizer = Tokenizer(vault, under: terms)
  }

  private static let now: UInt64 = 1_795_459_405_000

  /// Lets a batch gather while the writer is held up, so that it is always of the same size.
  private mutating func tokenizeBatch() throws {
    let blocker = Blocker(store)
    let replies = (0..<Self.batch).map { _ in Gate() }
    for reply in replies { try tokenize { _ in reply.open() } }
    blocker.open()
    for reply in replies { reply.wait() }
  }

  private mutating func tokenize(_ reply: @escaping @Sendable (Answer) -> Void) throws {
    guard let slot = slots.lease() else { exit(2) }
    let number = try PAN.parse(numbers.next().rawSpan, into: slot)
    let match = try BrandTable.standard.match(number)
    let details = CardDetails(
      expiry: try Expiry(month: 12, year: 2035), preferredBrand: nil, customer: nil)
    let acknowledged = acknowledged
    tokenizer.tokenize(
      TokenizeRequest(
        number: number, match: match, details: .success(details), idempotency: nil),
      caller: caller
    ) { answer in
      let body = answer.body
      guard answer.status == 201, body.count > 50 else { exit(4) }
      // `{"token":"` comes first, then the 30 characters.
      if let acknowledged {
        let line = body[10..<40] + [0x0A]
        let count = unsafe line.withUnsafeBytes {
          unsafe write(acknowledged, $0.baseAddress, $0.count)
        }
        guard count == line.count else { exit(5) }
      }
      reply(answer)
    }
  }
}

/// Card numbers of sixteen digits, each once.
private struct CardNumbers {
  private var count: Int

  init(after count: Int) { self.count = count }

  mutating func next() -> [UInt8] {
    count += 1
    var digits = Array("411111000000000".utf8)
    var rest = count
    for place in (6..<15).reversed() {
      digits[place] = 0x30 + UInt8(rest % 10)
      rest /= 10
    }
    var sum = 0
    for (index, digit) in digits.enumerated() {
      let value = Int(digit - 0x30) * (index % 2 == 0 ? 2 : 1)
      sum += value > 9 ? value - 9 : value
    }
    return digits + [0x30 + UInt8((10 - sum % 10) % 10)]
  }
}

/// Nothing is sent here.
private struct NoTransport: AcquirerTransport {
  func check(_ payment: Payment, acquirer: String) -> Problem? { nil }

  func takePlace(
    at acquirer: String, for merchant: Merchant
  ) throws(Problem) -> any MessagePlace { throw Problem(.overloaded) }
}
