import Bytes
import Cards
import Cryptography
package import Keyring
import RecordFormat
package import Storage

/// Looks at the rows of the idempotency table: whether each is whole and stands under its own key, and is
/// named by the table that orders them by their end.
///
/// An answer is sealed with its row's key. A row that has none yet is the one that its payment names.
package struct IdempotencyVerifier {
  /// What a look at every row found.
  package struct Result: Equatable, Sendable {
    /// Rows in the table.
    package var rows = 0
    /// Rows that are not whole, or stand under another key than their own.
    package var damaged = 0
    /// Whether every row was looked at.
    package var isComplete = true
  }

  private let contexts: KeyContexts

  /// A verifier with contexts of its own, for the calling thread.
  package init(_ keyring: Keyring) { contexts = KeyContexts(keyring) }

  /// One for whose thread `contexts` are.
  init(_ contexts: KeyContexts) { self.contexts = contexts }

  /// Looks at every row, in short transactions, while others may write.
  ///
  /// - Parameter goesOn: asked after each; false gives up.
  package func verify(
    _ store: Store, goesOn: () -> Bool = { true }
  ) throws(LedgerError) -> Result {
    var result = Result()
    result.isComplete = try store.walk(
      over: .idempotency, goesOn: { () throws(LedgerError) in goesOn() }
    ) { (key, row, transaction) throws(LedgerError) in
      result.rows += 1
      if try !isSound(row, under: key, in: transaction) { result.damaged += 1 }
    }
    return result
  }

  /// Whether a row is whole, and stands under its own key.
  func isSound(
    _ row: RawSpan, under key: RawSpan, in transaction: borrowing some StoreReading & ~Copyable
  ) throws(LedgerError) -> Bool {
    guard let rowKey = Digest256(key), let parsed = try? IdempotencyRow(of: row) else {
      return false
    }
    switch parsed.state {
    case .running:
      guard let payment = parsed.payment else { return false }
      let name = PaymentLedger.key(payment)
      guard let owed = try onStore(transaction.get(name.rawSpan, in: .meta)?.array) else {
        return false
      }
      return owed.starts(with: rowKey.bytes)
    case .done(_, let dataKey):
      guard let context = try onCryptography(contexts.cipher(dataKey)),
        (try? IdempotencyRow.openAnswer(row, rowKey: rowKey, cipher: &context.base)) != nil
      else { return false }
      let order = parsed.expiresMilliseconds.bigEndianBytes + rowKey.bytes
      return try onStore(transaction.contains(order.rawSpan, in: .idempotencyExpiry))
    }
  }
}

extension Store {
  /// Notes what a look at every row of the idempotency table has found: from now on what is not found is
  /// not there, unless something is wrong.
  package func note(_ found: IdempotencyVerifier.Result) {
    guard found.isComplete else { return }
    set(.idempotency, isProven: found.damaged == 0)
  }
}
