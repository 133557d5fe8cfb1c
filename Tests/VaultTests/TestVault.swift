import AccessPolicy
import AuditLog
import Bytes
import Cards
import Cryptography
import Glibc
import Keyring
import Ledgers
import RecordFormat
import SecretMemory
import Storage
import Synchronization
import TestSupport
import Tokenization
import VaultCore
import VaultManagement

/// A vault over a store of its own, with a clock and acquirers that a test moves.
final class TestVault {
  struct Options {
    var mapSize = 64 << 20
    var limits = WriterLimits()
    var slots = 64
    /// Whether KEKs cannot be removed from their source.
    var isSourceOutOfReach = false
    var alarms = AlarmWatch()
    /// Told where the room for new cards crosses a bound.
    var tellOfRoom: @Sendable (RoomNews) -> Void = { _ in }
    var digits = DigitLimits()
    /// What keys are judged by; another bound of seals counts from the next start on.
    var rules = KeyRules()
    /// Whether the store is opened as one that is too large to be read whole.
    var isLarge = false
  }

  let directory: TemporaryDirectory
  let time = MovableTime()
  let transport = ScriptedTransport()
  let slots: SecretPool
  /// Why nothing is written any more.
  let end = EndOfWriting()
  var options: Options
  private var opened: (store: Store, keyring: Keyring, vault: VaultManager, tokenizer: Tokenizer)?

  /// - Parameter first: the first byte of the store's identifier.
  init(_ options: Options = Options(), first: UInt8 = 1) throws {
    self.options = options
    directory = try TemporaryDirectory()
    slots = try SecretPool(slots: options.slots, slotSize: 32)
    let now = UInt64(time.milliseconds)
    guard let identifier = StoreIdentifier(Array(first..<first + 16)) else {
      throw Missing(what: "identifier")
    }
    let keyring = try KeyringStore.create(
      under: source.make(besides: []), cryptoperiods: .standard, atMilliseconds: now)
    try Store.create(
      at: directory.store, mapSize: options.mapSize, storeIdentifier: identifier
    ) { transaction in
      try KeyringStore.save(keyring, for: identifier, in: &transaction)
    }
    try open()
  }

  var source: FileKeySource { FileKeySource(directory: directory.keys) }

  var vault: VaultManager {
    get throws { try current.vault }
  }

  var tokenizer: Tokenizer {
    get throws { try current.tokenizer }
  }

  /// Puts another policy in force.
  func update(policy: Policy) throws {
    try tokenizer.update(terms: Terms(policy: policy, acquirers: transport))
  }

  var store: Store {
    get throws { try current.store }
  }

  var keyring: Keyring {
    get throws { try current.keyring }
  }

  private var current: (store: Store, keyring: Keyring, vault: VaultManager, tokenizer: Tokenizer)
  {
    get throws {
      guard let opened else { throw Missing(what: "an open vault") }
      return opened
    }
  }

  /// Opens the store and the vault over it; `progress` is told what the index needed.
  func open(progress: (Int) -> Void = { _ in }) throws {
    var storeOptions = Store.Options()
    if options.isLarge { storeOptions.checksWholeUpTo = 0 }
    let store = try Store.open(
      at: directory.store, mapSize: options.mapSize, options: storeOptions)
    let keyring = try KeyringStore.open(in: store, source: source)
    let source = source
    let isOutOfReach = options.isSourceOutOfReach
    var settings = Vault.Settings(
      slots: slots, limits: options.limits, refusalsStoredPerMinute: 60)
    settings.rules = options.rules
    settings.digitLimits = options.digits
    settings.alarms = options.alarms
    settings.tellOfRoom = options.tellOfRoom
    let vault = try Vault(store, settings, clock: time.clock) { [end] in end.note($0) }
    let tokenizer = Tokenizer(vault, under: Terms(policy: Cast.policy, acquirers: transport))
    let manager = VaultManager(vault, policy: { tokenizer.policy }) {
      (key, keyring) throws(KeyringError) in
      if isOutOfReach { throw .keySource(path: "out of reach", errno: EIO) }
      try source.destroy(key, of: keyring)
    }
    do {
      try manager.unseal(with: keyring, actor: nil, progress: progress)
    } catch {
      store.stopWriter()
      throw error
    }
    opened = (store, keyring, manager, tokenizer)
  }

  /// Ends the vault in good order.
  func close() throws {
    try vault.close()
    opened = nil
  }

