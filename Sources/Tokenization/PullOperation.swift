import AccessPolicy
import AuditLog
import CardStore
import Cards
import Storage
import VaultCore

/// Reads one card for the acquirer that asks, behind a durable audit entry.
struct PullOperation: ClientOperation {
  static let operation = Operation.detokenize

  let token: Token?

  func apply(
    _ books: Books, for caller: Caller, in transaction: inout StoreWriteTransaction
  ) throws(VaultError) -> ReleasedCard {
    guard let acquirer = caller.acquirer else { throw .refused(Problem(.operationNotPermitted)) }
    let policy = caller.terms.policy
    let cards = try books.opened().cards
    guard let token,
      let merchant = try onCards(cards.merchant(of: token, in: &transaction)),
      policy.acquirerMayRead(acquirer, merchantNumber: merchant),
      let card = try onCards(cards.release(token, merchant: merchant, in: &transaction))
    else { throw .refused(Problem(.tokenNotFound)) }
    var entry = AuditEntry(caller, operation: .detokenize, token: token, outcome: .released)
    entry.merchant = policy.merchant(number: merchant)?.name
    try books.record(entry, in: &transaction)
    return ReleasedCard(card)
  }
}
