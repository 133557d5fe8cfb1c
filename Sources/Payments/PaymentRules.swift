extension Payment {
  /// How many attempts count against ``attemptLimit``: all that may have been of use to somebody who guesses.
  ///
  /// What failed before anybody was asked is of none, and somebody may turn back from a wallet twice.
  package static func counted(_ attempts: [Attempt]) -> Int {
    let counted = attempts.count { attempt in
      switch attempt.result {
      case .left: false
      case .fault: attempt.token != nil
      case .down: attempt.hasReachedNobody != true
      default: true
      }
    }
    let left = attempts.count { $0.result == .left }
    return counted + max(0, left - 2)
  }

  /// Whether an attempt may begin now.
  package func mayBegin(at now: Milliseconds) -> Bool { state == .open && now < expiresAt }

  /// An attempt begins.
  package mutating func begin(_ method: Method) {
    state = .inProgress
    self.method = method
    faults = []
  }

  /// An attempt has ended, or the bank has taken it on.
  ///
  /// - Parameters:
  ///   - attempts: all of them, this one too.
  ///   - limit: how many may count.
  /// - Returns: whether the shop is to be told.
  package mutating func end(
    with attempt: Attempt, of attempts: [Attempt], limit: Int, at now: Milliseconds
  ) -> Bool {
    let before = state
    switch attempt.result {
    case .approved:
      state = .approved
      approvedAmount = attempt.approvedAmount
      kept = attempt.consent
    case .pending: state = .pending
    case .unknown: state = .unknown
    case .refused, .unconfirmed, .down, .mistaken, .fault, .left, nil:
      if Self.counted(attempts) >= limit {
        state = .refused
      } else {
        state = now < expiresAt ? .open : .expired
      }
    }
    if state.isFinal { endedAt = now }
    return state != before
  }

  /// The shop, or the shopper, does not want it any more.
  package mutating func cancel(at now: Milliseconds) -> Bool {
    guard state == .open else { return false }
    state = .cancelled
    endedAt = now
    return true
  }

  /// The time to pay is over. It never runs out on an attempt that is under way.
  package mutating func expire(at now: Milliseconds) -> Bool {
    guard state == .open, now >= expiresAt else { return false }
    state = .expired
    endedAt = now
    return true
  }

  /// The shop has asked the acquirer what became of it.
  package mutating func settle(
    approved: Bool, amount: Int64?, _ attempt: Attempt?, at now: Milliseconds
  ) -> Bool {
    guard state == .pending || state == .unknown else { return false }
    state = approved ? .approved : .refused
    if approved {
      approvedAmount = amount
      kept = attempt?.consent
    }
    endedAt = now
    return true
  }

  /// What more time gives.
  package static let prolongation: Milliseconds = 600_000
  package static let mostProlongations = 10

  /// The shopper asks for more time.
  package mutating func prolong(at now: Milliseconds) -> Bool {
    guard state == .open, now < expiresAt, prolongations < Self.mostProlongations else {
      return false
    }
    prolongations += 1
    expiresAt += Self.prolongation
    return true
  }
}

/// What a browser is shown of a payment.
package enum Screen: String, Sendable {
  case card, kept, methods, wait, bank, code, refused, ended, approved, waiting, closed

  /// How long the first browser sees what came of it.
  package static let receiptTime: Milliseconds = 3_600_000

  /// The screen of the state that is true now.
  ///
  /// - Parameters:
  ///   - last: the attempt that was begun last.
  ///   - isParty: whether this is the first browser that came, or the one that began the last attempt.
  ///   - isOwner: whether it began the last attempt.
  ///   - hasKept: whether there are cards to choose from.
  package static func of(
    _ payment: Payment, _ last: Attempt?, isParty: Bool, isOwner: Bool, hasKept: Bool,
    at now: Milliseconds
  ) -> Screen {
    switch payment.state {
    case .open:
      guard now < payment.expiresAt else { return isParty ? .ended : .closed }
      if isParty, last?.result != nil { return .refused }
      return form(payment, hasKept: isParty && hasKept)
    case .inProgress:
      guard isOwner else { return .wait }
      switch last?.step {
      case .challenge: return .bank
      case .code: return .code
      default: return .wait
      }
    case .pending, .unknown: return .waiting
    case .approved: return mayBeSeen(payment, isParty, now) ? .approved : .closed
    case .refused, .cancelled, .expired:
      return mayBeSeen(payment, isParty, now) ? .ended : .closed
    }
  }

  /// Whether it says what came of the payment, or what is under way.
  package var isOutcome: Bool {
    switch self {
    case .ended, .approved, .waiting, .closed, .bank, .code: true
    case .card, .kept, .methods, .refused, .wait: false
    }
  }

  /// The form to pay with.
  package static func form(_ payment: Payment, hasKept: Bool) -> Screen {
    guard payment.methods.contains(.card) else { return .methods }
    return hasKept ? .kept : .card
  }

  private static func mayBeSeen(_ payment: Payment, _ isParty: Bool, _ now: Milliseconds) -> Bool {
    isParty && now < (payment.endedAt ?? payment.expiresAt) + receiptTime
  }
}
