package import CardStore
package import Keyring
package import Ledgers
import Storage

/// All that needs the keyring, and is there while it is open. When the last reference goes, so does
/// every key.
///
/// `@unchecked Sendable`: made by whoever opens the vault, then used by the writer's thread alone, which
/// ``Books`` checks, until it is out of the writer's reach again; but for ``keys``, which says of each
/// member whose it is.
package final class VaultSession: @unchecked Sendable {
  package let keys: LiveKeyring
  package let cards: CardStore
  package let idempotency: IdempotencyLedger
  package let payments: PaymentLedger
  /// Records and rows of a small store that were found damaged when it was opened; a large one is read
  /// later.
  package let damagedAtStart: Int
  /// How many of these are rows.
  package let damagedRowsAtStart: Int
  /// Cards of a small store that were found to have two tokens when it was opened.
  package var secondTokensAtStart: Int { cards.foundAtStart?.secondTokenCount ?? 0 }
  /// Nil where guesses are not counted.
  package let digits: SameDigits?

  /// - Parameter progress: told how many records have been opened for the index.
  init(
    _ keyring: Keyring, in store: Store, _ books: Books, _ settings: Vault.Settings,
    progress: (Int) -> Void = { _ in }
  ) throws(VaultError) {
    keys = try onKeys(LiveKeyring(keyring, in: store, sealBound: settings.rules.sealBound))
    cards = try onCards(
      CardStore(store: store, keys: keys, slots: settings.slots, progress: progress))
    let cipher = try onLedger(AnswerCipher(keys: keys))
    idempotency = IdempotencyLedger(cipher: cipher, keyring: keys.current, watch: books.watch)
    payments = try onLedger(PaymentLedger(in: store, keys: keys, cipher: cipher))
    digits = try onLedger(
      SameDigits(
        settings.digitLimits, keyring: keys.current, store: store, clock: books.clock,
        figures: books.digitFigures))
    damagedRowsAtStart = try Self.checkSmallStore(store, keyring)
    damagedAtStart = (cards.foundAtStart?.damagedCount ?? 0) + damagedRowsAtStart
  }

  /// Reads every row of the idempotency table of a small store; returns how many are damaged.
  private static func checkSmallStore(
    _ store: Store, _ keyring: Keyring
  ) throws(VaultError) -> Int {
    guard store.isSmall else { return 0 }
    return try onLedger(IdempotencyVerifier(keyring).verify(store)).damagedCount
  }

  func batchWillCommit(_ transaction: inout StoreWriteTransaction) throws(StorageError) {
    try cards.batchWillCommit(&transaction)
    try keys.batchWillCommit(&transaction)
  }

  func batchDidCommit() {
    cards.batchDidCommit()
    digits?.batchDidCommit()
    idempotency.batchDidCommit()
    guard let keyring = keys.batchDidCommit() else { return }
    idempotency.adopt(keyring)
    cards.adopt(keyring)
  }

  func batchDidAbort() {
    cards.batchDidAbort()
    digits?.batchDidAbort()
    idempotency.batchDidAbort()
    keys.batchDidAbort()
  }
}
