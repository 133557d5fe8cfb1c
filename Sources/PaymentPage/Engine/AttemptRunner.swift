import ConfigurationReading
import Logging
import NIOCore
import PaymentStore
import Payments

// An attempt with a card: tokenize, authenticate, authorize. Each answer is written before the next question.

extension PaymentEngine {
  /// Asks the vault for a token, and goes on.
  func tokenize(
    _ attempt: Attempt, _ body: ByteBuffer, chosen scheme: String?, _ guess: Guesses.Guess
  ) async throws {
    guard let merchant = merchants[try await merchantName(of: attempt)] else {
      return try await end(attempt, .fault)
    }
    var attempt = attempt
    switch await merchant.vault.tokenize(body, key: key(attempt, "t")) {
    case .done(let status, let answer):
      guard let view = TokenView(answer) else { return try await end(attempt, .fault) }
      guesses.learn(view.token, of: guess)
      attempt.token = view.token
      attempt.hasMadeToken = status == 201
      attempt.card = view.card
      attempt.card?.scheme = scheme
      attempt.step = .tokenized
      guard try await advance(attempt, from: [.started]) else { return }
      try await authenticate(attempt)
    case .problem(let problem):
      try await endTokenizing(attempt, problem)
    case .notSent:
      guesses.giveBack(guess)
      try await endUnreached(attempt)
    case .lost:
      // A token that nobody knows has told nobody anything.
      guesses.giveBack(guess)
      attempt.mayHideToken = true
      try await end(attempt, .down)
    }
  }

  private func endTokenizing(_ attempt: Attempt, _ problem: VaultProblem) async throws {
    let fault: FieldFault? =
      switch problem.name {
      case "invalid-card-number": FieldFault(.number, "number_check")
      case "unsupported-brand": FieldFault(.number, "number_brand")
      case "card-expired": FieldFault(.expiry, "expiry_form")
      default: nil
      }
    guard let fault else {
      report(problem, of: "tokenize")
      return try await end(attempt, problem)
    }
    try await end(attempt, .mistaken)
    try await change(attempt.payment) { payment, _, _ in payment.faults = [fault] }
  }

  /// Goes on with a card that the vault has: first with the brand that was chosen this time.
  func payAgain(_ attempt: Attempt) async throws {
    guard let (_, merchant) = try await parts(of: attempt), let token = attempt.token else {
      return try await end(attempt, .fault)
    }
    switch await merchant.vault.view(token, preferredBrand: attempt.card?.scheme) {
    case .done: try await authenticate(attempt)
    case .problem(let problem) where problem.status == 404:
      // The shop has deleted it.
      try await store.write { try $0.forgetCard(token: token) }
      try await end(attempt, .mistaken)
    case .problem(let problem):
      report(problem, of: "tokenize")
      try await end(attempt, problem)
    case .notSent, .lost: try await endUnreached(attempt)
    }
  }

  /// The vault does not do what was asked, and has sent nothing on.
  private func end(_ attempt: Attempt, _ problem: VaultProblem) async throws {
    guard problem.status >= 500 || problem.status == 429 else {
      return try await end(attempt, .fault)
    }
    if problem.status == 429 { return try await endUnreached(attempt) }
    try await end(attempt, .down)
  }

  /// Ends what has reached nobody: it is no try.
  func endUnreached(_ attempt: Attempt) async throws {
    var attempt = attempt
    attempt.hasReachedNobody = true
    try await end(attempt, .down)
  }

  /// Asks the acquirer's 3-D Secure server, where it has one.
  func authenticate(_ attempt: Attempt) async throws {
    guard let (payment, merchant) = try await parts(of: attempt), let token = attempt.token else {
      return try await end(attempt, .fault)
    }
    let members = VaultRequest.members(
      "authenticate", payment, attempt, acquirer: merchant.settings.acquirer,
      inputs: inputs(payment, attempt, merchant))
    let answer = await merchant.vault.push(
      token, ByteBuffer(string: members + "}"), key: key(attempt, "a"))
    try await authenticated(attempt, answer)
  }

  /// Goes on with what the 3-D Secure server has said.
  private func authenticated(_ attempt: Attempt, _ answer: VaultAnswer) async throws {
    var attempt = attempt
    switch answer {
    case .done(_, let body):
      guard let outcome = VaultOutcome(body) else { return try await end(attempt, .fault) }
      switch outcome.kind {
      case .authenticated:
        attempt.threeDS = outcome.threeDS
        try await authorize(attempt)
      case .challengeRequired:
        guard let challenge = outcome.challenge, challenge.url.hasPrefix("https://") else {
          return try await end(attempt, .down)
        }
        attempt.challenge = Challenge(
          url: challenge.url, request: challenge.request, transaction: challenge.transaction,
          begunAt: now())
        attempt.step = .challenge
        if try await advance(attempt, from: [.tokenized]), let id = attempt.id {
          codes.goToBank(id)
        }
      case .refused:
        attempt.outcome = String(decoding: body, as: UTF8.self)
        attempt.reason = outcome.reason
        attempt.vaultPayment = outcome.vaultPayment
        try await end(attempt, .unconfirmed)
      default: try await end(attempt, .down)
      }
    case .problem(let problem) where problem.pointer == "/operation":
      // The acquirer's template has no 3-D Secure server: the acquirer is asked at once.
      try await authorize(attempt)
    case .problem(let problem):
      report(problem, of: "authenticate")
      try await end(attempt, problem)
    case .notSent: try await endUnreached(attempt)
    case .lost: try await end(attempt, .down)
    }
  }

