import AccessPolicy
import AuditLog
import CardStore
import Cards
import Storage
import VaultCore

/// Deletes one card of the merchant that asks.
struct DeleteOperation: ClientOperation {
  static let operation = Operation.delete

  let token: Token?

  func apply(
    _ books: Books, for caller: Caller, in transaction: inout StoreWriteTransaction
  ) throws(VaultError) -> Answer {
    let merchant = try caller.requireMerchant()
    let cards = try books.opened().cards
    guard let token,
      try onCards(cards.delete(token, merchant: merchant.number, in: &transaction))
    else { throw .refused(Problem(.tokenNotFound)) }
    try books.record(
      AuditEntry(caller, operation: .delete, token: token, outcome: .deleted), in: &transaction)
    return .deleted
  }
}
