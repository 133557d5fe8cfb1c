import AccessPolicy
import AuditLog
import CardStore
import Cards
import Storage

/// Reads one card for the acquirer that asks, behind a durable audit entry.
///
/// `@unchecked Sendable`: handed to the store once; from then on only the writer thread touches it.
final class PullJob: WriteJob, @unchecked Sendable {
  let admission = Admission.ordinary

  private let core: WriterCore
  private let token: Token?
  private let policy: Policy
  private let acquirer: Acquirer
  private let caller: Caller
  private let reply: @Sendable (PullReply) -> Void
  private var refusal = RefusalDecision()
  private var answer = PullReply.refused(Problem(.internalError))

  init(
    _ token: Token?, core: WriterCore, policy: Policy, acquirer: Acquirer, caller: Caller,
    reply: @escaping @Sendable (PullReply) -> Void
  ) {
    self.core = core
    self.token = token
    self.policy = policy
    self.acquirer = acquirer
    self.caller = caller
    self.reply = reply
  }

  func apply(_ transaction: inout StoreWriteTransaction) throws {
    let policy = policy
    let acquirer = acquirer
    if let token,
      let merchant = try core.cards.merchant(of: token, in: &transaction),
      policy.acquirerMayRead(acquirer, merchantNumber: merchant),
      let card = try core.cards.open(token, merchant: merchant, in: &transaction)
    {
      var entry = AuditEntry(
        caller, operation: AuditWord.Operation.detokenize, token: token,
        outcome: AuditWord.Outcome.released)
      entry.merchant = policy.merchant(number: merchant)?.name
      try core.record(entry, in: &transaction)
      answer = .released(ReleasedCard(card))
      return
    }
    let problem = Problem(.tokenNotFound)
    try core.recordRefusal(
      problem, caller: caller, operation: AuditWord.Operation.detokenize, token: token,
      isCounted: refusal.isCounted(core, actor: caller.actor), in: &transaction)
    answer = .refused(problem)
  }

  func complete(_ result: Result<Void, any Error>) {
    switch result {
    case .success: reply(answer)
    case .failure(let error): reply(.refused(Problem(failure: error)))
    }
    answer = .refused(Problem(.internalError))
  }
}
