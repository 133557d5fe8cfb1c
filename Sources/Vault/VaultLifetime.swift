package import AccessPolicy
package import AuditLog
internal import Bytes
import CardStore
import Cards
package import Keyring
package import RecordFormat
package import SecretMemory
package import Storage
import Synchronization

extension Vault {
  /// For how long custodians' shares wait for the others, where nothing else is said.
  package static let standardShareMinutes = 15

  /// Starts the writer over a store, and leaves the vault sealed.
  ///
  /// - Parameters:
  ///   - slots: where cards lie while they are in memory.
  ///   - rules: cryptoperiods of new keys, and the bound of their use.
  ///   - digitLimits: what bounds guesses at card numbers.
  ///   - shareMinutes: for how long custodians' shares wait for the others.
  ///   - eraseKeyEncryptionKey: removes a KEK that is being destroyed from its source.
  ///   - explain: makes a sentence of an error that ended work on keys, and may log it.
  ///   - alarms: what the vault watches for.
  ///   - onEnd: called once when the disk has failed and nothing will be written any more.
  package static func start(
    store: Store, slots: SecretPool, transport: any AcquirerTransport, policy: Policy,
    clock: Clock, limits: WriterLimits, refusalsStoredPerMinute: Int,
    rules: KeyRules = KeyRules(), digitLimits: DigitLimits = DigitLimits(),
    shareMinutes: Int = Vault.standardShareMinutes,
    eraseKeyEncryptionKey: @escaping @Sendable (KeyringEntry) throws -> Void = { _ in },
    explain: @escaping @Sendable (any Error) -> String = { "\($0)" },
    alarms: AlarmWatch = AlarmWatch(),
    onEnd: @escaping @Sendable (StorageError) -> Void
  ) throws -> Vault {
    try LogTree.addMissingNodes(to: store)
    let audit = try AuditLog(restoringFrom: store)
    let core = WriterCore(
      audit: audit,
      origin: VerifierKey.name(ofStore: store.storeIdentifier.bytes),
      refusals: RefusalLedger(storedPerMinute: refusalsStoredPerMinute),
      alarms: AlarmLedger(
        rules: alarms.rules,
        honeytokens: Set(try store.read { try Honeytoken.tokens(in: $0) }.map(\.text))),
      policies: PolicyInForce(policy), tell: alarms.tell, clock: clock,
      watch: try ClockWatch(clock, log: audit, store: store))
    try store.startWriter(participants: [core], limits: limits, onEnd: onEnd)
    return Vault(
      store: store, core: core, slots: slots, transport: transport, rules: rules,
      digitLimits: digitLimits, shareMinutes: shareMinutes,
      eraseKeyEncryptionKey: eraseKeyEncryptionKey, explain: explain)
  }

  /// Starts the vault and opens it, as ``unseal(with:actor:progress:)`` does.
  ///
  /// - Parameters:
  ///   - slots: where cards lie while they are in memory.
  ///   - rules: cryptoperiods of new keys, and the bound of their use.
  ///   - digitLimits: what bounds guesses at card numbers.
  ///   - alarms: what the vault watches for.
  ///   - progress: told how many records have been opened for the index.
  ///   - onEnd: called once when the disk has failed and nothing will be written any more.
  package static func open(
    store: Store, keyring: Keyring, slots: SecretPool, transport: any AcquirerTransport,
    policy: Policy, clock: Clock, limits: WriterLimits, refusalsStoredPerMinute: Int,
    rules: KeyRules = KeyRules(), digitLimits: DigitLimits = DigitLimits(),
    eraseKeyEncryptionKey: @escaping @Sendable (KeyringEntry) throws -> Void = { _ in },
    alarms: AlarmWatch = AlarmWatch(),
    progress: (Int) -> Void = { _ in }, onEnd: @escaping @Sendable (StorageError) -> Void
  ) throws -> Vault {
    let vault = try start(
      store: store, slots: slots, transport: transport, policy: policy, clock: clock,
      limits: limits, refusalsStoredPerMinute: refusalsStoredPerMinute, rules: rules,
      digitLimits: digitLimits,
      eraseKeyEncryptionKey: eraseKeyEncryptionKey, alarms: alarms, onEnd: onEnd)
    do {
      try vault.unseal(with: keyring, actor: nil, progress: progress)
    } catch {
      store.stopWriter()
      throw error
    }
    return vault
  }

  /// Writes what is due: refusals that were counted and their alarms, the end of old idempotency keys,
  /// a checkpoint of the log. Call it about once a second.
  package func tick() {
    expireShares()
    maintain(endingRefusalsAt: core.clock.monotonicNanoseconds())
  }

  private func maintain(endingRefusalsAt now: UInt64, isLast: Bool = false) {
    let isDue = core.archiveIsDue.exchange(false, ordering: .relaxed)
    submit(
      Maintenance(
        refusals: core.unwritten.take() + core.refusals.flush(now: now),
        alarms: core.alarms.takeWaiting(), archiveStart: isDue ? 0 : nil, isLast: isLast))
    store.submit(CheckpointJob(stays: isLast, core: core, explain: explain))
  }

  private func submit(_ maintenance: Maintenance) {
    store.submit(
      MaintenanceJob(maintenance, core: core) { [weak self] rest in self?.submit(rest) })
  }

  /// Stops the writer after everything that was accepted, and writes the fingerprint index out.
  package func close() {
    opening.close { session in
      session?.worker.stop()
      maintain(endingRefusalsAt: .max, isLast: true)
      store.stopWriter()
      session?.opened.cards.flushIndex()
    }
  }

  /// Appends an entry about what an operator or auditor did, and waits until it is durable.
  package func record(_ entry: AuditEntry) throws {
    try store.perform { [core] transaction in try core.record(entry, in: &transaction) }
  }
}

extension WriterCore {
  /// Gives each payment that has an intent and no outcome the outcome `unknown`, cause `restart`: it may
  /// have been sent, and is never sent again.
  func closeOpenPayments(in transaction: inout StoreWriteTransaction) throws {
    let payments = try payments
    for open in try PaymentLedger.open(in: transaction) {
      var entry = try intent(open.intentSequence, in: &transaction)
      entry.outcome = AuditWord.Outcome.unknown
      entry.reason = "restart"
      try record(entry, in: &transaction)
      try payments.end(open.identifier, in: &transaction)
      try idempotency.closeUnknown(
        rowKey: open.rowKey, payment: open.identifier, in: &transaction)
    }
  }

  private func intent(
    _ sequence: UInt64, in transaction: inout StoreWriteTransaction
  ) throws -> AuditEntry {
    let key = sequence.bigEndianBytes
    guard let line = try transaction.get(key.rawSpan, in: .audit),
      let logged = LoggedEntry(line: line)
    else { throw VaultError.malformedRow }
    return logged.entry
  }
}
