package import AccessPolicy
import AuditLog
import CardStore
package import Cards
import Ledgers
import Storage
package import VaultCore

/// What clients may ask of a vault: tokenize, detokenize, delete.
///
/// Replies arrive exactly once, on any thread (usually the store's writer), after what they report is
/// durable and audited.
package final class Tokenizer: Sendable {
  let vault: Vault
  private let terms: TermsInForce

  /// Serves clients from `vault` under `terms`.
  package init(_ vault: Vault, under terms: Terms) {
    self.vault = vault
    self.terms = TermsInForce(terms)
  }

  /// Whether every operation answers `sealed`.
  package var isSealed: Bool { vault.isSealed }

  /// Puts other terms in force.
  package func update(terms new: Terms) { terms.replace(with: new) }

  /// The policy of now.
  package var policy: Policy { terms.current.policy }

  /// Stores a card, or finds it, and answers its token's view (`201`, `200`).
  package func tokenize(
    _ request: consuming TokenizeRequest, caller: Caller,
    reply: @escaping @Sendable (Answer) -> Void
  ) {
    let deduplicates = caller.merchant?.deduplicate ?? false
    submit(TokenizeOperation(request, deduplicates: deduplicates), caller) { reply(Answer($0)) }
  }

  /// Answers the view of a token's card (`200`), after a later expiry and a preferred brand have
  /// replaced the stored ones, where they were given.
  package func renew(
    _ request: RenewalRequest, caller: Caller, reply: @escaping @Sendable (Answer) -> Void
  ) {
    submit(RenewOperation(request: request), caller) { reply(Answer($0)) }
  }

  /// Sends a payment with the token's card to an acquirer.
  package func push(
    _ request: PushRequest, caller: Caller, reply: @escaping @Sendable (Answer) -> Void
  ) {
    let operation: IntentOperation
    do throws(VaultError) {
      let plan = try PaymentPlan(request, for: caller.requireMerchant(), under: caller.terms)
      operation = IntentOperation(request: request, plan: plan)
    } catch {
      return refuse(
        Problem(of: error), operation: .detokenize, token: request.token, caller: caller,
        reply: reply)
    }
    let vault = vault
    let payments = vault.payments
    payments.begin()
    let end: @Sendable (Answer) -> Void = { answer in
      payments.end()
      reply(answer)
    }
    submit(operation, caller) { result in
      switch result {
      case .failure(let problem): end(Answer(problem))
      case .success(.answer(let answer)): end(answer)
      case .success(.begun(let sending)): Self.send(sending, of: vault, reply: end)
      }
    }
  }

  /// Sends a payment whose intent is durable. On the writer's thread.
  private static func send(
    _ sending: BegunSending, of vault: Vault, reply: @escaping @Sendable (Answer) -> Void
  ) {
    let begun = sending.payment
    // Sealed in the batch of the intent, the payment has its outcome already.
    guard vault.books.isOpen else { return reply(begun.answerOfSealed) }
    vault.payments.add(begun.identifier) { [place = sending.place] in
      reply(begun.answerOfSealed)
      place.abandon()
    }
    sending.place.send(sending.message, card: sending.card, identifier: begun.identifier) {
      outcome in
      Self.end(begun, outcome, vault, reply: reply)
    }
  }

  private static func end(
    _ begun: BegunPayment, _ outcome: AcquirerOutcome, _ vault: Vault,
    reply: @escaping @Sendable (Answer) -> Void
  ) {
    let answer = begun.answer(outcome)
    vault.store.submit { [books = vault.books] (transaction) throws(VaultError) in
      try books.end(begun, outcome, answer, in: &transaction)
    } reply: { result in
      // Else it was told that the vault was sealed, and the log says so too.
      guard vault.payments.remove(begun.identifier) else { return }
      switch result {
      case .success(true): reply(answer)
      case .success(false), .failure(.sealed):
        reply(begun.answerOfSealed)
      // What came of it could not be made durable, and the key is still taken: after a restart the
      // vault says `unknown` of it too.
      case .failure: reply(begun.answer(.unknown(cause: "store")))
      }
    }
  }

  /// Gives the token's card to the acquirer that asks (`caller.principal` is an acquirer).
  package func pull(
    _ token: Token?, caller: Caller,
    reply: @escaping @Sendable (Result<ReleasedCard, Problem>) -> Void
  ) {
    submit(PullOperation(token: token), caller, reply: reply)
  }

  /// Deletes the token's card (`204`).
  ///
  /// Where there is no room but what is reserved for deletions, in the store or in the queue, a card of
  /// the merchant's goes into that, as long as others keep their part of it, and nothing else: whoever asks
  /// for cards that do not exist is answered, and counted.
  package func delete(
    _ token: Token?, caller: Caller, reply: @escaping @Sendable (Answer) -> Void
  ) {
    submit(DeleteOperation(token: token), caller) { [self] result in
      guard case .failure(let problem) = result,
        problem.name == .storeFull || problem.name == .overloaded
      else { return reply(Answer(result)) }
      do throws(CardStoreError) {
        var holds: Bool? = false
        if let token, let merchant = caller.merchant {
          holds = try CardStore.holds(token, of: merchant.number, in: vault.store)
        }
        guard let holds else { return reply(Answer(problem)) }
        guard holds, let merchant = caller.merchant else {
          return reply(Answer(count(Problem(.tokenNotFound), of: caller, token)))
        }
        submit(
          DeleteOperation(token: token), caller, admission: .shared(by: merchant.number)
        ) { reply(Answer($0)) }
      } catch {
        reply(Answer(problem))
      }
    }
  }

  /// Counts a refusal that gets no entry of its own.
  private func count(_ problem: Problem, of caller: Caller, _ token: Token?) -> Problem {
    let books = vault.books
    let now = books.clock.monotonicNanoseconds()
    _ = books.refusals.record(client: caller.actor, storing: false, now: now)
    books.alarms.noteCounted(
      AuditEntry(problem, caller: caller, operation: .delete, token: token), from: .outside,
      now: { now })
    return problem
  }

  private func submit<Work: ClientOperation & ~Copyable>(
    _ work: consuming Work, _ caller: Caller, admission: Admission = .ordinary,
    reply: @escaping @Sendable (Result<Work.Output, Problem>) -> Void
  ) {
    vault.store.submit(
      ClientJob(work, admission, books: vault.books, terms: terms, caller: caller, reply: reply))
  }

  /// Audits a refusal that the edge decided (quota, operation, media type, JSON, number), and answers
  /// the problem once its entry is durable.
  package func refuse(
    _ problem: Problem, operation: Operation?, token: Token?, caller: Caller,
    reply: @escaping @Sendable (Answer) -> Void
  ) {
    if problem.name.isServiceState { return reply(Answer(problem)) }
    let books = vault.books
    let entry = AuditEntry(
      problem, caller: caller, operation: operation.map { AuditOperation($0) } ?? .request,
      token: token)
    let now = books.clock.monotonicNanoseconds()
    guard books.refusals.record(client: caller.actor, now: now) == .store else {
      books.alarms.noteCounted(entry, from: .outside, now: { now })
      return reply(Answer(problem))
    }
    vault.store.submit(.ordinary) { (transaction) throws(VaultError) in
      _ = try books.record(entry, in: &transaction)
    } reply: { result in
      switch result {
      case .success: reply(Answer(problem))
      case .failure(let error): reply(Answer(Problem(of: error)))
      }
    }
  }
}
