package import Keyring
import RecordFormat
package import Storage

/// Looks at the rows of the idempotency table: whether each is whole and stands under its own key, and is
/// named by the table that orders them by their end.
///
/// An answer is sealed with its row's key. A row that has none yet is the one that its payment names.
package struct IdempotencyVerifier {
  /// Rows that are named.
  package static let mostNamed = 100

  /// What a look at every row found.
  package struct Result: Equatable, Sendable {
    /// Rows in the table.
    package var rows = 0
    /// Rows that are not whole, or do not stand where they should, the first ones by their keys.
    package var damaged: [RowKey] = []
    /// How many there are.
    package var damagedCount = 0
    /// Whether every row was looked at.
    package var isComplete = true

    /// Nothing yet.
    package init() {}
  }

  let contexts: KeyContexts

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
      guard try !isSound(row, under: key, in: transaction) else { return }
      result.damagedCount += 1
      if result.damaged.count < Self.mostNamed { result.damaged.append(RowKey(key)) }
    }
    return result
  }

  /// Whether a row is whole, stands under its own key, and has its entry in the order of expiry.
  func isSound(
    _ row: RawSpan, under key: RawSpan, in transaction: borrowing some StoreReading & ~Copyable
  ) throws(LedgerError) -> Bool {
    try state(of: row, under: key, in: transaction) == .sound
  }
}
