package import AccessPolicy
package import AuditLog
import CardStore
import Cards
package import Ledgers
package import Storage
package import Synchronization

/// What every operation writes with: the log, its alarms, the clocks, and, while the vault is open, what
/// needs the keyring. One batch of the store's is one of theirs: it is committed, or comes to nothing,
/// with all of them.
///
/// `@unchecked Sendable`: references are set once, and what is behind them says whose it is. The rest is
/// touched in batches alone, on the one thread that writes, which ``thread`` checks.
package final class Books: BatchParticipant, @unchecked Sendable {
  package let audit: AuditLog
  package let alarms: AlarmLedger
  /// Clients' refusals.
  package let refusals: RefusalLedger
  /// Those of operators, auditors, and whoever else can ask on the host.
  let userRefusals: RefusalLedger
  /// Those who came with a certificate that an authority vouches for, and are not served.
  package let rejected = StrangerLedger()
  /// Those who came with another's.
  package let strangers = StrangerLedger()
  package let clock: Clock
  package let digitFigures = DigitFigures()
  /// Says what has waited for long enough.
  package let watch: ClockWatch
  /// The name that what the store's audit key signs is signed as.
  package let origin: String
  /// Whether archived lines may still be there: at the start, and after an archive.
  package let archiveIsDue = Atomic(true)
  let unwritten = UnwrittenRefusals()

  private let tell: @Sendable (RaisedAlarm) -> Void
  private let thread = ThreadConfinement()
  /// What needs the keyring, as the open batch has it; nil while the vault is sealed.
  private var session: VaultSession?
  /// Alarms of the open batch, which are told once it is durable.
  private var raised: [RaisedAlarm] = []

  /// What the open batch does to the keyring.
  private enum Turn { case none, opens, seals }
  private var turn = Turn.none

  /// Takes up the log of `store`, and what else is read before the first batch.
  init(of store: Store, _ settings: Vault.Settings, clock: Clock) throws(VaultError) {
    try onLog(LogTree.addMissingNodes(to: store))
    audit = try onLog(AuditLog(restoringFrom: store))
    audit.tell = settings.tellOfEntry
    let honeytokens = try store.read { (transaction) throws(VaultError) in
      try onLedger(Honeytoken.tokens(in: transaction))
    }
    alarms = AlarmLedger(
      rules: settings.alarms.rules, honeytokens: Set(honeytokens.map(\.text)))
    refusals = RefusalLedger(storedPerMinute: settings.refusalsStoredPerMinute)
    userRefusals = RefusalLedger(storedPerMinute: settings.refusalsStoredPerMinute)
    origin = VerifierKey.name(ofStore: store.storeIdentifier.bytes)
    tell = settings.alarms.tell
    self.clock = clock
    watch = try onStore(ClockWatch(clock, log: audit, store: store))
  }

  // MARK: - Open or sealed

  /// Puts what needs the keyring in its place, with the open batch.
  func open(_ session: VaultSession) {
    thread.preconditionInThread()
    self.session = session
    turn = .opens
  }

  /// Gives up what needs the keyring when the open batch is durable.
  package func sealAfterBatch() {
    thread.preconditionInThread()
    turn = .seals
  }

  /// What needs the keyring; nil while the vault is sealed, and for what comes after the sealing in its
  /// batch.
  var openedOrNil: VaultSession? {
    thread.preconditionInThread()
    return turn == .seals ? nil : session
  }

  /// Whether there is a keyring. On the writer's thread.
  package var isOpen: Bool { openedOrNil != nil }

  /// What needs the keyring.
  ///
  /// - Throws: ``VaultError/sealed``.
  package func opened() throws(VaultError) -> VaultSession {
    guard let session = openedOrNil else { throw .sealed }
    return session
  }

  // MARK: - The batch

  package func batchWillCommit(
    _ transaction: inout StoreWriteTransaction
  ) throws(StorageError) {
    try session?.batchWillCommit(&transaction)
    if let seconds = watch.jumpSeconds() {
      try write(.clockJumped(bySeconds: seconds), in: &transaction)
    }
    try watch.keepRow(logEndsAt: audit.pendingMilliseconds, in: &transaction)
    try audit.batchWillCommit(&transaction)
  }

  package func batchDidCommit() {
    thread.preconditionInThread()
    audit.batchDidCommit()
    session?.batchDidCommit()
    watch.batchDidCommit()
    if turn == .seals { session = nil }
    turn = .none
    alarms.batchDidCommit()
    for alarm in raised { tell(alarm) }
    raised.removeAll()
  }

  package func batchDidAbort() {
    thread.preconditionInThread()
    audit.batchDidAbort()
    session?.batchDidAbort()
    watch.batchDidAbort()
    if turn == .opens { session = nil }
    turn = .none
    alarms.batchDidAbort()
    raised.removeAll()
  }

  // MARK: - Entries

  /// The present time, in Unix milliseconds.
  package var now: UInt64 { UInt64(clamping: clock.milliseconds()) }

  /// Appends an entry at the present time, and those of the alarms that it raises.
  ///
  /// - Returns: its sequence.
  @discardableResult
  package func record(
    _ entry: AuditEntry, in transaction: inout StoreWriteTransaction
  ) throws(VaultError) -> UInt64 {
    try onStore(write(entry, in: &transaction))
  }

  @discardableResult
  private func write(
    _ entry: AuditEntry, in transaction: inout StoreWriteTransaction
  ) throws(StorageError) -> UInt64 {
    thread.preconditionInThread()
    let sequence = try audit.append(
      entry, atMilliseconds: clock.milliseconds(), in: &transaction)
    try raise(alarms.note(entry, now: clock.monotonicNanoseconds), in: &transaction)
    return sequence
  }

  /// Appends the entries of alarms. No alarm is the cause of another: rules are not shown them.
  func raise(
    _ alarms: [Alarm], in transaction: inout StoreWriteTransaction
  ) throws(StorageError) {
    for alarm in alarms {
      let sequence = try audit.append(
        alarm.entry, atMilliseconds: clock.milliseconds(), in: &transaction)
      raised.append(RaisedAlarm(alarm: alarm, sequence: sequence))
    }
  }
}

/// Entries of counted refusals that could not be written yet.
final class UnwrittenRefusals: Sendable {
  private let counted = Mutex<[AuditEntry]>([])

  func add(_ more: [AuditEntry]) { counted.withLock { $0 += more } }

  func take() -> [AuditEntry] {
    counted.withLock { counted in
      defer { counted = [] }
      return counted
    }
  }
}
