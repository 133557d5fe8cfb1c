import AccessPolicy
import AuditLog
import CardStore
import Cards
import Ledgers
import RecordFormat
import Storage
import VaultCore

/// A payment that has been begun: its intent is durable, and its outcome is awaited.
struct BegunPayment: Sendable {
  let identifier: PaymentIdentifier
  let row: IdempotencyLedger.Row
  let token: Token
  let acquirer: String
  let caller: Caller
}

/// A payment that has been begun and is to be sent, with what it takes.
struct BegunSending: Sendable {
  let payment: BegunPayment
  let message: Payment
  let card: ReleasedCard
  let place: any MessagePlace
}

/// Writes the intent of a payment and takes the card out, or answers what came of it before.
struct IntentOperation: ClientOperation {
  /// What the writer found.
  enum Output: Sendable {
    case answer(Answer)
    case begun(BegunSending)
  }

  static let operation = Operation.detokenize

  let request: PushRequest
  /// What the terms say of it under which the client was admitted.
  private(set) var plan: PaymentPlan
  /// Taken once, also where a batch is applied again.
  private(set) var place: (any MessagePlace)?
  var token: Token? { request.token }
  var acquirer: String? { plan.acquirer }

  mutating func apply(
    _ books: Books, for caller: Caller, in transaction: inout StoreWriteTransaction
  ) throws(VaultError) -> Output {
    let merchant = try caller.requireMerchant()
    if plan.generation != caller.terms.policy.generation {
      plan = try PaymentPlan(request, for: merchant, under: caller.terms)
      // It is one of the acquirers of before.
      place = nil
    }
    let session = try books.opened()
    let row = try onLedger(
      session.idempotency.row(
        for: request.idempotency, actor: caller.actor, merchant: merchant.number))
    switch try onLedger(session.idempotency.find(row, in: &transaction)) {
    case .none: break
    case .running: throw .refused(Problem(.requestInProgress))
    case .reused: throw .refused(Problem(.idempotencyKeyReused))
    case .done(let first): return try replay(first, books, caller, in: &transaction)
    }
    guard let token,
      let card = try onCards(
        session.cards.release(token, merchant: merchant.number, in: &transaction))
    else { throw .refused(Problem(.tokenNotFound)) }
    let payment: Payment
    do throws(Problem) { payment = try plan.payment.get() } catch { throw .refused(error) }
    // Before anything is written: where there is no place for the message, or no seal left for the
    // outcome, nothing is begun.
    let place = try takePlace(for: merchant, under: caller.terms)
    try onLedger(session.payments.holdOutcome())
    let begun = BegunPayment(
      identifier: try onLedger(session.payments.next(atMilliseconds: books.clock.milliseconds())),
      row: row, token: token, acquirer: plan.acquirer, caller: caller)
    let sequence = try books.record(begun.entry(.intent), in: &transaction)
    try onLedger(
      session.idempotency.begin(row, payment: begun.identifier, token: token, in: &transaction))
    try onLedger(
      session.payments.begin(
        begun.identifier, rowKey: row.key, intentSequence: sequence, in: &transaction))
    return .begun(
      BegunSending(payment: begun, message: payment, card: ReleasedCard(card), place: place))
  }

  private mutating func takePlace(
    for merchant: Merchant, under terms: Terms
  ) throws(VaultError) -> any MessagePlace {
    if let place { return place }
    do throws(Problem) {
      let taken = try terms.acquirers.takePlace(at: plan.acquirer, for: merchant)
      place = taken
      return taken
    } catch { throw .refused(error) }
  }

  private func replay(
    _ first: IdempotencyLedger.Kept, _ books: Books, _ caller: Caller,
    in transaction: inout StoreWriteTransaction
  ) throws(VaultError) -> Output {
    var entry = AuditEntry(
      caller, operation: .detokenize, token: first.token, outcome: .replayed)
    entry.acquirer = plan.acquirer
    entry.paymentIdentifier = first.payment?.text
    try books.record(entry, in: &transaction)
    // The log of one without a decision names the payment again.
    guard first.status >= 400, let payment = first.payment else { return .answer(Answer(first)) }
    return .answer(
      Answer(first).because(
        of: PaymentFailure(
          acquirer: plan.acquirer, paymentIdentifier: payment.text,
          cause: PaymentFailure.replayed)))
  }
}

/// What terms make of a push: the acquirer, and the payment as far as its template and currencies
/// allow it.
struct PaymentPlan: Sendable {
  let generation: UInt64
  let acquirer: String
  /// What stands in the payment's way is told after the token was found.
  let payment: Result<Payment, Problem>

