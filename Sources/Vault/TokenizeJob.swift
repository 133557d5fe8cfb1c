import AccessPolicy
import AuditLog
import CardStore
import Cards
import Keyring
import Storage

/// Stores one card, or finds it.
///
/// `@unchecked Sendable`: handed to the store once; from then on only the writer thread touches it.
final class TokenizeJob: WriteJob, @unchecked Sendable {
  /// The card, or as much of it as there is when the rest of the request is at fault.
  private enum Subject {
    case card(ReleasedCard)
    case fault(HeldNumber, Problem)
  }

  /// A number whose card is not known.
  private final class HeldNumber: Sendable {
    let pan: PAN
    init(_ pan: consuming PAN) { self.pan = pan }
  }

  let admission = Admission.ordinary

  private let core: WriterCore
  private let merchant: UInt32
  private let deduplicates: Bool
  private let caller: Caller
  private let match: BrandMatch
  private let idempotency: Idempotency?
  private let subject: Subject
  private let reply: @Sendable (Answer) -> Void
  private var refusal = RefusalDecision()
  /// Decided once, so that a batch that is applied again does not find its own count in the way.
  private var look: SameDigits.Look?
  private var answer: Answer?

  init(
    _ request: consuming TokenizeRequest, core: WriterCore, merchant: UInt32, deduplicates: Bool,
    caller: Caller, reply: @escaping @Sendable (Answer) -> Void
  ) {
    self.core = core
    self.merchant = merchant
    self.deduplicates = deduplicates
    self.caller = caller
    self.match = request.match
    self.idempotency = request.idempotency
    self.reply = reply
    switch request.details {
    case .success(let details):
      subject = .card(
        ReleasedCard(
          StoredCard(
            pan: request.takeNumber(), expiry: details.expiry,
            preferredBrand: details.preferredBrand, customer: details.customer,
            isDeduplicated: deduplicates)))
    case .failure(let problem):
      subject = .fault(HeldNumber(request.takeNumber()), problem)
    }
  }

  func apply(_ transaction: inout StoreWriteTransaction) throws {
    if let problem = core.policies.objection(to: caller, asking: .tokenize) {
      return try refuse(problem, in: &transaction)
    }
    if let seconds = try waitForDigits() {
      return try refuse(
        Problem(
          .quotaExceeded,
          detail: "Too many different cards with these first and last digits within an hour.",
          retryAfterSeconds: seconds),
        reason: AuditWord.Reason.sameDigits, in: &transaction)
    }
    let row = try requestRow()
    if let row {
      switch try core.idempotency.find(row, in: &transaction) {
      case .none: break
      case .running: return try refuse(Problem(.requestInProgress), in: &transaction)
      case .reused:
        // Another number than the first with this key, or another request: the answer says so.
        try countDigits()
        return try refuse(Problem(.idempotencyKeyReused), in: &transaction)
      case .done(let first) where try hasCard(first, in: &transaction):
        return try replay(first, in: &transaction)
      // A token that is gone would be of no use to whoever asks: the request counts as a new one.
      case .done: break
      }
    }
    switch subject {
    case .fault(_, let problem): try refuse(problem, in: &transaction)
    case .card(let held):
      do {
        try store(held.card, row: row, in: &transaction)
      } catch let error as CardStoreError where error.isOfIndex {
        // It is thrown before anything is written.
        try refuse(Problem(error), in: &transaction)
      } catch CardStoreError.keys(.keyUsedUp), KeyringError.keyUsedUp {
        // So is this, with a seal held back for the answer.
        try refuse(.dataKeyUsedUp, in: &transaction)
      }
    }
  }

  func complete(_ result: Result<Void, any Error>) {
    switch result {
    case .success: reply(answer ?? Answer(Problem(.internalError)))
    case .failure(let error): reply(Answer(Problem(failure: error)))
    }
  }

