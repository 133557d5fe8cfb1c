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

  /// What time has ended: payments, challenges.
  func tick() async throws {
    let now = now()
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
  }

  /// Tokens of payments whose outcome nobody has told for a day are to be deleted.
  func oweTokens() async throws {
    let end = now() - Self.unknownTime
    let left = try await store.read { try $0.attemptsLeftUnsettled(since: end, limit: 1_000) }
    guard !left.isEmpty else { return }
    try await store.write { writing in
      for attempt in left {
        // As it stands now: the shop may have settled it meanwhile.
        guard var attempt = try writing.reading.attempt(attempt.id ?? 0), attempt.hasMadeToken,
          try writing.reading.payment(attempt.payment)?.state.isFinal == false
        else { continue }
        attempt.owesDeletion = true
        try writing.save(attempt)
      }
    }
  }

  /// Deletes what no payment needs any more. What cannot be deleted now is tried again; a merchant whose vault
  /// deletes nothing keeps nobody else waiting.
  func deleteTokens() async {
    await withTaskGroup(of: Void.self) { group in
      for merchant in merchants.values {
        group.addTask { [self] in
          do { try await deleteTokens(of: merchant) } catch {
            warnOfDeletion(merchant.name, "\(type(of: error))")
          }
        }
      }
    }
  }

  private func deleteTokens(of merchant: PageMerchant) async throws {
    let name = merchant.name
    let owing = try await store.read { try $0.attemptsOwingDeletion(merchant: name, limit: 200) }
    for attempt in owing {
      guard let token = attempt.token else { continue }
      switch try await store.read({ try $0.needsToken(token) }) {
      case .kept: break
      case .inUse: continue
      case .none:
        switch await merchant.vault.delete(token) {
        case .done: break
        case .problem(let problem) where problem.status == 404: break
        case .problem(let problem) where [409, 422].contains(problem.status):
          // Of this token alone.
          warnOfDeletion(name, "\(problem.status) \(problem.name)")
          continue
        case .problem(let problem):
          return warnOfDeletion(name, "\(problem.status) \(problem.name)")
        case .notSent, .lost: return warnOfDeletion(name, "no answer")
        }
      }
      var settled = attempt
      settled.owesDeletion = false
      settled.hasMadeToken = false
      try await save(settled)
    }
  }

  /// Says, once a minute for each merchant, that cards that are not to stay do.
  private func warnOfDeletion(_ merchant: String, _ cause: String) {
    guard deletionWarnings.isDue(merchant, at: now()) else { return }
    logger.warning(
      "the vault does not delete tokens of payments that have ended",
      metadata: ["merchant": "\(merchant)", "cause": "\(cause)"])
  }
}
