import Cards
package import Keyring
import RecordFormat
package import SecretMemory
package import Storage

/// Adds the cards that came before a rotation of the fingerprint key to the new table, while the
/// store is served. It can be stopped, and goes on from the table's mark, which stays before the first
/// record that does not open: what the older table has of that card is lost with it.
package struct FingerprintScan {
  private let file: IndexFile
  private let catchUp: IndexCatchUp
  private let store: Store

  /// A scan for the rotation that `keyring` is in, with contexts of its own for the calling thread.
  /// Nil where there is none.
  ///
  /// - Parameter rest: called after each piece of work with the time that it took, so that it can
  ///   give way to requests; false stops the scan.
  package init?(
    store: Store, keyring: Keyring, slots: SecretPool, rest: @escaping (Duration) -> Bool
  ) throws(CardStoreError) {
    guard let replaced = keyring.replacedFingerprintKey?.identifier else { return nil }
    self.store = store
    let active = keyring.activeFingerprintKey.identifier
    let old = try IndexFile(store: store, fingerprintKey: replaced, besides: [active])
    file = old.other(for: active)
    var pace = IndexCatchUp.Pace()
    pace.recordsPerRead = 1_000
    pace.entriesPerTransaction = 1_000
    pace.clears = false
    pace.passesUnopened = false
    pace.rest = rest
    catchUp = IndexCatchUp(
      store: store, file: file, cipher: try CardCipher(keyring: keyring, slots: slots), pace: pace)
  }

  /// Adds every card that there is now.
  ///
  /// - Parameter progress: told how many records have been opened in this run.
  /// - Returns: how many records do not open, so that their cards are in the older table alone; nil where
  ///   it was stopped.
  /// - Throws: ``CardStoreError/indexUnreadable`` also where the index has been begun anew meanwhile.
  package func run(progress: (Int) -> Void) throws(CardStoreError) -> Int? {
    let outcome = try catchUp.run(upTo: try NewestToken.read(in: store), progress: progress)
    guard (try? store.index) === file.index else { throw .indexUnreadable }
    return outcome?.unopened
  }

  /// Empties the table that no key in force belongs to.
  package static func clearUnusedTable(
    store: Store, keyring: Keyring
  ) throws(CardStoreError) {
    guard keyring.replacedFingerprintKey == nil else { return }
    let active = try IndexFile(
      store: store, fingerprintKey: keyring.activeFingerprintKey.identifier)
    try active.other(for: active.fingerprintKey).clear()
  }
}
