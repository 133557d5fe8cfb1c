import AuditLog
import CardStore
import Keyring
import RecordFormat
import Storage
import Synchronization

/// Fingerprints that are made anew after a rotation of their key.
extension KeyWorker {
  func replaceFingerprints() throws {
    let keyring = keys.current
    let total = try store.read { try $0.count(of: .cards) }
    state.withLock { $0.progress.total = UInt64(total) }
    let scan = try FingerprintScan(store: store, keyring: keyring, slots: slots) { [self] work in
      rest(after: work)
    }
    guard let scan else { return }
    let isComplete = try scan.run { opened in
      state.withLock { $0.progress.done = UInt64(opened) }
    }
    guard isComplete else { return }
    try store.perform { [core] transaction in
      let now = core.now
      let old = try core.open().keys.change(in: &transaction) {
        $0.endFingerprintRotation(atMilliseconds: now)
      }
      guard let old else { return }
      try core.record(
        AuditEntry(
          actor: AuditEntry.systemActor, operation: .keysDeactivate,
          key: old.text, outcome: .done, reason: "role=fingerprint"),
        in: &transaction)
    }
    try fingerprintTurn.withLock { _ in
      try FingerprintScan.clearUnusedTable(store: store, keyring: keys.current)
    }
  }
}
