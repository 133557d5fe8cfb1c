import AccessPolicy
import AuditLog
import CardStore
import Cards
import Ledgers
import Storage
import VaultCore

/// Looks at the card of a token, and gives it a later expiry and another preferred brand where the
/// request has them.
///
/// No number is looked up, so nothing of it counts as a guess.
struct RenewOperation: ClientOperation {
  static let operation = Operation.tokenize
  static let admission = Admission.ordinary

  let request: RenewalRequest
  var token: Token? { request.token }

  func apply(
    _ books: Books, for caller: Caller, in transaction: inout StoreWriteTransaction
  ) throws(VaultError) -> Answer {
    let merchant = try caller.requireMerchant()
    let session = try books.opened()
    var row: IdempotencyLedger.Row?
    if let idempotency = request.idempotency {
      let found = try onLedger(
        session.idempotency.row(
          for: idempotency, actor: caller.actor, merchant: merchant.number))
      switch try session.firstAnswer(to: found, caller, books, in: &transaction) {
      case .none: break
      case .reused: throw .refused(Problem(.idempotencyKeyReused))
      case .answer(let answer): return answer
      }
      row = found
    }
    guard let token,
      let card = try onCards(
        session.cards.release(token, merchant: merchant.number, in: &transaction))
    else { throw .refused(Problem(.tokenNotFound)) }
    let match = try match(of: card)
    let renewal = try renewal(match)
    if row != nil { try onLedger(session.idempotency.cipher.holdSeal()) }
    defer { if row != nil { session.idempotency.cipher.releaseSeal() } }
    guard
      let stored = try onCards(
        session.cards.renew(
          token, merchant: merchant.number, expiry: renewal.expiry,
          preferredBrand: renewal.preferredBrand, in: &transaction))
    else { throw .refused(Problem(.tokenNotFound)) }
    let answer = Answer(
      TokenView(
        token: token, pan: card.pan, match: match, expiry: stored.expiry,
        preferredBrand: stored.preferredBrand, binDigits: merchant.binDigits), isNew: false)
    try books.record(
      AuditEntry(caller, operation: .tokenize, token: token, outcome: .updated),
      in: &transaction)
    if let row {
      try onLedger(
        session.idempotency.keep(
          answer.body, status: answer.status, row, token: token, in: &transaction))
    }
    return answer
  }

  /// What the card is by the table in force, as a tokenization of its number would find it.
  private func match(of card: borrowing StoredCard) throws(VaultError) -> BrandMatch {
    do throws(CardError) { return try request.brands.match(card.pan) } catch {
      throw .refused(Problem(.unsupportedBrand, pointer: "/token"))
    }
  }

  private func renewal(_ match: BrandMatch) throws(VaultError) -> CardRenewal {
    let renewal: CardRenewal
    do throws(Problem) { renewal = try request.renewal.get() } catch { throw .refused(error) }
    if let preferred = renewal.preferredBrand, !match.brands.contains(preferred) {
      throw .refused(Problem(.invalidMember, pointer: "/preferred_brand"))
    }
    return renewal
  }
}
