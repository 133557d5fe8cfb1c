import AccessPolicy
import AuditLog
import CardStore
import Cards
import Keyring
import Storage
import Synchronization

/// What jobs share while the writer thread applies them.
///
/// `@unchecked Sendable`: references are set once; what stands behind them is touched only by
/// `WriteJob.apply` and `BatchParticipant`, which the store calls on its one writer thread.
final class WriterCore: BatchParticipant, @unchecked Sendable {
  let audit: AuditLog
  /// What needs the keyring; nil while the vault is sealed.
  private(set) var opened: OpenedVault?
  let refusals: RefusalLedger
  let unwritten = UnwrittenRefusals()
  let alarms: AlarmLedger
  let policies: PolicyInForce
  let clock: Clock
  let digitFigures = DigitFigures()
  /// Says what has waited for long enough.
  let watch: ClockWatch
  /// The name that what the store's audit key signs is signed as.
  let origin: String
  /// Whether archived lines may still be there: at the start, and after an archive.
  let archiveIsDue = Atomic(true)

  init(
    audit: AuditLog, origin: String, refusals: RefusalLedger, alarms: AlarmLedger,
    policies: PolicyInForce, tell: @escaping @Sendable (RaisedAlarm) -> Void, clock: Clock,
    watch: ClockWatch
  ) {
    self.audit = audit
    self.origin = origin
    self.refusals = refusals
    self.alarms = alarms
    self.policies = policies
    self.tell = tell
    self.clock = clock
    self.watch = watch
  }

  private let tell: @Sendable (RaisedAlarm) -> Void
  /// Alarms of the open batch, which are told once it is durable.
  private var raised: [RaisedAlarm] = []

  /// What the open batch does to the keyring.
  private enum Turn { case none, opens, seals }
  private var turn = Turn.none

  /// Puts what needs the keyring in its place, with the open batch.
  func put(_ opened: OpenedVault) {
    self.opened = opened
    turn = .opens
  }

  /// Gives up what needs the keyring when the open batch is durable.
  func sealAfterBatch() { turn = .seals }

  /// What needs the keyring.
  func open() throws(VaultError) -> OpenedVault {
    guard let opened else { throw .sealed }
    return opened
  }

  var cards: CardStore { get throws(VaultError) { try open().cards } }
  var idempotency: IdempotencyLedger { get throws(VaultError) { try open().idempotency } }
  var payments: PaymentLedger { get throws(VaultError) { try open().payments } }

  func batchWillCommit(_ transaction: inout StoreWriteTransaction) throws {
    try opened?.batchWillCommit(&transaction)
    if let seconds = watch.jumpSeconds() {
      try record(.clockJumped(bySeconds: seconds), in: &transaction)
    }
    try watch.keepRow(logEndsAt: audit.pendingMilliseconds, in: &transaction)
    try audit.batchWillCommit(&transaction)
  }

  func batchDidCommit() {
    audit.batchDidCommit()
    opened?.batchDidCommit()
    watch.batchDidCommit()
    if turn == .seals { opened = nil }
    turn = .none
    alarms.batchDidCommit()
    for alarm in raised { tell(alarm) }
    raised.removeAll()
  }

  func batchDidAbort() {
    audit.batchDidAbort()
    opened?.batchDidAbort()
    watch.batchDidAbort()
    if turn == .opens { opened = nil }
    turn = .none
    alarms.batchDidAbort()
    raised.removeAll()
  }

  /// The present time, in Unix milliseconds.
  var now: UInt64 { UInt64(clamping: clock.milliseconds()) }

  /// Appends an entry at the present time, and those of the alarms that it raises.
  @discardableResult
  func record(
    _ entry: AuditEntry, in transaction: inout StoreWriteTransaction
  ) throws -> UInt64 {
    let sequence = try audit.append(
      entry, atMilliseconds: clock.milliseconds(), in: &transaction)
    try raise(
      alarms.note(entry, now: clock.monotonicNanoseconds), in: &transaction)
    return sequence
  }