  /// In how many seconds a number with these digits may come again; nil where this one may be looked
  /// up.
  private func waitForDigits() throws -> Int? {
    if let look { return look.waitSeconds }
    guard deduplicates || idempotency != nil, let digits = try core.open().digits else {
      return nil
    }
    let look =
      switch subject {
      case .card(let held): digits.look(at: held.card.pan, merchant: merchant)
      case .fault(let held, _): digits.look(at: held.pan, merchant: merchant)
      }
    self.look = look
    return look.waitSeconds
  }

  private func requestRow() throws -> IdempotencyLedger.Row? {
    guard let idempotency else { return nil }
    switch subject {
    case .card(let held): return try row(for: idempotency, about: held.card.pan)
    case .fault(let held, _): return try row(for: idempotency, about: held.pan)
    }
  }

  private func row(
    for idempotency: Idempotency, about number: borrowing PAN
  ) throws -> IdempotencyLedger.Row {
    try core.idempotency.row(
      for: idempotency, actor: caller.actor, merchant: merchant, digits: number.digits)
  }

  private func store(
    _ card: borrowing StoredCard, row: IdempotencyLedger.Row?,
    in transaction: inout StoreWriteTransaction
  ) throws {
    let stored = try tokenize(card, keepsAnswer: row != nil, in: &transaction)
    let view = TokenView(
      token: stored.token, pan: card.pan, match: match, expiry: stored.expiry,
      preferredBrand: stored.preferredBrand)
    let answer = Answer(view, isNew: stored.isNew)
    try core.record(
      AuditEntry(
        caller, operation: AuditWord.Operation.tokenize, token: stored.token,
        outcome: stored.isNew ? AuditWord.Outcome.created : AuditWord.Outcome.existing),
      in: &transaction)
    if let row {
      try core.idempotency.keep(answer, row, token: stored.token, in: &transaction)
    }
    self.answer = answer
  }

  /// Stores the card, or finds it. Where the answer is to be kept, the card leaves a seal for that:
  /// none is stored whose answer could not be kept.
  private func tokenize(
    _ card: borrowing StoredCard, keepsAnswer: Bool, in transaction: inout StoreWriteTransaction
  ) throws -> StoredToken {
    let cipher = try core.idempotency.cipher
    if keepsAnswer { try cipher.holdSeal() }
    defer { if keepsAnswer { cipher.releaseSeal() } }
    do {
      let stored = try core.cards.tokenize(
        card, merchant: merchant, atMilliseconds: core.clock.milliseconds(), in: &transaction)
      if stored.isNew, deduplicates { try countDigits(of: card.pan) }
      return stored
    } catch let error as CardStoreError where error.isOfIndex {
      // It was not looked up.
      throw error
    } catch {
      // The answer will tell it from a card that is known, as if it had been stored.
      if deduplicates { try countDigits(of: card.pan) }
      throw error
    }
  }

  private func countDigits() throws {
    switch subject {
    case .card(let held): try countDigits(of: held.card.pan)
    case .fault(let held, _): try countDigits(of: held.pan)
    }
  }

  private func countDigits(of number: borrowing PAN) throws {
    guard let look else { return }
    try core.open().digits?.note(number, look)
  }

  /// Whether the card of an answer that was given is still there. A record that cannot be read is.
  private func hasCard(
    _ first: IdempotencyLedger.Kept, in transaction: inout StoreWriteTransaction
  ) throws -> Bool {
    guard let token = first.token else { return true }
    do {
      return try core.cards.merchant(of: token, in: &transaction) != nil
    } catch CardStoreError.recordDoesNotOpen {
      return true
    }
  }

  private func replay(
    _ first: IdempotencyLedger.Kept, in transaction: inout StoreWriteTransaction
  ) throws {
    try core.record(
      AuditEntry(
        caller, operation: AuditWord.Operation.tokenize, token: first.token,
        outcome: AuditWord.Outcome.replayed), in: &transaction)
    answer = first.answer
  }

  private func refuse(
    _ problem: Problem, reason: String? = nil, in transaction: inout StoreWriteTransaction
  ) throws {
    try core.recordRefusal(
      problem, caller: caller, operation: AuditWord.Operation.tokenize, token: nil, reason: reason,
      isCounted: refusal.isCounted(core, actor: caller.actor), in: &transaction)
    answer = Answer(problem)
  }
}
