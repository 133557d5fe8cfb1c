import AuditLog
import CardStore
import Keyring
import RecordFormat
import SecretMemory
import Storage
import Synchronization
import VaultCore

/// Fingerprints that are made anew after a rotation of their key.
final class FingerprintTask: BackgroundTask {
  /// Held while the fingerprint key is rotated, or the table that it does not use is emptied.
  let turn = Mutex(())
  private let store: Store
  private let books: Books
  private let slots: SecretPool

  init(_ vault: Vault) {
    store = vault.store
    books = vault.books
    slots = vault.settings.slots
  }

  var failure: String? { nil }

  func isDue(in session: VaultSession) -> Bool {
    session.keys.current.replacedFingerprintKey != nil
  }

  func run(_ work: BackgroundWork) throws(VaultError) {
    do throws(VaultError) { try replace(work) } catch {
      // It is being built anew, and the table that is filled begins again.
      guard error == .cards(.indexUnreadable) else { throw error }
      _ = work.rest(after: .zero, atLeast: .seconds(1))
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
    let isComplete = try onCards(
      scan.run { opened in work.note { $0.done = UInt64(opened) } })
    guard isComplete else { return }
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
          actor: AuditEntry.systemActor, operation: .keysDeactivate,
          key: old.text, outcome: .done, reason: "role=fingerprint"),
        in: &transaction)
    }
    try turn.withLock { (_) throws(VaultError) in
      try onCards(FingerprintScan.clearUnusedTable(store: store, keyring: keys.current))
    }
  }
}