  /// Ends the vault as a dying process does: what was acknowledged is in the store, and nothing
  /// else is finished.
  func crash() throws {
    try store.stopWriter()
    transport.forget()
    opened = nil
  }

  func reopen() throws {
    try close()
    try open()
  }
}

/// Why a vault does not write any more.
final class EndOfWriting: Sendable {
  private let noted = Mutex<StorageError?>(nil)

  var cause: StorageError? { noted.withLock { $0 } }

  func note(_ cause: StorageError) { noted.withLock { $0 = cause } }
}

// MARK: - Requests

extension TestVault {
  /// Sends a tokenize request; what is `wrong` with it beside the number comes in place of details.
  func tokenize(
    _ number: String, month: Int = 12, year: Int = 2028, preferring brand: Brand? = nil,
    customer: String? = nil, key: String? = nil, wrong: Problem? = nil, as name: String = "shop",
    actor: String? = nil, under generation: UInt64 = 1
  ) throws -> Reply<Answer> {
    guard let slot = slots.lease() else { throw Missing(what: "a slot") }
    let pan = try PAN.parse(Array(number.utf8).rawSpan, into: slot)
    let match = try BrandTable.standard.match(pan)
    let details = CardDetails(
      expiry: try Expiry(month: month, year: year), preferredBrand: brand,
      customer: customer.flatMap { CustomerReference($0) })
    let canonical = "tokenize \(month) \(year) \(brand?.name ?? "") \(customer ?? "")"
    let request = TokenizeRequest(
      number: pan, match: match, details: wrong.map { .failure($0) } ?? .success(details),
      idempotency: key.map { Idempotency(key: Array($0.utf8), requestDigest: digest(canonical)) })
    let reply = Reply<Answer>()
    try tokenizer.tokenize(
      request, caller: caller(name, actor: actor, under: generation), reply: { reply.send($0) })
    return reply
  }

  /// The token of a card that is stored, or found.
  func token(of number: String, as name: String = "shop") async throws -> Token {
    try await tokenize(number, as: name).value.token
  }

  /// Sends a tokenize request for a card that is stored.
  func renew(
    _ token: Token?, month: Int? = nil, year: Int? = nil, preferring brand: Brand? = nil,
    key: String? = nil, wrong: Problem? = nil, as name: String = "shop"
  ) throws -> Reply<Answer> {
    var expiry: Expiry?
    if let month, let year { expiry = try Expiry(month: month, year: year) }
    let renewal = CardRenewal(expiry: expiry, preferredBrand: brand)
    let canonical =
      "renew \(token?.text ?? "") \(month ?? 0) \(year ?? 0) \(brand?.name ?? "")"
    let request = RenewalRequest(
      token: token, renewal: wrong.map { .failure($0) } ?? .success(renewal), brands: .standard,
      idempotency: key.map { Idempotency(key: Array($0.utf8), requestDigest: digest(canonical)) })
    let reply = Reply<Answer>()
    try tokenizer.renew(request, caller: caller(name), reply: { reply.send($0) })
    return reply
  }

  func push(
    _ token: Token?, to acquirer: String = "credit-du-nord", amount: Int64 = 4_990,
    currency: String = "EUR", key: String = "key-1", wrong: Problem? = nil,
    as name: String = "shop", under generation: UInt64 = 1
  ) throws -> Reply<Answer> {
    guard let currency = Currency(code: currency) else { throw Missing(what: "a currency") }
    let payment = Payment(
      operation: .authorize, amount: try Money(value: amount, currency: currency),
      reference: PaymentReference("order-1042"), securityCode: nil, initiator: .cardholder,
      storedCredential: nil, threeDSecure: nil, scaExemption: nil)
    let canonical = "push \(token?.text ?? "") \(acquirer) \(amount) \(currency.code)"
    let request = PushRequest(
      token: token, acquirer: .success(acquirer),
      payment: wrong.map { .failure($0) } ?? .success(payment),
      idempotency: Idempotency(key: Array(key.utf8), requestDigest: digest(canonical)))
    let reply = Reply<Answer>()
    try tokenizer.push(request, caller: caller(name, under: generation), reply: { reply.send($0) })
    return reply
  }

  func pull(
    _ token: Token?, as name: String = "credit-du-nord", under generation: UInt64 = 1
  ) throws -> Reply<Result<ReleasedCard, Problem>> {
    let reply = Reply<Result<ReleasedCard, Problem>>()
    try tokenizer.pull(token, caller: caller(name, under: generation), reply: { reply.send($0) })
    return reply
  }

