import AccessPolicy
import AuditLog
import CardStore
import Cards
import Storage

/// Deletes one card of the merchant that asks.
///
/// `@unchecked Sendable`: handed to the store once; from then on only the writer thread touches it.
final class DeleteJob: WriteJob, @unchecked Sendable {
  let admission = Admission.reserved

  private let core: WriterCore
  private let token: Token?
  private let merchant: UInt32
  private let caller: Caller
  private let reply: @Sendable (Answer) -> Void
  private var refusal = RefusalDecision()
  private var answer = Answer.deleted

  init(
    _ token: Token?, core: WriterCore, merchant: UInt32, caller: Caller,
    reply: @escaping @Sendable (Answer) -> Void
  ) {
    self.core = core
    self.token = token
    self.merchant = merchant
    self.caller = caller
    self.reply = reply
  }

  func apply(_ transaction: inout StoreWriteTransaction) throws {
    if let problem = core.policies.objection(to: caller, asking: .delete) {
      return try refuse(problem, in: &transaction)
    }
    do {
      guard let token, try core.cards.delete(token, merchant: merchant, in: &transaction) else {
        return try refuse(Problem(.tokenNotFound), in: &transaction)
      }
    } catch let error as CardStoreError {
      // It throws before anything is written.
      return try refuse(Problem(error), in: &transaction)
    }
    try core.record(
      AuditEntry(
        caller, operation: .delete, token: token,
        outcome: .deleted), in: &transaction)
    answer = .deleted
  }

  private func refuse(
    _ problem: Problem, in transaction: inout StoreWriteTransaction
  ) throws {
    try core.recordRefusal(
      problem, caller: caller, operation: .delete, token: token,
      isCounted: refusal.isCounted(core, actor: caller.actor), in: &transaction)
    answer = Answer(problem)
  }

  func complete(_ result: Result<Void, any Error>) {
    switch result {
    case .success: reply(answer)
    case .failure(let error): reply(Answer(Problem(failure: error)))
    }
  }
}
