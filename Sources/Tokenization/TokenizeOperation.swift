import AccessPolicy
import AuditLog
import CardStore
import Cards
import Ledgers
import Storage
import VaultCore

/// Stores one card, or finds it.
struct TokenizeOperation: ClientOperation, ~Copyable {
  /// The card, or as much of it as there is when the rest of the request is at fault.
  private enum Subject: ~Copyable {
    case card(StoredCard)
    case fault(Fault)
  }

  private struct Fault: ~Copyable {
    let number: PAN
    let problem: Problem
  }

  static let operation = Operation.tokenize

  var token: Token? { nil }
  private let match: BrandMatch
  private let idempotency: Idempotency?
  private let subject: Subject
  /// Whether the merchant's cards are found again, as it was when the request came.
  private let deduplicates: Bool
  /// Decided once, so that a batch that is applied again does not find its own count in the way.
  private var look: SameDigits.Look?

  /// - Parameter deduplicates: whether the merchant's cards are found again.
  init(_ request: consuming TokenizeRequest, deduplicates: Bool) {
    self.deduplicates = deduplicates
    match = request.match
    idempotency = request.idempotency
    switch request.details {
    case .success(let details):
      subject = .card(
        StoredCard(
          pan: request.takeNumber(), expiry: details.expiry,
          preferredBrand: details.preferredBrand, customer: details.customer,
          isDeduplicated: deduplicates))
    case .failure(let problem):
      subject = .fault(Fault(number: request.takeNumber(), problem: problem))
    }
  }

  mutating func apply(
    _ books: Books, for caller: Caller, in transaction: inout StoreWriteTransaction
  ) throws(VaultError) -> Answer {
    let merchant = try caller.requireMerchant()
    let session = try books.opened()
    try checkGuesses(session, merchant)
    let row = try requestRow(session, caller, merchant)
    if let row {
      switch try session.firstAnswer(to: row, caller, books, in: &transaction) {
      case .none: break
      case .reused:
        // Another number than the first with this key, or another request: the answer says so.
        countGuess(session)
        throw .refused(Problem(.idempotencyKeyReused))
      case .answer(let first): return first
      }
    }
    switch subject {
    case .fault(let fault): throw .refused(fault.problem)
    case .card(let card):
      let stored = try store(
        card, for: merchant, session, books, keepsAnswer: row != nil, in: &transaction)
      let answer = Answer(
        TokenView(
          token: stored.token, pan: card.pan, match: match, expiry: stored.expiry,
          preferredBrand: stored.preferredBrand, binDigits: merchant.binDigits),
        isNew: stored.isNew)
      try books.record(
        AuditEntry(
          caller, operation: .tokenize, token: stored.token,
          outcome: stored.isNew ? .created : .existing), in: &transaction)
      if let row {
        try onLedger(
          session.idempotency.keep(
            answer.body, status: answer.status, row, token: stored.token, in: &transaction))
      }
      return answer
    }
  }

  /// Calls `body` with the number.
  private borrowing func withNumber<R>(_ body: (borrowing PAN) throws(VaultError) -> R)
    throws(VaultError) -> R
  {
    switch subject {
    case .card(let card): try body(card.pan)
    case .fault(let fault): try body(fault.number)
    }
  }

  /// Stores the card, or finds it. Where the answer is to be kept, the card leaves a seal for that:
  /// none is stored whose answer could not be kept.
  private borrowing func store(
    _ card: borrowing StoredCard, for merchant: Merchant, _ session: VaultSession, _ books: Books,
    keepsAnswer: Bool, in transaction: inout StoreWriteTransaction
  ) throws(VaultError) -> StoredToken {
    let cipher = session.idempotency.cipher
    if keepsAnswer { try onLedger(cipher.holdSeal()) }
    defer { if keepsAnswer { cipher.releaseSeal() } }
    do throws(CardStoreError) {
      let stored = try session.cards.tokenize(
        card, merchant: merchant.number, atMilliseconds: books.clock.milliseconds(),
        in: &transaction)
      if stored.isNew, deduplicates { countGuess(session) }
      return stored
    } catch {
      // The answer will tell it from a card that is known, as if it had been stored; not where it was
      // not looked up.
      if !error.isOfIndex, deduplicates { countGuess(session) }
      throw VaultError(error)
    }
  }

  private borrowing func requestRow(
    _ session: VaultSession, _ caller: Caller, _ merchant: Merchant
  ) throws(VaultError) -> IdempotencyLedger.Row? {
    guard let idempotency else { return nil }
    return try withNumber { (number) throws(VaultError) in
      try onLedger(
        session.idempotency.row(
          for: idempotency, actor: caller.actor, merchant: merchant.number,
          digits: number.digits))
    }
  }

  // MARK: - Guesses

  /// Refuses a number with digits of which too many were new within the hour, before it is looked up.
  private mutating func checkGuesses(
    _ session: VaultSession, _ merchant: Merchant
  ) throws(VaultError) {
    if look == nil, deduplicates || idempotency != nil, let digits = session.digits {
      look = try withNumber { (number) throws(VaultError) in
        digits.look(at: number, merchant: merchant.number, binDigits: merchant.binDigits)
      }
    }
    guard let seconds = look?.waitSeconds else { return }
    throw .refused(
      Problem(
        .quotaExceeded,
        detail: "Too many different cards with these first and last digits within an hour.",
        retryAfterSeconds: seconds), reason: AuditReason.sameDigits)
  }

  private borrowing func countGuess(_ session: VaultSession) {
    guard let look, let digits = session.digits else { return }
    switch subject {
    case .card(let card): digits.note(card.pan, look)
    case .fault(let fault): digits.note(fault.number, look)
    }
  }
}