  /// Appends the entries of alarms. No alarm is the cause of another: rules are not shown them.
  func raise(_ alarms: [Alarm], in transaction: inout StoreWriteTransaction) throws {
    for alarm in alarms {
      let sequence = try audit.append(
        alarm.entry, atMilliseconds: clock.milliseconds(), in: &transaction)
      raised.append(RaisedAlarm(alarm: alarm, sequence: sequence))
    }
  }

  /// Appends the entry of a refusal, unless it tells of the service's state alone, or `isCounted`:
  /// then it is one of a number told later.
  ///
  /// - Parameters:
  ///   - acquirer: the acquirer that a merchant named and may use.
  ///   - reason: what the entry says in place of the problem's name.
  func recordRefusal(
    _ problem: Problem, caller: Caller, operation: String, token: Token?, acquirer: String? = nil,
    reason: String? = nil, isCounted: @autoclosure () -> Bool,
    in transaction: inout StoreWriteTransaction
  ) throws {
    if problem.name.isServiceState { return }
    var entry = AuditEntry(
      problem, caller: caller, operation: operation, token: token, acquirer: acquirer)
    if let reason { entry.reason = reason }
    if isCounted() {
      alarms.noteCounted(entry, from: .batch, now: clock.monotonicNanoseconds)
    } else {
      try record(entry, in: &transaction)
    }
  }
}

/// Counted refusals whose entry could not be written yet.
final class UnwrittenRefusals: Sendable {
  private let counted = Mutex<[RefusalLedger.Counted]>([])

  func add(_ more: [RefusalLedger.Counted]) { counted.withLock { $0 += more } }

  func take() -> [RefusalLedger.Counted] {
    counted.withLock { counted in
      defer { counted = [] }
      return counted
    }
  }
}

/// Whether a client's next refusal gets an entry of its own: decided once for each request, so that a
/// batch that is applied again does not count it twice.
struct RefusalDecision {
  private var isCounted: Bool?

  mutating func isCounted(_ core: WriterCore, actor: String) -> Bool {
    if let isCounted { return isCounted }
    let decided =
      core.refusals.record(client: actor, now: core.clock.monotonicNanoseconds()) == .count
    isCounted = decided
    return decided
  }
}

extension Problem {
  /// The active data key has no seal left for what was asked. Pulls and deletions need none.
  static let dataKeyUsedUp = Problem(
    .unavailable,
    detail: "The data key is used up: it has sealed as often as keys.most_seals allows. "
      + "An operator has to replace it (cadenas keys rotate data); then it goes on.")

  /// What the client is told when its card cannot be had.
  init(_ error: CardStoreError) {
    switch error {
    case .recordDoesNotOpen, .unknownKey, .malformedRow: self.init(.internalError)
    case .noSecretMemory: self.init(.overloaded)
    case .indexIsBehind: self.init(.storeFull)
    case .indexUnreadable:
      self.init(
        .unavailable, detail: "The index of card numbers is being built anew. Try again later.")
    case .tokensExhausted, .cipher: self.init(.internalError)
    case .store(let error): self.init(failure: error)
    case .keys(let error): self.init(failure: error)
    }
  }

  /// What the client is told when its job could not be committed.
  init(failure: any Error) {
    if let failure = failure as? VaultError, failure == .sealed {
      self.init(.sealed)
      return
    }
    if let failure = failure as? CardStoreError {
      self.init(failure)
      return
    }
    if let failure = failure as? KeyringError, case .keyUsedUp = failure {
      self = .dataKeyUsedUp
      return
    }
    guard let failure = failure as? StorageError else {
      self.init(.internalError)
      return
    }
    switch failure {
    case .full: self.init(.storeFull)
    case .overloaded: self.init(.overloaded)
    case .stopped: self.init(.shuttingDown)
    case .writingEnded:
      self.init(
        .unavailable, detail: "The disk failed; nothing is written until the service is restarted.")
    case .locked, .notInitialized, .alreadyInitialized, .alreadyExists, .truncated, .damaged,
      .unknownFormat, .mapTooSmall, .cancelled, .engine, .system:
      self.init(.internalError)
    }
  }
}
