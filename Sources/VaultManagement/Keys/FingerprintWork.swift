import AuditLog
import CardStore
import Keyring
import Ledgers
import RecordFormat
import SecretMemory
import Storage
import Synchronization
import VaultCore

/// Fingerprints that are made anew after a rotation of their key.
///
/// While records do not open it does not come to its end: only the older table tells the numbers of their
/// cards from new ones. It looks again at a start, when damaged records were removed, and once an hour.
final class FingerprintTask: BackgroundTask {
  static let intervalNanoseconds: UInt64 = 3_600_000_000_000

  /// How long it waits before it looks again where it could not.
  private static let retryNanoseconds: UInt64 = 60_000_000_000

  private struct State {
    /// Records that did not open when it looked last.
    var unopened = 0
    /// When it is due, on the monotonic clock.
    var dueNanoseconds: UInt64 = 0
    /// Whether somebody wants another look than the one under way.
    var isWantedAgain = false
  }

  /// Held while the fingerprint key is rotated, or the table that it does not use is emptied.
  let turn = Mutex(())
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

  /// Records that did not open when it looked last, so that it does not come to its end; 0 where that is
  /// not so.
  var heldUpBy: Int { state.withLock { $0.unopened } }

  /// Whether it waits, held up, to look again.
  var isHeldUp: Bool {
    let now = books.clock.monotonicNanoseconds()
    return state.withLock { $0.unopened > 0 && $0.dueNanoseconds > now }
  }

  func isDue(in session: VaultSession) -> Bool {
    guard session.keys.current.replacedFingerprintKey != nil else { return false }
    let now = books.clock.monotonicNanoseconds()
    return state.withLock { $0.dueNanoseconds <= now }
  }

  /// Whether it is due again, after it was held up.
  func isDueAgain(in session: VaultSession) -> Bool { heldUpBy > 0 && isDue(in: session) }

  /// Has it look again: there may be nothing any more that holds it up.
  func lookAgain() {
    state.withLock {
      $0.isWantedAgain = true
      $0.dueNanoseconds = 0
    }
  }

  func run(_ work: BackgroundWork) throws(VaultError) {
    state.withLock { $0.isWantedAgain = false }
    do throws(VaultError) { try replace(work) } catch {
      // It is being built anew, and the table that is filled begins again.
      guard error != .cards(.indexUnreadable) else {
        _ = work.rest(after: .zero, atLeast: .seconds(1))
        return
      }
      // One that was held up is begun again by the clock, and not as often as that strikes.
      if heldUpBy > 0 { end(unopened: heldUpBy, next: Self.retryNanoseconds) }
      throw error
    }
  }

  private func end(unopened: Int, next: UInt64 = FingerprintTask.intervalNanoseconds) {
    let due = unopened == 0 ? 0 : books.clock.monotonicNanoseconds() + next
    state.withLock {
      $0.unopened = unopened
      $0.dueNanoseconds = $0.isWantedAgain ? 0 : due
    }
  }

  private func replace(_ work: BackgroundWork) throws(VaultError) {
    let keys = work.session.keys
    let total = try store.read { (transaction) throws(VaultError) in
      try onStore(transaction.count(of: .cards))
    }
    work.note { $0.total = UInt64(total) }
    let scan = try onCards(
      FingerprintScan(store: store, keyring: keys.current, slots: slots) { work.rest(after: $0) })
    guard let scan else { return }
    let unopened = try onCards(
      scan.run { opened in work.note { $0.done = UInt64(opened) } })
    guard let unopened else { return }
    end(unopened: unopened)
    guard unopened == 0 else { return }
    try store.perform { [books] (transaction) throws(VaultError) in
      let now = books.now
      let keys = try books.opened().keys
      let old = try onKeys(
        keys.change(in: &transaction) { (change) throws(KeyringError) in
          change.endFingerprintRotation(atMilliseconds: now)
        })
      guard let old else { return }
      try books.record(
        AuditEntry(
          actor: .system, operation: .keysDeactivate,
          key: old.text, outcome: .done, reason: "role=fingerprint"),
        in: &transaction)
    }
    try turn.withLock { (_) throws(VaultError) in
      try onCards(FingerprintScan.clearUnusedTable(store: store, keyring: keys.current))
    }
  }
}
