package import AccessPolicy
import AuditLog
package import Cards
package import Keyring
import RecordFormat
import SecretMemory
package import Storage
import Synchronization

/// The use cases of the card vault: tokenize, detokenize, delete.
///
/// Replies arrive exactly once, on any thread (usually the store's writer), after what they report is
/// durable and audited.
package final class Vault: Sendable {
  /// The store that the vault works on.
  package let store: Store
  let core: WriterCore
  let slots: SecretPool
  /// What keys are judged by.
  package let rules: KeyRules
  let digitLimits: DigitLimits
  private let transport: any AcquirerTransport
  private let paymentsUnderWay = Atomic<Int>(0)
  let opening = Opening()
  let custody: Custody
  let eraseKeyEncryptionKey: @Sendable (KeyringEntry) throws -> Void
  let explain: @Sendable (any Error) -> String
  let upkeepGate = StoreUpkeep.Gate()

  init(
    store: Store, core: WriterCore, slots: SecretPool, transport: any AcquirerTransport,
    rules: KeyRules, digitLimits: DigitLimits, shareMinutes: Int,
    eraseKeyEncryptionKey: @escaping @Sendable (KeyringEntry) throws -> Void,
    explain: @escaping @Sendable (any Error) -> String
  ) {
    self.explain = explain
    custody = Custody(limitMinutes: shareMinutes)
    self.eraseKeyEncryptionKey = eraseKeyEncryptionKey
    self.store = store
    self.core = core
    self.slots = slots
    self.rules = rules
    self.digitLimits = digitLimits
    self.transport = transport
  }

  /// Whether the keyring is closed: every operation answers `sealed`.
  package var isSealed: Bool { opening.isSealed }

  /// The keys that the vault works with now.
  ///
  /// - Throws: ``VaultError/sealed``.
  package var keyring: Keyring { get throws(VaultError) { try opening.session().keys.current } }

  /// What was counted of guesses at card numbers.
  package var digitFigures: DigitFigures { core.digitFigures }

  /// How many payments wait for the writer or for their acquirer.
  package var paymentsInFlight: Int { paymentsUnderWay.load(ordering: .relaxed) }

  /// Puts another policy in force.
  package func update(policy new: Policy) {
    core.policies.replace(with: new)
  }

  /// Stores a card, or finds it, and answers its token's view (`201`, `200`).
  package func tokenize(
    _ request: consuming TokenizeRequest, caller: Caller,
    reply: @escaping @Sendable (Answer) -> Void
  ) {
    guard case .merchant(let merchant) = caller.principal else {
      return refuse(
        Problem(.operationNotPermitted), operation: .tokenize, token: nil, caller: caller,
        reply: reply)
    }
    store.submit(
      TokenizeJob(
        request, core: core, merchant: merchant.number, deduplicates: merchant.deduplicate,
        caller: caller, reply: reply))
  }

  /// Sends a payment with the token's card to an acquirer.
  package func push(
    _ request: PushRequest, caller: Caller, reply: @escaping @Sendable (Answer) -> Void
  ) {
    paymentsUnderWay.add(1, ordering: .relaxed)
    begin(request, caller: caller) { [self] answer in
      paymentsUnderWay.subtract(1, ordering: .relaxed)
      reply(answer)
    }
  }

  private func begin(
    _ request: PushRequest, caller: Caller, reply: @escaping @Sendable (Answer) -> Void
  ) {
    guard case .merchant(let merchant) = caller.principal else {
      return refuse(
        Problem(.operationNotPermitted), operation: .detokenize, token: request.token,
        caller: caller, reply: reply)
    }
    let acquirer: String
    switch chooseAcquirer(request, merchant: merchant) {
    case .failure(let problem):
      return refuse(
        problem, operation: .detokenize, token: request.token, caller: caller, reply: reply)
    case .success(let name): acquirer = name
    }
    let checked = PushRequest(
      token: request.token, acquirer: request.acquirer,
      payment: request.payment.flatMap { check($0, acquirer: acquirer) },
      idempotency: request.idempotency)
    store.submit(
      IntentJob(
        checked, core: core, merchant: merchant, acquirer: acquirer, caller: caller
      ) { [self] result in
        switch result {
        case .answer(let answer): reply(answer)
        case .begun(let begun, let payment, let card):
          send(payment, card: card, begun: begun, merchant: current(merchant), reply: reply)
        }
      })
  }

  /// Gives the token's card to the acquirer that asks (`caller.principal` is an acquirer).
  package func pull(
    _ token: Token?, caller: Caller, reply: @escaping @Sendable (PullReply) -> Void
  ) {
    guard case .acquirer(let acquirer) = caller.principal else {
      return audit(
        Problem(.operationNotPermitted), operation: .detokenize, token: token,
        caller: caller
      ) { reply(.refused($0)) }
    }
    store.submit(
      PullJob(token, core: core, acquirer: acquirer, caller: caller, reply: reply))
  }

  /// Deletes the token's card (`204`).
  package func delete(
    _ token: Token?, caller: Caller, reply: @escaping @Sendable (Answer) -> Void
  ) {
    guard case .merchant(let merchant) = caller.principal else {
      return refuse(
        Problem(.operationNotPermitted), operation: .delete, token: token, caller: caller,
        reply: reply)
    }
    store.submit(
      DeleteJob(token, core: core, merchant: merchant.number, caller: caller, reply: reply))
  }

  /// Audits a refusal that the edge decided (quota, operation, media type, JSON, number), and answers
  /// the problem once its entry is durable.
  package func refuse(
    _ problem: Problem, operation: Operation?, token: Token?, caller: Caller,
    reply: @escaping @Sendable (Answer) -> Void
  ) {
    audit(
      problem, operation: operation?.audited ?? .request, token: token,
      caller: caller
    ) { reply(Answer($0)) }
  }

  private func audit(
    _ problem: Problem, operation: AuditOperation, token: Token?, caller: Caller,
    reply: @escaping @Sendable (Problem) -> Void
  ) {
    if problem.name.isServiceState { return reply(problem) }
    let now = core.clock.monotonicNanoseconds()
    guard core.refusals.record(client: caller.actor, now: now) == .store else {
      core.alarms.noteCounted(
        AuditEntry(problem, caller: caller, operation: operation, token: token), from: .outside,
        now: { now })
      return reply(problem)
    }
    store.submit(
      RefusalJob(
        problem, core: core, caller: caller, operation: operation, token: token, reply: reply))
  }

  private func chooseAcquirer(
    _ request: PushRequest, merchant: Merchant
  ) -> Result<String, Problem> {
    request.acquirer.flatMap { name in
      // One that is not configured answers as one that is forbidden.
      let isPermitted = merchant.acquirers[name] != nil && acquirer(named: name)?.push == true
      return isPermitted ? .success(name) : .failure(Problem(.acquirerNotPermitted))
    }
  }

  /// The settings of `merchant` as they are now: it may have got others while the payment waited.
  private func current(_ merchant: Merchant) -> Merchant {
    let current = core.policies.current.merchant(number: merchant.number)
    guard let current, current.name == merchant.name else { return merchant }
    return current
  }

  private func acquirer(named name: String) -> Acquirer? {
    core.policies.current.acquirers[name]
  }

  private func check(_ payment: Payment, acquirer name: String) -> Result<Payment, Problem> {
    if let problem = transport.check(payment, acquirer: name) { return .failure(problem) }
    if let currency = payment.currency,
      acquirer(named: name)?.currencies.contains(currency.code) != true
    {
      return .failure(Problem(.unsupportedCurrency, pointer: "/amount/currency"))
    }
    return .success(payment)
  }

  private func send(
    _ payment: Payment, card: ReleasedCard, begun: BegunPayment, merchant: Merchant,
    reply: @escaping @Sendable (Answer) -> Void
  ) {
    transport.send(
      payment, card: card, identifier: begun.identifier, acquirer: begun.acquirer,
      merchant: merchant
    ) { [self] outcome in
      store.submit(OutcomeJob(outcome, of: begun, core: core, reply: reply))
    }
  }
}