  /// - Throws: ``VaultError/refused(_:reason:)`` where the merchant names no acquirer that it may use.
  init(
    _ request: PushRequest, for merchant: Merchant, under terms: Terms
  ) throws(VaultError) {
    let name: String
    do throws(Problem) { name = try request.acquirer.get() } catch { throw .refused(error) }
    guard case .permitted(let acquirer, _) = terms.policy.acquirer(named: name, for: merchant)
    else { throw .refused(Problem(.acquirerNotPermitted)) }
    generation = terms.policy.generation
    self.acquirer = name
    payment = request.payment.flatMap { payment in
      if let problem = terms.acquirers.check(payment, acquirer: name) { return .failure(problem) }
      if let currency = payment.currency, !acquirer.currencies.contains(currency.code) {
        return .failure(Problem(.unsupportedCurrency, pointer: "/amount/currency"))
      }
      return .success(payment)
    }
  }
}

extension Books {
  /// Writes what came of a payment, and keeps or frees its idempotency key.
  ///
  /// - Returns: false where it has an outcome already, since the vault was sealed meanwhile: nothing is
  ///   written then.
  func end(
    _ begun: BegunPayment, _ outcome: AcquirerOutcome, _ answer: Answer,
    in transaction: inout StoreWriteTransaction
  ) throws(VaultError) -> Bool {
    let session = try opened()
    try onLedger(session.idempotency.mendPlace(of: begun.row.key, in: &transaction))
    // It gives the seal back that the answer takes.
    guard try onLedger(session.payments.end(begun.identifier, in: &transaction)) else {
      return false
    }
    try record(begun.entry(outcome), in: &transaction)
    if outcome.mayHaveHappened {
      try onLedger(
        session.idempotency.keep(
          answer.body, status: answer.status, begun.row, token: begun.token,
          payment: begun.identifier, in: &transaction))
    } else {
      try onLedger(session.idempotency.free(begun.row, in: &transaction))
    }
    return true
  }
}

extension AcquirerOutcome {
  /// Whether the idempotency key must keep this answer.
  var mayHaveHappened: Bool {
    switch self {
    case .answered, .unknown, .rejected: true
    case .notSent: false
    }
  }
}

extension PaymentAnswer {
  /// The answer, without its further fields where they are more than an idempotency row can keep:
  /// what the client was told must be what a replay tells.
  fileprivate var keepable: PaymentAnswer {
    let bytes = fields.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 6 }
    // A byte becomes six where it has to be escaped.
    guard 6 * bytes > IdempotencyRow.longestAnswer / 2 else { return self }
    var answer = self
    answer.fields = []
    return answer
  }
}

extension BegunPayment {
  func answer(_ outcome: AcquirerOutcome) -> Answer {
    switch outcome {
    case .answered(let answer):
      .payment(answer.keepable, identifier: identifier, acquirer: acquirer)
    case .notSent(let cause, let error):
      failed(.acquirerUnreachable, cause, error)
    case .rejected(_, let heldCardNumber):
      failed(
        .acquirerRejectedRequest,
        heldCardNumber ? AuditReason.cardNumberInAnswer : PaymentFailure.rejected)
    case .unknown(let cause, let error):
      failed(.outcomeUnknown, cause, error)
    }
  }

  /// What is told where the vault was sealed before the outcome was there.
  var answerOfSealed: Answer { answer(.unknown(cause: AuditReason.sealed)) }

  private func failed(
    _ problem: ProblemName, _ cause: String, _ error: SystemError? = nil
  ) -> Answer {
    Answer(Problem(problem, paymentIdentifier: identifier.text)).because(
      of: PaymentFailure(
        acquirer: acquirer, paymentIdentifier: identifier.text, cause: cause, systemError: error))
  }

  func entry(_ outcome: AcquirerOutcome) -> AuditEntry {
    switch outcome {
    case .answered(let answer):
      entry(
        AuditOutcome(answer.outcome),
        answer.heldCardNumber
          ? AuditReason.cardNumberInAnswer
          : answer.captured == false ? AuditReason.notCaptured : answer.reason?.rawValue)
    case .notSent(let cause, _): entry(.notSent, cause)
    case .rejected(_, let heldCardNumber):
      entry(.rejected, heldCardNumber ? AuditReason.cardNumberInAnswer : nil)
    case .unknown(let cause, _): entry(.unknown, cause)
    }
  }

  func entry(_ outcome: AuditOutcome, _ reason: String? = nil) -> AuditEntry {
    var entry = AuditEntry(caller, operation: .detokenize, token: token, outcome: outcome)
    entry.acquirer = acquirer
    entry.paymentIdentifier = identifier.text
    entry.reason = reason
    return entry
  }
}

extension AuditOutcome {
  fileprivate init(_ outcome: PaymentAnswer.Outcome) {
    switch outcome {
    case .approved: self = .approved
    case .pending: self = .pending
    case .authenticated: self = .authenticated
    case .challengeRequired: self = .challengeRequired
    case .refused: self = .refused
    case .authenticationRequired: self = .authenticationRequired
    }
  }
}
