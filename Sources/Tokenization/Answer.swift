import Cards
import Ledgers
package import VaultCore

/// What goes back to a client: a status and a body in JSON that holds no card number.
///
/// A body of a status of 400 and above is a problem document (`application/problem+json`), any other
/// is `application/json`; `204` has none.
///
/// A token's view becomes JSON when ``body`` is asked for, so that the writer's thread, for which every
/// client waits, does not write it.
package struct Answer: Sendable {
  private enum Content: Sendable {
    case bytes([UInt8])
    /// Apart, since an answer is handed on several times and the view is large.
    indirect case view(TokenView)
  }

  package let status: UInt16
  private let content: Content
  package let retryAfterSeconds: Int?
  /// Of a payment without a decision: what the log says beside the status. The client is not told,
  /// and it is not kept.
  package private(set) var failure: PaymentFailure?
  /// Of an `internal-error`: the same.
  package private(set) var cause: InternalCause?

  /// The JSON; made anew at each call where it is a token's view.
  package var body: [UInt8] {
    switch content {
    case .bytes(let bytes): bytes
    case .view(let view): view.json
    }
  }

  /// An answer as it stands.
  package init(status: UInt16, body: [UInt8], retryAfterSeconds: Int? = nil) {
    self.status = status
    content = .bytes(body)
    self.retryAfterSeconds = retryAfterSeconds
  }

  /// `200` or `201` with a token's view.
  init(_ view: TokenView, isNew: Bool) {
    status = isNew ? 201 : 200
    content = .view(view)
    retryAfterSeconds = nil
  }

  /// The same answer, with what the log says of it.
  func because(of failure: PaymentFailure) -> Answer {
    var answer = self
    answer.failure = failure
    return answer
  }

  /// A problem document, see ``Problem/document``.
  package init(_ problem: Problem) {
    self.init(
      status: problem.name.status, body: problem.document,
      retryAfterSeconds: problem.retryAfterSeconds)
    cause = problem.cause
  }

  /// An answer that was given before.
  init(_ kept: IdempotencyLedger.Kept) { self.init(status: kept.status, body: kept.body) }

  /// What came of an operation.
  init(_ result: Result<Answer, Problem>) {
    switch result {
    case .success(let answer): self = answer
    case .failure(let problem): self.init(problem)
    }
  }
}

extension Answer: Equatable {
  /// Whether both tell the client the same.
  package static func == (one: Answer, other: Answer) -> Bool {
    one.status == other.status && one.retryAfterSeconds == other.retryAfterSeconds
      && one.body == other.body
  }
}
