import AccessPolicy
import AuditLog
import Cards
import Ledgers
import Storage
import VaultCore

/// What a client asks, as it is done in the store. A value: it runs in a test with a transaction and
/// without a writer.
protocol ClientOperation: ~Copyable, Sendable {
  associatedtype Output: Sendable

  /// What the client needs the permission for, and what entries call it.
  static var operation: Operation { get }
  /// The token that it names.
  var token: Token? { get }
  /// The acquirer that it names and may use.
  var acquirer: String? { get }

  /// Does it, with its entry. It may come again after an aborted batch, and what it throws before
  /// anything is written is told with an entry of its own, see `VaultError.refusal`.
  ///
  /// - Parameter caller: who asks, under the terms of this moment.
  mutating func apply(
    _ books: Books, for caller: Caller, in transaction: inout StoreWriteTransaction
  ) throws(VaultError) -> Output
}

extension ClientOperation where Self: ~Copyable {
  var acquirer: String? { nil }
}

/// The one job of clients' operations: asks the policy of this moment, has the operation done, and
/// audits what is refused.
///
/// `@unchecked Sendable`: handed to the store once; from then on only the writer thread touches it.
final class ClientJob<Work: ClientOperation & ~Copyable>: WriteJob, @unchecked Sendable {
  let admission: Admission

  private let books: Books
  private let terms: TermsInForce
  private let caller: Caller
  private let reply: @Sendable (Result<Work.Output, Problem>) -> Void
  private var work: Work
  private var result: Result<Work.Output, Problem>?
  /// Whether a refusal is counted instead of stored; decided once, so that a batch which is applied
  /// again does not count it twice.
  private var isCounted: Bool?

  init(
    _ work: consuming Work, _ admission: Admission = .ordinary, books: Books, terms: TermsInForce,
    caller: Caller,
    reply: @escaping @Sendable (Result<Work.Output, Problem>) -> Void
  ) {
    self.work = work
    self.admission = admission
    self.books = books
    self.terms = terms
    self.caller = caller
    self.reply = reply
  }

  // The writer calls it through a protocol: without this, types and values of each new card would be looked
  // up as it runs.
  @specialized(where Work == TokenizeOperation)
  func apply(_ transaction: inout StoreWriteTransaction) throws(VaultError) {
    let changes = transaction.changes
    do throws(VaultError) {
      let caller = try terms.caller(caller, asking: Work.operation)
      result = .success(try work.apply(books, for: caller, in: &transaction))
    } catch {
      // What has changed something is no refusal: nothing of it may stay.
      guard let refusal = error.refusal, transaction.changes == changes else { throw error }
      try record(refusal, in: &transaction)
      result = .failure(refusal.problem)
    }
  }

  @specialized(where Work == TokenizeOperation)
  func complete(_ outcome: Result<Void, VaultError>) {
    // A card that is handed out is not kept here.
    let result = self.result.take()
    switch outcome {
    case .success:
      guard let result else { preconditionFailure("a job is applied before it succeeds") }
      reply(result)
    case .failure(let error): reply(.failure(Problem(of: error)))
    }
  }

  /// Appends the entry of a refusal, unless it tells of the service's state alone, or is one of a
  /// number told later. One that has come into reserved room takes nothing of it.
  private func record(
    _ refusal: (problem: Problem, reason: String?), in transaction: inout StoreWriteTransaction
  ) throws(VaultError) {
    if refusal.problem.name.isServiceState { return }
    var entry = AuditEntry(
      refusal.problem, caller: caller, operation: AuditOperation(Work.operation),
      token: work.token)
    if let acquirer = work.acquirer { entry.acquirer = acquirer }
    if let reason = refusal.reason { entry.reason = reason }
    let now = books.clock.monotonicNanoseconds
    let isCounted =
      isCounted
      ?? (books.refusals.record(
        client: caller.actor, storing: admission == .ordinary, now: now()) == .count)
    self.isCounted = isCounted
    if isCounted {
      books.alarms.noteCounted(entry, from: .batch, now: now)
    } else {
      try books.record(entry, in: &transaction)
    }
  }
}

extension AuditEntry {
  /// An entry about what `caller` asked.
  init(
    _ caller: Caller, operation: AuditOperation, token: Token? = nil, outcome: AuditOutcome
  ) {
    self.init(
      actor: AuditActor(caller.actor, from: caller.origin), operation: operation,
      merchant: caller.merchant?.name,
      token: token?.text, key: nil, acquirer: caller.acquirer?.name, paymentIdentifier: nil,
      outcome: outcome, reason: nil, requestIdentifier: caller.requestIdentifier)
  }

  /// An entry about a refusal of the vault's own.
  init(_ problem: Problem, caller: Caller, operation: AuditOperation, token: Token?) {
    self.init(caller, operation: operation, token: token, outcome: .refused)
    reason = problem.name.rawValue
  }
}

extension AuditOperation {
  init(_ operation: Operation) {
    switch operation {
    case .tokenize: self = .tokenize
    case .detokenize: self = .detokenize
    case .delete: self = .delete
    }
  }
}

extension Caller {
  /// The merchant that asks, if it is one.
  var merchant: Merchant? {
    if case .merchant(let merchant) = principal { merchant } else { nil }
  }

  /// The acquirer that asks, if it is one.
  var acquirer: Acquirer? {
    if case .acquirer(let acquirer) = principal { acquirer } else { nil }
  }

  /// The merchant that asks.
  ///
  /// - Throws: ``VaultError/refused(_:reason:)`` where an acquirer does.
  func requireMerchant() throws(VaultError) -> Merchant {
    guard let merchant else { throw .refused(Problem(.operationNotPermitted)) }
    return merchant
  }
}
