import AuditLog
import CardStore
import Keyring
import Ledgers
import SecretMemory
import Storage
import Synchronization
import VaultCore

/// Reads the whole store beside requests, after the start of one that is too large to be read before it,
/// and then once a day: every page of every table, every record, every kept answer, and the index.
///
/// It takes half of one processor's time, and a fifth while somebody asks for something. A page that is
/// not what its place says ends all writing: what stands on it may be missed, and would be written again.
/// A record or a row that is damaged does not; it, and whatever may be taken for it, is refused. A row of
/// which only the place is damaged is put back, and an index that does not say what the records do is
/// built anew.
final class ScrubTask: BackgroundTask {
  static let intervalNanoseconds: UInt64 = 86_400_000_000_000

  /// How long it waits before it begins again after it could not come to its end.
  private static let retryNanoseconds: UInt64 = 60_000_000_000

  private struct State {
    var status = ScrubStatus()
    /// When it is due, on the monotonic clock; nil before the vault was opened: whether what was read
    /// before that is all there is, is not known.
    var dueNanoseconds: UInt64?
    /// Whether somebody wants another look than the one under way.
    var isWantedAgain = false
    /// From when on the index is compared as soon as it can be, on the monotonic clock; nil where the last
    /// look did.
    var comparesFromNanoseconds: UInt64?
    /// What the log has been told of, until a look finds nothing.
    var told: Told?
  }

  /// What an entry was left about.
  private struct Told {
    let reason: String
    /// The first damaged records and rows; nil where they are not known.
    var entries: [String]?

    /// Whether `next` says nothing more than this.
    func covers(_ next: Told) -> Bool {
      guard reason == next.reason else { return false }
      guard let entries, let others = next.entries else { return true }
      return entries == others
    }
  }

  private let store: Store
  private let books: Books
  private let slots: SecretPool
  private let state = Mutex(State())

  init(_ vault: Vault) {
    store = vault.store
    books = vault.books
    slots = vault.settings.slots
  }

  var failure: String? { nil }
  /// How far it is, and what it found last.
  var status: ScrubStatus { state.withLock { $0.status } }

  /// Notes that the vault was opened; a store that is small has been read before that.
  func vaultWasOpened(_ session: VaultSession, _ work: BackgroundWork) {
    guard !store.isSmall else {
      end(
        ScrubFinding(
          damaged: session.damagedAtStart, secondTokens: session.secondTokensAtStart,
          isIndexCompared: session.keys.current.replacedFingerprintKey == nil))
      // It could only be read so far; what can be mended is now.
      if session.damagedRowsAtStart > 0 {
        lookAgain()
        work.wake()
      }
      return
    }
    state.withLock { $0.dueNanoseconds = $0.dueNanoseconds ?? 0 }
    work.wake()
  }

  /// Has it look again soon: what it found may be gone.
  func lookAgain() {
    state.withLock {
      $0.isWantedAgain = true
      $0.dueNanoseconds = 0
    }
  }

  func isDue(in session: VaultSession) -> Bool {
    let now = books.clock.monotonicNanoseconds()
    let (isDue, wantsComparison) = state.withLock { state in
      (
        state.dueNanoseconds.map { $0 <= now } ?? false,
        state.comparesFromNanoseconds.map { $0 <= now } ?? false
      )
    }
    return isDue || wantsComparison && canCompareIndex(in: session)
  }

  /// Whether there is an index to be compared that nobody knows to hold every card. While fingerprints are
  /// made anew, however long that is held up, no table holds all of them.
  private func canCompareIndex(in session: VaultSession) -> Bool {
    guard session.keys.current.replacedFingerprintKey == nil, store.hasIndex,
      let index = try? store.index
    else { return false }
    return !index.isCondemned && !index.isProven
  }

  func run(_ work: BackgroundWork) throws(VaultError) {
    let total = try onStore(
      store.read { (transaction) throws(StorageError) in
        try transaction.count(of: .cards)
      })
    state.withLock {
      $0.isWantedAgain = false
      $0.status.isRunning = true
      $0.status.done = 0
      $0.status.total = UInt64(total)
    }
    do throws(VaultError) {
      guard let finding = try read(work) else { return again() }
      end(finding)
    } catch {
      again()
      guard case .store(let damage) = error, damage.tellsOfDamage else { throw error }
      tell(Told(reason: damage.placeOfDamage))
      store.endWriting(because: damage)
    }
  }