  /// The shopper is back from the bank's page, once; what came of it, the 3-D Secure server knows.
  func confirm(_ attempt: Attempt) async throws {
    guard let (payment, merchant) = try await parts(of: attempt), let token = attempt.token,
      attempt.challenge != nil
    else { return try await end(attempt, .fault) }
    let members = VaultRequest.members(
      "authentication_result", payment, attempt, acquirer: merchant.settings.acquirer, inputs: [:])
    let answer = await merchant.vault.push(
      token, ByteBuffer(string: members + "}"), key: key(attempt, "r"))
    try await authenticated(attempt, answer)
  }

  /// Asks the acquirer for the money.
  func authorize(_ attempt: Attempt) async throws {
    guard let (payment, merchant) = try await parts(of: attempt), let token = attempt.token,
      let id = attempt.id
    else { return try await end(attempt, .fault) }
    var attempt = attempt
    guard codes.has(id) else {
      // The page has been started anew since it was typed, or ten minutes have passed.
      attempt.step = .code
      attempt.challenge = nil
      _ = try await advance(attempt, from: [.tokenized])
      return
    }
    let members = VaultRequest.members(
      "authorize", payment, attempt, acquirer: merchant.settings.acquirer,
      inputs: inputs(payment, attempt, merchant))
    attempt.step = .authorizing
    attempt.challenge = nil
    attempt.request = members
    attempt.askedAt = now()
    guard try await advance(attempt, from: [.tokenized, .code]) else { return }
    let body = codes.with(id) { VaultRequest.push(members, code: $0) }
    let answer = await merchant.vault.push(token, body, key: key(attempt, "p"))
    try await authorized(attempt, answer)
  }

  /// What the acquirer has said.
  func authorized(_ attempt: Attempt, _ answer: VaultAnswer) async throws {
    var attempt = attempt
    switch answer {
    case .done(_, let body):
      guard let outcome = VaultOutcome(body) else { return try await end(attempt, .unknown) }
      attempt.outcome = String(decoding: body, as: UTF8.self)
      attempt.vaultPayment = outcome.vaultPayment
      attempt.reason = outcome.reason
      attempt.captured = outcome.captured
      attempt.approvedAmount = outcome.approvedAmount
      switch outcome.kind {
      case .approved: try await end(attempt, .approved)
      case .pending: try await end(attempt, .pending)
      case .authenticationRequired where !attempt.hasSoftDecline:
        attempt.hasSoftDecline = true
        attempt.threeDS = nil
        attempt.request = nil
        attempt.step = .tokenized
        guard try await advance(attempt, from: [.authorizing]) else { return }
        try await authenticate(attempt)
      default: try await end(attempt, .refused)
      }
    case .problem(let problem) where problem.name == "outcome-unknown":
      attempt.vaultPayment = problem.vaultPayment
      try await end(attempt, .unknown)
    case .problem(let problem):
      // Certainly not sent: `502`, or refused by the vault itself.
      report(problem, of: "authorize")
      try await end(attempt, problem)
    case .notSent: try await endUnreached(attempt)
    case .lost: try await end(attempt, .unknown)
    }
  }

  // MARK: - Parts

  private func merchantName(of attempt: Attempt) async throws -> String {
    try await store.read { try $0.payment(attempt.payment)?.merchant } ?? ""
  }

  func parts(of attempt: Attempt) async throws -> (Payment, PageMerchant)? {
    guard let payment = try await store.read({ try $0.payment(attempt.payment) }),
      let merchant = merchants[payment.merchant]
    else { return nil }
    return (payment, merchant)
  }

  /// One key for each question of an attempt, so that asking again does nothing again.
  func key(_ attempt: Attempt, _ question: String) -> String {
    "\(attempt.payment)-\(attempt.form)-\(question)\(attempt.hasSoftDecline ? "2" : "1")"
  }

  /// What the acquirer's template takes of the browser and of the shop's own values.
  private func inputs(
    _ payment: Payment, _ attempt: Attempt, _ merchant: PageMerchant
  ) -> [String: InputValue] {
    var inputs = payment.inputs
    for name in merchant.settings.inputs where inputs[name] == nil {
      if let value = attempt.browser[name] { inputs[name] = value }
    }
    if merchant.settings.inputs.contains("return_url") {
      inputs["return_url"] = .text("\(publicURL)/p/\(payment.address)/bank/back")
    }
    if let capture = payment.capture { inputs["capture"] = .text(capture) }
    return inputs
  }

  private func report(_ problem: VaultProblem, of operation: String) {
    logger.warning(
      "the vault refuses what the page asks",
      metadata: [
        "operation": "\(operation)", "status": "\(problem.status)", "problem": "\(problem.name)",
        "pointer": "\(problem.pointer ?? "-")",
      ])
  }
}
