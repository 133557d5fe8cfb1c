package import AccessPolicy
package import AuditLog
import CardStore
package import Keyring
package import SecretMemory
package import Storage

extension Vault {
  /// Opens the vault over a store and its keyring: brings the fingerprint index up to date, starts the
  /// writer, and closes payments that a former process left open.
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
    progress: (Int) -> Void = { _ in }, onEnd: @escaping @Sendable (StorageError) -> Void
  ) throws -> Vault {
    let keys = try LiveKeyring(keyring, in: store, sealBound: rules.sealBound)
    let core = WriterCore(
      audit: try AuditLog(restoringFrom: store),
      origin: VerifierKey.name(ofStore: store.storeIdentifier.bytes),
      refusals: RefusalLedger(storedPerMinute: refusalsStoredPerMinute), clock: clock)
    core.put(
      try OpenedVault(store: store, keys: keys, slots: slots, clock: clock, progress: progress))
    try store.startWriter(participants: [core], limits: limits, onEnd: onEnd)
    let vault = Vault(
      store: store, core: core, transport: transport, policy: policy, keys: keys, rules: rules,
      worker: KeyWorker(store: store, core: core, keys: keys, slots: slots))
    do {
      try store.perform { transaction in try core.closeOpenPayments(in: &transaction) }
      // What a former process left unfinished goes on.
      try vault.worker.wake()
    } catch {
      store.stopWriter()
      throw error
    }
    return vault
  }

  /// Writes what is due: refusals that were counted, the end of old idempotency keys. Call it about
  /// once a second.
  package func tick() {
    maintain(endingRefusalsAt: core.clock.monotonicNanoseconds())
  }

  private func maintain(endingRefusalsAt now: UInt64) {
    let counted = core.unwritten.take() + core.refusals.flush(now: now)
    submitMaintenance(counted)
  }

  private func submitMaintenance(_ counted: [RefusalLedger.Counted]) {
    store.submit(
      MaintenanceJob(counted, core: core) { [weak self] in self?.submitMaintenance([]) })
  }

  /// Stops the writer after everything that was accepted, and writes the fingerprint index out.
  package func close() {
    worker.stop()
    maintain(endingRefusalsAt: .max)
    store.stopWriter()
    core.opened?.cards.flushIndex()
  }

  /// Appends an entry about what an operator or auditor did, and waits until it is durable.
  package func record(_ entry: AuditEntry) throws {
    try store.perform { [core] transaction in try core.record(entry, in: &transaction) }
  }
}

/// Writes counted refusals, and removes expired idempotency keys.
///
/// `@unchecked Sendable`: handed to the store once; from then on only the writer thread touches it.
private final class MaintenanceJob: WriteJob, @unchecked Sendable {
  let admission = Admission.reserved
  private let counted: [RefusalLedger.Counted]
  private let core: WriterCore
  private let again: @Sendable () -> Void
  private var hasMore = false

  init(
    _ counted: [RefusalLedger.Counted], core: WriterCore, again: @escaping @Sendable () -> Void
  ) {
    self.counted = counted
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
    hasMore = try core.idempotency.purge(in: &transaction)
  }

  func complete(_ result: Result<Void, any Error>) {
    switch result {
    // One job removes a bounded number of rows, so that those who wait beside it do not wait long.
    case .success where hasMore: again()
    case .success: break
    case .failure: core.unwritten.add(counted)
    }
  }
}

extension WriterCore {
  /// Gives each payment that has an intent and no outcome the outcome `unknown`, cause `restart`: it may
  /// have been sent, and is never sent again.
  func closeOpenPayments(in transaction: inout StoreWriteTransaction) throws {
    for open in try payments.open(in: &transaction) {
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
