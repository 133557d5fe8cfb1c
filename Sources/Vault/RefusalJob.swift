import AuditLog
import Cards
import Storage

/// Audits a refusal that was decided before the writer, and answers it.
///
/// `@unchecked Sendable`: handed to the store once; from then on only the writer thread touches it.
final class RefusalJob: WriteJob, @unchecked Sendable {
  let admission = Admission.ordinary

  private let core: WriterCore
  private let problem: Problem
  private let caller: Caller
  private let operation: AuditOperation
  private let token: Token?
  private let reply: @Sendable (Problem) -> Void

  init(
    _ problem: Problem, core: WriterCore, caller: Caller, operation: AuditOperation, token: Token?,
    reply: @escaping @Sendable (Problem) -> Void
  ) {
    self.core = core
    self.problem = problem
    self.caller = caller
    self.operation = operation
    self.token = token
    self.reply = reply
  }

  func apply(_ transaction: inout StoreWriteTransaction) throws {
    try core.recordRefusal(
      problem, caller: caller, operation: operation, token: token, isCounted: false,
      in: &transaction)
  }

  func complete(_ result: Result<Void, any Error>) {
    switch result {
    case .success: reply(problem)
    case .failure(let error): reply(Problem(failure: error))
    }
  }
}
