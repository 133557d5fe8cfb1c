import AccessPolicy
import AuditLog
import Cards

extension AuditEntry {
  /// An entry about what `caller` asked.
  init(_ caller: Caller, operation: AuditOperation, token: Token? = nil, outcome: AuditOutcome) {
    self.init(
      actor: caller.actor, operation: operation, merchant: caller.merchantName,
      token: token?.text, key: nil, acquirer: caller.acquirerName, paymentIdentifier: nil,
      outcome: outcome, reason: nil, requestIdentifier: caller.requestIdentifier)
  }
}

extension AuditEntry {
  /// An entry about a refusal of the vault's own.
  ///
  /// - Parameter acquirer: the acquirer that a merchant named and may use.
  init(
    _ problem: Problem, caller: Caller, operation: AuditOperation, token: Token?,
    acquirer: String? = nil
  ) {
    self.init(caller, operation: operation, token: token, outcome: .refused)
    if let acquirer { self.acquirer = acquirer }
    reason = problem.name.rawValue
  }
}

extension Operation {
  /// The word of its entries.
  var audited: AuditOperation {
    switch self {
    case .tokenize: .tokenize
    case .detokenize: .detokenize
    case .delete: .delete
    }
  }
}

extension PaymentAnswer.Outcome {
  /// The outcome of its entry.
  var audited: AuditOutcome {
    switch self {
    case .approved: .approved
    case .authenticationRequired: .authenticationRequired
    case .refused: .refused
    }
  }
}

extension Caller {
  /// The merchant that asks, if it is one.
  var merchantName: String? {
    if case .merchant(let merchant) = principal { merchant.name } else { nil }
  }

  /// The acquirer that asks, if it is one.
  var acquirerName: String? {
    if case .acquirer(let acquirer) = principal { acquirer.name } else { nil }
  }
}
