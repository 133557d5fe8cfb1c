import AuditLog
import CardStore
import Cards
import Ledgers
import Storage
import VaultCore

/// What an idempotency key says of a tokenize request before it is done.
enum FirstAnswer {
  /// It counts as a new one.
  case none
  /// The key was given with another request.
  case reused
  /// It was answered before, and the replay has its entry.
  case answer(Answer)
}

extension VaultSession {
  /// Looks a tokenize request up.
  ///
  /// A first answer whose token is gone would be of no use to whoever asks: the request counts as a new
  /// one.
  /// - Throws: ``VaultError/refused(_:reason:)`` while the first request is running.
  func firstAnswer(
    to row: IdempotencyLedger.Row, _ caller: Caller, _ books: Books,
    in transaction: inout StoreWriteTransaction
  ) throws(VaultError) -> FirstAnswer {
    switch try onLedger(idempotency.find(row, in: &transaction)) {
    case .none: return .none
    case .running: throw .refused(Problem(.requestInProgress))
    case .reused: return .reused
    case .done(let first):
      guard try hasCard(first, in: &transaction) else { return .none }
      try books.record(
        AuditEntry(caller, operation: .tokenize, token: first.token, outcome: .replayed),
        in: &transaction)
      return .answer(Answer(first))
    }
  }

  /// Whether the card of an answer that was given is still there. A record that cannot be read is.
  private func hasCard(
    _ first: IdempotencyLedger.Kept, in transaction: inout StoreWriteTransaction
  ) throws(VaultError) -> Bool {
    guard let token = first.token else { return true }
    do throws(CardStoreError) {
      return try cards.merchant(of: token, in: &transaction) != nil
    } catch {
      if case .store(let error) = error { throw .store(error) }
      return true
    }
  }
}
