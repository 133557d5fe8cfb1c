import ConfigurationReading
import Logging
import NIOCore
import PaymentStore
import Payments

/// What is done with payments: attempts from the button to what came of them, ends, notifications.
///
/// Everything is written before the next thing is done, so that a crash leaves each payment in a state that
/// is true, and nothing is sent a second time. Effects are the vault's and the store's; what follows from
/// what is ``Payments``.
final class PaymentEngine: Sendable {
  let store: PaymentStore
  let current: Reloadable<[String: PageMerchant]>
  var merchants: [String: PageMerchant] { current.value }
  let publicURL: String
  /// Nil where no merchant takes it.
  let paypal: PayPalClient?
  let codes = HeldCodes()
  let waiters = Waiters()
  let guesses: Guesses
  /// Of merchants whose tokens could not be deleted.
  let deletionWarnings = OnceAMinute()
  let figures: Figures
  let now: @Sendable () -> Milliseconds
  let logger: Logger

  init(
    store: PaymentStore, merchants: [String: PageMerchant], publicURL: String,
    paypal: PayPalClient?, guesses: Guesses, figures: Figures, logger: Logger,
    now: @escaping @Sendable () -> Milliseconds
  ) {
    self.store = store
    current = Reloadable(merchants)
    self.publicURL = publicURL
    self.paypal = paypal
    self.guesses = guesses
    self.figures = figures
    self.logger = logger
    self.now = now
  }

  /// How long a browser waits for the outcome of what it has sent.
  static let patience = 5_000
  /// How long a shopper may be at the bank's page.
  static let challengeTime: Milliseconds = 600_000
  /// How long the token of a payment whose outcome is unknown stays.
  static let unknownTime: Milliseconds = 86_400_000

  /// Changes a payment; where its state or its end has changed, the shop is told.
  ///
  /// - Returns: what `change` returns; nil where there is no such payment.
  @discardableResult
  func change<Value: Sendable>(
    _ id: String,
    _ change: @Sendable @escaping (inout Payment, PaymentWriting, Milliseconds) throws -> Value
  ) async throws -> Value? {
    let now = now()
    return try await store.write { writing in
      guard var payment = try writing.reading.payment(id) else { return nil }
      let before = payment
      let value = try change(&payment, writing, now)
      try Self.save(&payment, before, writing, at: now)
      return value
    }
  }

  /// Writes what has changed of a payment, and has the shop told where that concerns it.
  static func save(
    _ payment: inout Payment, _ before: Payment, _ writing: PaymentWriting, at now: Milliseconds
  ) throws {
    guard payment != before else { return }
    if payment.state != before.state || payment.expiresAt != before.expiresAt {
      payment.sequence += 1
      try writing.save(payment)
      if payment.state.isFinal { try owe(payment, writing) }
      let attempts = try writing.reading.attempts(of: payment.id)
      let document = PaymentDocument.write(payment, attempts, sequence: payment.sequence)
      try writing.notify(payment, body: String(decoding: document, as: UTF8.self), at: now)
    } else {
      try writing.save(payment)
    }
  }

  /// The tokens of a payment that has ended are to be deleted, but for the one that was to be kept.
  private static func owe(_ payment: Payment, _ writing: PaymentWriting) throws {
    let attempts = try writing.reading.attempts(of: payment.id)
    let kept = payment.kept == nil ? nil : attempts.last?.token
    for var attempt in attempts
    where attempt.hasMadeToken && !attempt.owesDeletion && attempt.token != kept {
      attempt.owesDeletion = true
      try writing.save(attempt)
    }
  }

  // MARK: - Attempts

  enum Begun: Sendable {
    case attempt(Attempt)
    /// The form was used before, or the payment cannot be paid any more, or an attempt is under way.
    case nothing
  }

  /// Notes an attempt, durably, before anything is done for it.
  func begin(_ attempt: Attempt) async throws -> Begun {
    do {
      let begun = try await change(attempt.payment) { payment, writing, now -> Attempt? in
        guard payment.mayBegin(at: now) else { return nil }
        let noted = try writing.insert(attempt)
        payment.begin(attempt.method)
        return noted
      }
      guard let noted = begun ?? nil else { return .nothing }
      figures.count { $0.attempts += 1 }
      return .attempt(noted)
    } catch PaymentStoreError.formUsed {
      return .nothing
    }
  }

  /// Does something for an attempt apart from the request that asked for it, which may wait.
  func run(_ id: Int64, _ body: @Sendable @escaping (PaymentEngine) async throws -> Void) {
    waiters.begin(id)
    Task { [self] in
      do { try await body(self) } catch {
        logger.error(
          "an attempt rests where it is", metadata: ["cause": "\(type(of: error))"])
      }
      waiters.end(id)
    }
  }

  /// Ends an attempt, and with it perhaps the payment.
  ///
  /// - Parameter steps: where it has to stand; anywhere but at its end where nil.
  func end(
    _ attempt: Attempt, _ result: Attempt.Result, from steps: Set<Attempt.Step>? = nil
  ) async throws {
    let merchants = merchants
    let isEnded = try await change(attempt.payment) { payment, writing, now -> Bool in
      guard let stored = try writing.reading.attempt(attempt.id ?? 0), stored.step != .ended,
        steps?.contains(stored.step) != false
      else { return false }
      var ended = attempt
      ended.step = .ended
      ended.result = result
      ended.endedAt = now
      ended.challenge = nil
      ended.browser = [:]
      ended.request = nil
      ended.threeDS = nil
      if ![.approved, .pending, .unknown].contains(result) { ended.consent = nil }
      try writing.save(ended)
      let attempts = try writing.reading.attempts(of: payment.id)
      let limit = merchants[payment.merchant]?.settings.attempts ?? 5
      _ = payment.end(with: ended, of: attempts, limit: limit, at: now)
      guard result == .approved, let token = ended.token, let card = ended.card,
        let customer = payment.customer
      else { return true }
      if payment.kept != nil || ended.isKeptCard {
        try writing.keep(
          card, token: token, merchant: payment.merchant, customer: customer, at: now)
      }
      return true
    }
    guard isEnded == true else { return }
    if let id = attempt.id { codes.forget(id) }
    figures.count(result)
  }

  /// Writes how far an attempt has come, unless it stands elsewhere than was thought.
  ///
  /// - Returns: whether it was written.
  func advance(_ attempt: Attempt, from steps: Set<Attempt.Step>) async throws -> Bool {
    try await store.write { writing in
      guard let stored = try writing.reading.attempt(attempt.id ?? 0), steps.contains(stored.step)
      else { return false }
      try writing.save(attempt)
      return true
    }
  }

  func save(_ attempt: Attempt) async throws {
    try await store.write { try $0.save(attempt) }
  }
}
