package import AccessPolicy
package import AuditLog
import CardStore
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
  ///   - shareMinutes: for how long custodians' shares wait for the others.
  ///   - eraseKeyEncryptionKey: removes a KEK that is being destroyed from its source.
  ///   - explain: makes a sentence of an error that ended work on keys, and may log it.
  ///   - onEnd: called once when the disk has failed and nothing will be written any more.
  package static func start(
    store: Store, slots: SecretPool, transport: any AcquirerTransport, policy: Policy,
    clock: Clock, limits: WriterLimits, refusalsStoredPerMinute: Int,
    rules: KeyRules = KeyRules(), shareMinutes: Int = Vault.standardShareMinutes,
    eraseKeyEncryptionKey: @escaping @Sendable (KeyringEntry) throws -> Void = { _ in },
    explain: @escaping @Sendable (any Error) -> String = { "\($0)" },
    onEnd: @escaping @Sendable (StorageError) -> Void
  ) throws -> Vault {
    try LogTree.addMissingNodes(to: store)
    let core = WriterCore(
      audit: try AuditLog(restoringFrom: store),
      origin: VerifierKey.name(ofStore: store.storeIdentifier.bytes),
      refusals: RefusalLedger(storedPerMinute: refusalsStoredPerMinute), clock: clock)
    try store.startWriter(participants: [core], limits: limits, onEnd: onEnd)
    return Vault(
      store: store, core: core, slots: slots, transport: transport, policy: policy, rules: rules,
      shareMinutes: shareMinutes,
      eraseKeyEncryptionKey: eraseKeyEncryptionKey, explain: explain)
  }

  /// Starts the vault and opens it, as ``unseal(with:actor:progress:)`` does.
  ///
  /// - Parameters:
  ///   - slots: where cards lie while they are in memory.
  ///   - rules: cryptoperiods of new keys, and the bound of their use.
  ///   - progress: told how many records have been opened for the index.
  ///   - onEnd: called once when the disk has failed and nothing will be written any more.
  package static func open(
    store: Store, keyring: Keyring, slots: SecretPool, transport: any AcquirerTransport,
    policy: Policy, clock: Clock, limits: WriterLimits, refusalsStoredPerMinute: Int,
    rules: KeyRules = KeyRules(),
    eraseKeyEncryptionKey: @escaping @Sendable (KeyringEntry) throws -> Void = { _ in },
    progress: (Int) -> Void = { _ in }, onEnd: @escaping @Sendable (StorageError) -> Void
  ) throws -> Vault {
    let vault = try start(
      store: store, slots: slots, transport: transport, policy: policy, clock: clock,
      limits: limits, refusalsStoredPerMinute: refusalsStoredPerMinute, rules: rules,
      eraseKeyEncryptionKey: eraseKeyEncryptionKey, onEnd: onEnd)
    do {
      try vault.unseal(with: keyring, actor: nil, progress: progress)
    } catch {
      store.stopWriter()
      throw error
    }
    return vault
  }

  /// Writes what is due: refusals that were counted, the end of old idempotency keys, a checkpoint of
  /// the log. Call it about once a second.
  package func tick() {
    expireShares()
    maintain(endingRefusalsAt: core.clock.monotonicNanoseconds())
  }

  private func maintain(endingRefusalsAt now: UInt64, isLast: Bool = false) {
    let counted = core.unwritten.take() + core.refusals.flush(now: now)
    submitMaintenance(counted, isLast: isLast)
  }

  private func submitMaintenance(
    _ counted: [RefusalLedger.Counted], archiveFrom start: UInt64? = nil, isLast: Bool = false
  ) {
    let isDue = core.archiveIsDue.exchange(false, ordering: .relaxed)
    store.submit(
      MaintenanceJob(
        counted, archiveFrom: start ?? (isDue ? 0 : nil), isLast: isLast, core: core
      ) { [weak self] start in self?.submitMaintenance([], archiveFrom: start) })
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

/// Writes counted refusals and a checkpoint, and removes expired idempotency keys and archived lines.
///
/// `@unchecked Sendable`: handed to the store once; from then on only the writer thread touches it.
private final class MaintenanceJob: WriteJob, @unchecked Sendable {
  let admission = Admission.reserved
  private let counted: [RefusalLedger.Counted]
  private let archiveStart: UInt64?
  private let isLast: Bool
  private let core: WriterCore
  private let again: @Sendable (UInt64?) -> Void
  private var hasMore = false
  private var archiveNext: UInt64?

  /// - Parameters:
  ///   - archiveFrom: where to look for archived lines; nil where none are expected.
  ///   - isLast: whether the vault is being closed.
  ///   - again: called where something is left, with where to go on with archived lines.
  init(
    _ counted: [RefusalLedger.Counted], archiveFrom: UInt64?, isLast: Bool, core: WriterCore,
    again: @escaping @Sendable (UInt64?) -> Void
  ) {
    self.counted = counted
    archiveStart = archiveFrom
    self.isLast = isLast
    self.core = core
    self.again = again
  }

  func apply(_ transaction: inout StoreWriteTransaction) throws {
    for refusals in counted {
      try core.record(
        AuditEntry(
          actor: refusals.client, operation: AuditWord.Operation.refusals,
          outcome: AuditWord.Outcome.counted, reason: String(refusals.count)),
        in: &transaction)
    }
    // What is remembered belongs to an open vault.
    hasMore = try core.opened?.idempotency.purge(in: &transaction) ?? false
    if let archiveStart, !isLast {
      archiveNext = try core.removeArchived(from: archiveStart, in: &transaction)
    }
    try core.signCheckpoint(stays: isLast, in: &transaction)
  }

  func complete(_ result: Result<Void, any Error>) {
    switch result {
    // One job removes a bounded number of rows, so that those who wait beside it do not wait long.
    case .success where hasMore || archiveNext != nil: again(archiveNext)
    case .success: break
    case .failure:
      core.unwritten.add(counted)
      if archiveStart != nil { core.archiveIsDue.store(true, ordering: .relaxed) }
    }
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
      try idempotency.closeUnknown(
        rowKey: open.rowKey, payment: open.identifier, in: &transaction)
      try payments.end(open.identifier, in: &transaction)
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
