import Cards
import JSON
import Logging
import PaymentStore
import Payments

// An attempt with PayPal: an order, the shopper's approval there, the capture.

extension PaymentEngine {
  /// How long a shopper may be at the wallet.
  static let walletTime: Milliseconds = 1_800_000

  /// Makes the order to which the shopper is led.
  func beginWallet(_ attempt: Attempt, language: Language) async throws {
    guard let (payment, _) = try await parts(of: attempt), let paypal,
      let currency = Currency(code: payment.currency),
      let money = try? Money(value: payment.amount, currency: currency)
    else { return try await end(attempt, .fault) }
    let address = "\(publicURL)/p/\(payment.address)/wallet"
    let locale: String =
      switch language {
      case .fr: "fr-FR"
      case .en: "en-GB"
      case .de: "de-DE"
      }
    let answer = await paypal.create(
      reference: payment.reference, invoice: "\(payment.id)-\(attempt.id ?? 0)",
      currency: payment.currency, value: money.decimalText, locale: locale,
      returnURL: "\(address)/back", cancelURL: "\(address)/left", requestID: key(attempt, "o"))
    guard case .done(let body) = answer, let order = PayPalClient.Order(body),
      let approval = order.approval, approval.hasPrefix("https://")
    else {
      if case .refused(let issue) = answer {
        logger.warning("PayPal refuses an order", metadata: ["issue": "\(issue)"])
        return try await end(attempt, .fault)
      }
      return try await end(attempt, .down)
    }
    var attempt = attempt
    attempt.walletOrder = order.id
    attempt.walletURL = approval
    attempt.step = .wallet
    _ = try await advance(attempt, from: [.started])
  }

  /// The shopper is back: what was approved is captured.
  func captureWallet(_ attempt: Attempt) async throws {
    guard let paypal, let order = attempt.walletOrder else { return try await end(attempt, .fault) }
    var attempt = attempt
    attempt.step = .authorizing
    guard try await advance(attempt, from: [.wallet, .authorizing]) else { return }
    switch await paypal.capture(order, requestID: key(attempt, "c")) {
    case .done(let body): try await captured(attempt, PayPalClient.Order(body))
    case .refused("ORDER_NOT_APPROVED"): try await end(attempt, .left)
    case .refused("ORDER_ALREADY_CAPTURED"), .lost: try await lookAtOrder(attempt)
    case .refused(let issue):
      attempt.reason = issue == "INSTRUMENT_DECLINED" ? "do_not_honour" : "other"
      attempt.outcome = Self.outcome(attempt, .refused, nil)
      try await end(attempt, .refused)
    case .notSent: try await endUnreached(attempt)
    }
  }

  /// What became of an order whose capture has not been answered.
  func lookAtOrder(_ attempt: Attempt) async throws {
    guard let paypal, let order = attempt.walletOrder,
      case .done(let body) = await paypal.order(order), let found = PayPalClient.Order(body)
    else { return try await endUnknown(attempt) }
    // Not captured, and perhaps it will be: that is not known here.
    guard found.captureID != nil else { return try await endUnknown(attempt) }
    try await captured(attempt, found)
  }

  private func captured(_ attempt: Attempt, _ order: PayPalClient.Order?) async throws {
    var attempt = attempt
    let result: Attempt.Result =
      switch order?.captureStatus {
      case "COMPLETED": .approved
      case "PENDING": .pending
      case "DECLINED", "FAILED": .refused
      default: .unknown
      }
    if result == .approved { attempt.captured = true }
    attempt.outcome = Self.outcome(attempt, result, order)
    try await end(attempt, result)
  }

  private func endUnknown(_ attempt: Attempt) async throws {
    var attempt = attempt
    attempt.outcome = Self.outcome(attempt, .unknown, nil)
    try await end(attempt, .unknown)
  }

  /// What the shop is told in the place of the vault's answer: by the order it can ask PayPal.
  private static func outcome(
    _ attempt: Attempt, _ result: Attempt.Result, _ order: PayPalClient.Order?
  ) -> String {
    let bytes = JSONWriter.document { json in
      json.member("outcome", string: result.rawValue)
      json.member("wallet", string: "paypal")
      json.member("order", string: attempt.walletOrder)
      json.member("transaction_id", string: order?.captureID)
      json.member("reason", string: attempt.reason)
      json.member("captured", boolean: attempt.captured)
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
