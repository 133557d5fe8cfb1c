import CardStore
import Keyring
import SecretMemory
import Storage

/// All that needs the keyring, and is there while it is open. When the last reference goes, so does
/// every key.
///
/// `@unchecked Sendable`: made by whoever opens the vault, then used by the writer thread alone, until
/// it is out of the writer's reach again.
final class OpenedVault: @unchecked Sendable {
  let keys: LiveKeyring
  let cards: CardStore
  let idempotency: IdempotencyLedger
  let payments: PaymentLedger
  /// Nil where guesses are not counted.
  let digits: SameDigits?

  init(
    store: Store, keys: LiveKeyring, slots: SecretPool, watch: ClockWatch, clock: Clock,
    digitLimits: DigitLimits, digitFigures: DigitFigures, progress: (Int) -> Void
  ) throws {
    self.keys = keys
    cards = try CardStore(store: store, keys: keys, slots: slots, progress: progress)
    let cipher = try AnswerCipher(keys: keys)
    idempotency = IdempotencyLedger(cipher: cipher, keyring: keys.current, watch: watch)
    payments = try PaymentLedger(
      in: store, keys: keys, randomNumber: { try cipher.randomNumber() })
    digits = try SameDigits(
      digitLimits, keyring: keys.current, store: store, clock: clock, figures: digitFigures)
  }

  func batchWillCommit(_ transaction: inout StoreWriteTransaction) throws {
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
