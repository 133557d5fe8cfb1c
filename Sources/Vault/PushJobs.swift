import AccessPolicy
import AuditLog
import CardStore
import Cards
import Keyring
import RecordFormat
import Storage

/// A payment that has been begun: its intent is durable, and its outcome is awaited.
struct BegunPayment: Sendable {
  let identifier: PaymentIdentifier
  let row: IdempotencyLedger.Row
  let token: Token
  let acquirer: String
  let caller: Caller
}

/// Writes the intent of a payment and takes the card out, or answers what stands in its way.
///
/// `@unchecked Sendable`: handed to the store once; from then on only the writer thread touches it.
final class IntentJob: WriteJob, @unchecked Sendable {
  /// What the writer found.
  enum Result: Sendable {
    case answer(Answer)
    case begun(BegunPayment, Payment, ReleasedCard)
  }

  let admission = Admission.ordinary

  private let core: WriterCore
  private let request: PushRequest
  private let merchant: Merchant
  private let acquirer: String
  private let caller: Caller
  private let reply: @Sendable (Result) -> Void
  private var refusal = RefusalDecision()
  private var result = Result.answer(Answer(Problem(.internalError)))

  init(
    _ request: PushRequest, core: WriterCore, merchant: Merchant, acquirer: String, caller: Caller,
    reply: @escaping @Sendable (Result) -> Void
  ) {
    self.core = core
    self.request = request
    self.merchant = merchant
    self.acquirer = acquirer
    self.caller = caller
    self.reply = reply
  }

  func apply(_ transaction: inout StoreWriteTransaction) throws {
    if let problem = objection { return try refuse(problem, in: &transaction) }
    do {
      try begin(in: &transaction)
    } catch let error as CardStoreError {
      try refuse(Problem(error), in: &transaction)
    } catch KeyringError.keyUsedUp {
      try refuse(.dataKeyUsedUp, in: &transaction)
    }
  }

  /// What the policy of this moment says against it, since the request may have waited.
  private var objection: Problem? {
    let policies = core.policies
    if let problem = policies.objection(to: caller, asking: .detokenize) { return problem }
    guard let policy = policies.another(than: caller),
      let merchant = policy.merchants[merchant.name],
      case .notPermitted = policy.acquirer(named: acquirer, for: merchant)
    else { return nil }
    return Problem(.acquirerNotPermitted)
  }

  /// What the card store throws, it throws before anything is written; so does the payments' ledger
  /// where no seal is left for the outcome.
  private func begin(in transaction: inout StoreWriteTransaction) throws {
    let row = try core.idempotency.row(
      for: request.idempotency, actor: caller.actor, merchant: merchant.number)
    switch try core.idempotency.find(row, in: &transaction) {
    case .none: break
    case .running: return try refuse(Problem(.requestInProgress), in: &transaction)
    case .reused: return try refuse(Problem(.idempotencyKeyReused), in: &transaction)
    case .done(let first): return try replay(first, in: &transaction)
    }
    guard let token = request.token,
      let card = try core.cards.release(token, merchant: merchant.number, in: &transaction)
    else { return try refuse(Problem(.tokenNotFound), in: &transaction) }
    switch request.payment {
    case .failure(let problem):
      try refuse(problem, in: &transaction)
    case .success(let payment):
      try core.payments.holdOutcome()
      let begun = BegunPayment(
        identifier: try core.payments.next(atMilliseconds: core.clock.milliseconds()), row: row,
        token: token, acquirer: acquirer, caller: caller)
      let sequence = try core.record(begun.entry(.intent), in: &transaction)
      try core.idempotency.begin(
        row, payment: begun.identifier, token: token, in: &transaction)
      try core.payments.begin(
        begun.identifier, rowKey: row.key, intentSequence: sequence, in: &transaction)
      result = .begun(begun, payment, ReleasedCard(card))
    }
  }

  func complete(_ outcome: Swift.Result<Void, any Error>) {
    let result = result
    self.result = .answer(Answer(Problem(.internalError)))
    switch outcome {
    case .success: reply(result)
    case .failure(let error): reply(.answer(Answer(Problem(failure: error))))
    }
  }

  private func replay(
    _ first: IdempotencyLedger.Kept, in transaction: inout StoreWriteTransaction
  ) throws {
    var entry = AuditEntry(
      caller, operation: .detokenize, token: first.token,
      outcome: .replayed)
    entry.acquirer = acquirer
    entry.paymentIdentifier = first.payment?.text
    try core.record(entry, in: &transaction)
    result = .answer(replayed(first))
  }

  /// The first answer; the log of one without a decision names the payment again.
  private func replayed(_ first: IdempotencyLedger.Kept) -> Answer {
    guard first.answer.status >= 400, let payment = first.payment else { return first.answer }
    return first.answer.because(
      of: PaymentFailure(
        acquirer: acquirer, paymentIdentifier: payment.text, cause: PaymentFailure.replayed))
  }

  private func refuse(
    _ problem: Problem, in transaction: inout StoreWriteTransaction
  ) throws {
    try core.recordRefusal(
      problem, caller: caller, operation: .detokenize, token: request.token,
      acquirer: acquirer, isCounted: refusal.isCounted(core, actor: caller.actor),
      in: &transaction)
    result = .answer(Answer(problem))
  }
}

/// Writes what came of a payment, and keeps or frees its idempotency key.
///
/// `@unchecked Sendable`: handed to the store once; from then on only the writer thread touches it.
final class OutcomeJob: WriteJob, @unchecked Sendable {
  let admission = Admission.reserved

  private let core: WriterCore
  private let begun: BegunPayment
  private let outcome: AcquirerOutcome
  private let answer: Answer
  private let reply: @Sendable (Answer) -> Void

  init(
    _ outcome: AcquirerOutcome, of begun: BegunPayment, core: WriterCore,
    reply: @escaping @Sendable (Answer) -> Void
  ) {
    self.outcome = outcome
    self.begun = begun
    self.core = core
    self.reply = reply
    answer = begun.answer(outcome)
  }

  func apply(_ transaction: inout StoreWriteTransaction) throws {
    try core.record(begun.entry(outcome), in: &transaction)
    // It gives the seal back that the answer takes.
    try core.payments.end(begun.identifier, in: &transaction)
    if outcome.mayHaveHappened {
      try core.idempotency.keep(
        answer, begun.row, token: begun.token, payment: begun.identifier, in: &transaction)
    } else {
      try core.idempotency.free(begun.row, in: &transaction)
    }
  }

  func complete(_ result: Result<Void, any Error>) {
    switch result {
    case .success: reply(answer)
    // What came of it could not be made durable, and the key is still taken: after a restart the
    // vault says `unknown` of it too.
    case .failure: reply(begun.answer(.unknown(cause: "store")))
    }
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
      var entry = entry(answer.outcome.audited)
      entry.reason =
        answer.heldCardNumber ? AuditReason.cardNumberInAnswer : answer.reason?.rawValue
      return entry
    case .notSent(let cause, _):
      var entry = entry(.notSent)
      entry.reason = cause
      return entry
    case .rejected(_, let heldCardNumber):
      var entry = entry(.rejected)
      if heldCardNumber { entry.reason = AuditReason.cardNumberInAnswer }
      return entry
    case .unknown(let cause, _):
      var entry = entry(.unknown)
      entry.reason = cause
      return entry
    }
  }

  func entry(_ outcome: AuditOutcome) -> AuditEntry {
    var entry = AuditEntry(
      caller, operation: .detokenize, token: token, outcome: outcome)
    entry.acquirer = acquirer
    entry.paymentIdentifier = identifier.text
    return entry
  }
}