  /// Reads everything; nil where it was stopped.
  private func read(_ work: BackgroundWork) throws(VaultError) -> ScrubFinding? {
    let began = Mutex(ContinuousClock.now)
    func goesOn() -> Bool {
      let took = ContinuousClock.now - began.withLock { $0 }
      defer { began.withLock { $0 = .now } }
      return work.rest(after: took, atLeast: took)
    }
    for table in Table.allCases where ![.cards, .idempotency].contains(table) {
      guard try onStore(store.readPages(of: table, goesOn: goesOn)) else { return nil }
    }
    let keyring = work.session.keys.current
    guard let rows = try readRows(keyring, goesOn) else { return nil }
    let verifier = try onCards(CardVerifier(store: store, keyring: keyring, slots: slots))
    let records = try onCards(
      verifier.verify(comparesIndex: true) { done in
        state.withLock { $0.status.done = UInt64(done) }
        return goesOn()
      })
    guard records.isComplete else { return nil }
    store.note(records)
    if !records.isIndexSound { store.condemnIndex("its entries are not those of the records") }
    return ScrubFinding(
      damaged: records.damagedCount + rows.damagedCount,
      named: records.damaged.map(\.text) + rows.damaged.map(\.text),
      secondTokens: records.secondTokenCount,
      isIndexWrong: !records.isIndexSound, isIndexCompared: records.missingFromIndex != nil)
  }

  /// Reads every kept answer, and once more where some could be put right; nil where it was stopped.
  private func readRows(
    _ keyring: Keyring, _ goesOn: () -> Bool
  ) throws(VaultError) -> IdempotencyVerifier.Result? {
    let verifier = IdempotencyVerifier(keyring)
    let first = try onLedger(verifier.verify(store, goesOn: goesOn))
    guard first.isComplete, first.damagedCount > 0 else { return first.isComplete ? first : nil }
    let mended = try store.perform { [books] (transaction) throws(VaultError) in
      let idempotency = try books.opened().idempotency
      return try onLedger(idempotency.mend(first.damaged, in: &transaction))
    }
    guard mended > 0 else { return first }
    let second = try onLedger(verifier.verify(store, goesOn: goesOn))
    return second.isComplete ? second : nil
  }

  private func again() {
    let now = books.clock.monotonicNanoseconds()
    state.withLock {
      $0.status.isRunning = false
      $0.dueNanoseconds = now + Self.retryNanoseconds
      if $0.comparesFromNanoseconds != nil { $0.comparesFromNanoseconds = $0.dueNanoseconds }
    }
  }

  private func end(_ finding: ScrubFinding) {
    let now = books.clock.monotonicNanoseconds()
    let ended = books.now
    state.withLock {
      $0.status.isRunning = false
      $0.status.endedMilliseconds = ended
      $0.status.damaged = UInt64(finding.damaged)
      $0.status.secondTokens = UInt64(finding.secondTokens)
      $0.dueNanoseconds = $0.isWantedAgain ? 0 : now + Self.intervalNanoseconds
      $0.comparesFromNanoseconds = finding.isIndexCompared ? nil : now + Self.retryNanoseconds
      // What is found after this is another one, though there may be as many.
      if finding.isSound { $0.told = nil }
    }
    if finding.isIndexWrong { tell(Told(reason: "index")) }
    if finding.damaged > 0 {
      tell(Told(reason: "records=\(finding.damaged)", entries: finding.named))
    }
  }

  /// Leaves an entry about damage, with its alarm, once for each.
  private func tell(_ next: Told) {
    let isNews = state.withLock { state in
      defer { state.told = next }
      return state.told?.covers(next) != true
    }
    guard isNews else { return }
    // Where it cannot be written, the end of writing says the same in the service's log.
    try? store.perform { [books] (transaction) throws(VaultError) in
      _ = try books.record(
        AuditEntry(
          actor: .system, operation: .storeVerify, outcome: .changed,
          reason: next.reason), in: &transaction)
    }
  }
}

/// What a look at the whole store found, of which every page could be read.
private struct ScrubFinding {
  /// Records and rows that are damaged.
  var damaged: Int
  /// The first of them; nil where they are not known.
  var named: [String]?
  /// Cards that have two tokens.
  var secondTokens: Int
  var isIndexWrong = false
  /// Whether the index was compared with the records.
  var isIndexCompared: Bool

  var isSound: Bool { damaged == 0 && !isIndexWrong }
}

/// How far the look at the whole store is, and what the last one found.
package struct ScrubStatus: Equatable, Sendable {
  package var isRunning = false
  /// Cards that were opened, of how many.
  package var done: UInt64 = 0
  package var total: UInt64 = 0
  /// When the last one came to its end, in Unix milliseconds; nil before that.
  package var endedMilliseconds: UInt64?
  /// Records and kept answers that were damaged then.
  package var damaged: UInt64 = 0
  /// Cards that had two tokens then.
  package var secondTokens: UInt64 = 0
}