  func delete(
    _ token: Token?, as name: String = "shop", under generation: UInt64 = 1
  ) throws -> Reply<Answer> {
    let reply = Reply<Answer>()
    try tokenizer.delete(token, caller: caller(name, under: generation), reply: { reply.send($0) })
    return reply
  }

  func refuse(
    _ problem: Problem, operation: Operation? = .tokenize, token: Token? = nil,
    as name: String = "shop"
  ) throws -> Reply<Answer> {
    let reply = Reply<Answer>()
    try tokenizer.refuse(
      problem, operation: operation, token: token, caller: caller(name),
      reply: { reply.send($0) })
    return reply
  }

  private func caller(
    _ name: String, actor: String? = nil, under generation: UInt64 = 1
  ) throws -> Caller {
    try Cast.caller(name, actor: actor, under: generation, transport: transport)
  }

  /// Waits until everything that was asked before is done.
  func settle() throws { try store.perform { _ in } }

  /// What the service does in a second.
  func second() throws {
    time.pass(seconds: 1)
    try vault.tick()
    try settle()
  }

  private func digest(_ text: String) -> Digest256 { Digest256.sha256(Array(text.utf8).rawSpan) }
}

// MARK: - What came of them

extension TestVault {
  /// The lines of the audit log.
  func lines() throws -> [String] {
    let reader = AuditReader(try store)
    var lines: [String] = []
    var next: UInt64? = 0
    while let start = next {
      let page = try reader.page(from: start)
      lines += String(decoding: page.lines, as: UTF8.self).split(separator: "\n").map(String.init)
      next = page.next
    }
    return lines
  }

  /// The lines of the audit log without their sequences and times.
  func entries() throws -> [String] {
    try lines().map { line in
      guard let actor = line.firstRange(of: "\"actor\"") else { throw Missing(what: "an actor") }
      return "{" + line[actor.lowerBound...]
    }
  }

  /// What the verifier has against the audit log.
  func auditFinding() throws -> AuditVerification.Finding? {
    try AuditVerifier.verify(try store).finding
  }
}

extension Answer {
  var text: String { String(decoding: body, as: UTF8.self) }

  /// The member `name` of the body, where it is a string.
  func string(_ name: String) -> String? {
    guard let start = text.firstRange(of: "\"\(name)\":\"")?.upperBound else { return nil }
    return text[start...].firstIndex(of: "\"").map { String(text[start..<$0]) }
  }

  var token: Token {
    get throws {
      guard let token = string("token").flatMap({ Token($0) }) else {
        throw Missing(what: "a token in \(text)")
      }
      return token
    }
  }

  /// The NAME of a problem document.
  var problem: String? {
    string("type").map { String($0.dropFirst("urn:cadenas:problem:".utf8.count)) }
  }
}

/// The digits that were released, or the name of the problem; only tests make a text of them.
func text(of reply: Result<ReleasedCard, Problem>) -> String {
  switch reply {
  case .failure(let problem): return problem.name.rawValue
  case .success(let released): return digits(of: released.card)
  }
}

private func digits(of card: borrowing StoredCard) -> String {
  let digits = card.pan.digits
  return digits.text
}

extension TestVault {
  /// Flips a bit of the byte `index` of a card's record.
  func damage(_ token: Token, byte index: Int) throws {
    try change(token) { $0[index] ^= 1 }
  }

  /// Has the header of a card's record name another key.
  func name(_ key: KeyIdentifier, inRecordOf token: Token) throws {
    try change(token) { $0.replaceSubrange(1..<5, with: key.value.bigEndianBytes) }
  }

  private func change(_ token: Token, _ body: (inout [UInt8]) -> Void) throws {
    let key = token.array
    var record = try store.read { transaction -> [UInt8] in
      guard let value = try transaction.get(key.rawSpan, in: .cards) else { return [] }
      return value.array
    }
    guard !record.isEmpty else { throw Missing(what: "a record") }
    body(&record)
    let changed = record
    try store.perform { transaction in
      try transaction.put(key: key.rawSpan, value: changed.rawSpan, in: .cards)
    }
  }

  /// Removes the index of a vault that is closed.
  func removeIndex() throws {
    for name in ["index.mdb", "index.mdb-lock"] { unsafe unlink("\(directory.store)/\(name)") }
  }
}
