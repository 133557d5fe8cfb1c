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
  private let acquirer: Acquirer
  private let caller: Caller
  private let reply: @Sendable (PullReply) -> Void
  private var refusal = RefusalDecision()
  private var answer = PullReply.refused(Problem(.internalError))

  init(
    _ token: Token?, core: WriterCore, acquirer: Acquirer, caller: Caller,
    reply: @escaping @Sendable (PullReply) -> Void
  ) {
    self.core = core
    self.token = token
    self.acquirer = acquirer
    self.caller = caller
    self.reply = reply
  }

  func apply(_ transaction: inout StoreWriteTransaction) throws {
    if let problem = core.policies.objection(to: caller, asking: .detokenize) {
      return try refuse(problem, in: &transaction)
    }
    do {
      guard try release(in: &transaction) else {
        return try refuse(Problem(.tokenNotFound), in: &transaction)
      }
    } catch let error as CardStoreError {
      // It throws before anything is written.
      try refuse(Problem(error), in: &transaction)
    }
  }

  /// Takes the card out, with its entry; false where there is none for this acquirer.
  private func release(in transaction: inout StoreWriteTransaction) throws -> Bool {
    // The policy of this moment, since the request may have waited for the writer.
    let policy = core.policies.current
    guard let token, let acquirer = policy.acquirers[acquirer.name],
      let merchant = try core.cards.merchant(of: token, in: &transaction),
      policy.acquirerMayRead(acquirer, merchantNumber: merchant),
      let card = try core.cards.release(token, merchant: merchant, in: &transaction)
    else { return false }
    var entry = AuditEntry(
      caller, operation: .detokenize, token: token,
      outcome: .released)
    entry.merchant = policy.merchant(number: merchant)?.name
    try core.record(entry, in: &transaction)
    answer = .released(ReleasedCard(card))
    return true
  }

  private func refuse(
    _ problem: Problem, in transaction: inout StoreWriteTransaction
  ) throws {
    try core.recordRefusal(
      problem, caller: caller, operation: .detokenize, token: token,
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
