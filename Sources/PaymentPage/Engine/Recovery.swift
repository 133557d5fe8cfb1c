import Logging
import NIOCore
import PaymentStore
import Payments

// After a start, and once a second: what a crash has left under way, and what time has ended.

extension PaymentEngine {
  /// For so long a question may still be on its way to a vault that has not seen it.
  private static let onItsWay: Milliseconds = 60_000
  /// For less than this the vault remembers what it has answered.
  private static let remembered: Milliseconds = 23 * 3_600_000

  /// Finds what became of the attempts that were under way when the program ended. Nothing is sent again.
  func recover() async throws {
    for attempt in try await store.read({ try $0.attemptsUnderWay() }) {
      try await takeUp(attempt)
    }
  }

  /// Goes on with an attempt that nobody goes on with.
  private func takeUp(_ attempt: Attempt) async throws {
    guard let id = attempt.id else { return }
    switch attempt.step {
    case .started, .tokenized:
      // The acquirer has not been asked for money.
      var attempt = attempt
      if attempt.step == .started, attempt.method == .card { attempt.mayHideToken = true }
      try await end(attempt, .down, from: [.started, .tokenized])
    case .authorizing where attempt.method == .paypal:
      run(id) { try await $0.captureWallet(attempt) }
    case .authorizing: run(id) { try await $0.inquire(attempt) }
    case .challenge, .code, .wallet, .ended: break
    }
  }

  /// Asks the vault what it has answered, in a form that it cannot send on.
  private func inquire(_ attempt: Attempt) async throws {
    guard let (_, merchant) = try await parts(of: attempt), let token = attempt.token,
      let members = attempt.request, let askedAt = attempt.askedAt,
      now() - askedAt < Self.remembered
    else { return try await end(attempt, .unknown) }
    while true {
      let answer = await merchant.vault.push(
        token, VaultRequest.inquiry(members), key: key(attempt, "p"))
      // That the vault has not seen the question is believed when it cannot be on its way any more.
      if case .problem(let problem) = answer, problem.status == 422,
        now() - askedAt < Self.onItsWay
      {
        try await Task.sleep(for: .seconds(5))
        continue
      }
      return try await authorized(attempt, answer)
    }
  }

  /// What time has ended: payments, challenges, codes, tokens that are not to stay.
  func tick() async throws {
    let now = now()
    codes.forget(olderThan: now)
    try await expirePayments(at: now)
    for attempt in try await store.read({ try $0.attemptsUnderWay() }) {
      guard let id = attempt.id, !waiters.isUnderWay(id) else { continue }
      switch attempt.step {
      case .challenge where now > (attempt.challenge?.begunAt ?? 0) + Self.challengeTime:
        try await end(attempt, .unconfirmed, from: [.challenge])
      case .code where now > attempt.startedAt + 2 * Self.challengeTime:
        try await end(attempt, .unconfirmed, from: [.code])
      case .wallet where now > attempt.startedAt + Self.walletTime:
        // Nothing was captured: the page alone does that.
        try await end(attempt, .left, from: [.wallet])
      case .started, .tokenized, .authorizing:
        // Whoever went on with it has failed, by an error of the store's.
        if now > attempt.startedAt + Self.patienceWithOurselves { try await takeUp(attempt) }
      default: break
      }
    }
    try await deleteTokens()
    // Every ten minutes: answers are repeated for a day.
    if now / 1_000 % 600 == 0 {
      try await store.write { try $0.forgetAnswers(before: now - 86_400_000) }
    }
  }

  private static let patienceWithOurselves: Milliseconds = 10_000

  private func expirePayments(at now: Milliseconds) async throws {
    let over = try await store.read { try $0.payments(in: .open, expiredAt: now, limit: 100) }
    for payment in over {
      try await change(payment.id) { payment, _, now in _ = payment.expire(at: now) }
    }
    let unknown = try await store.read { reading in
      try [PaymentState.unknown, .pending].flatMap {
        try reading.payments(in: $0, expiredAt: now - Self.unknownTime, limit: 100)
      }
    }
    for payment in unknown {
      try await store.write { writing in
        for var attempt in try writing.reading.attempts(of: payment.id)
        where attempt.hasMadeToken && attempt.token != nil && !attempt.owesDeletion
          && attempt.consent == nil
        {
          attempt.owesDeletion = true
          try writing.save(attempt)
        }
      }
    }
  }

  /// Deletes what no payment needs any more. What cannot be deleted now is tried again.
  func deleteTokens() async throws {
    for attempt in try await store.read({ try $0.attemptsOwingDeletion(limit: 200) }) {
      guard let (_, merchant) = try await parts(of: attempt), let token = attempt.token else {
        continue
      }
      switch try await store.read({ try $0.needsToken(token) }) {
      case .kept: break
      case .inUse: continue
      case .none:
        guard await isDeleted(token, at: merchant.vault) else { return }
      }
      var settled = attempt
      settled.owesDeletion = false
      settled.hasMadeToken = false
      try await save(settled)
    }
  }

  private func isDeleted(_ token: String, at vault: VaultClient) async -> Bool {
    switch await vault.delete(token) {
    case .done: return true
    case .problem(let problem): return problem.status == 404
    case .notSent, .lost: return false
    }
  }
}
