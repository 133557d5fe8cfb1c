import Synchronization

/// What the PayPal simulator knows: access tokens and orders, in memory.
final class PayPalDesk: Sendable {
  /// How long an access token is good, in seconds: nine hours, as PayPal's.
  static let tokenSeconds = 32_400
  /// How many orders are kept; those that came first go first.
  static let orderLimit = 10_000

  /// What a capture comes to.
  enum CaptureOutcome: Sendable {
    /// `isReplay` where the same request had this answer before.
    case order(PayPalOrder, isReplay: Bool)
    case error(PayPalError)
    case silence
  }

  private struct State {
    var tokens: Set<String> = []
    var refusesNextToken = false
    var orders: [String: PayPalOrder] = [:]
    var sequence: [String] = []
    /// Orders by the `PayPal-Request-Id` of their creation, and of their capture.
    var created: [String: String] = [:]
    var captured: [String: String] = [:]
  }

  private let state = Mutex(State())

  /// A new access token; nil where one is refused.
  func issueToken() -> String? {
    state.withLock { state in
      if state.refusesNextToken {
        state.refusesNextToken = false
        return nil
      }
      let token = "A21AA\(RandomText.token())"
      state.tokens.insert(token)
      return token
    }
  }

  func isToken(_ token: String) -> Bool { state.withLock { $0.tokens.contains(token) } }

  /// Makes an order, or finds the one that the same request has made.
  /// - Parameters:
  ///   - key: the request's `PayPal-Request-Id`.
  ///   - token: the access token of the request.
  func create(
    _ request: PayPalOrderRequest, key: String, token: String
  ) -> Result<(order: PayPalOrder, isReplay: Bool), PayPalError> {
    state.withLock { state in
      if let id = state.created[key], let order = state.orders[id] {
        return .success((order, true))
      }
      switch PayPalDecision(minorUnits: request.minorUnits) {
      case .refusesToken:
        state.tokens.remove(token)
        state.refusesNextToken = true
        return .failure(.invalidToken)
      case .failsAtCreation: return .failure(.failure)
      case .captured, .declinedOnce, .pending, .failsAfterCapture, .neverAnswers, .declined,
        .failsBeforeCapture:
        break
      }
      let order = PayPalOrder(request)
      state.orders[order.id] = order
      state.sequence.append(order.id)
      if state.sequence.count > Self.orderLimit {
        state.orders[state.sequence.removeFirst()] = nil
      }
      state.created[key] = order.id
      return .success((order, false))
    }
  }

  func order(_ id: String) -> PayPalOrder? { state.withLock { $0.orders[id] } }

  /// The payer agrees.
  /// - Returns: the order; nil where there is none that waits for that.
  func approve(_ id: String) -> PayPalOrder? {
    state.withLock { state in
      guard var order = state.orders[id],
        order.status == .payerActionRequired || order.status == .created
      else { return nil }
      order.status = .approved
      order.payer = order.payer ?? String(PayPalOrder.identifier().prefix(13))
      state.orders[id] = order
      return order
    }
  }

  /// Takes the money of an order, as its amount decides.
  /// - Parameter page: where the payer of this order approves.
  func capture(_ id: String, key: String, page: String) -> CaptureOutcome {
    state.withLock { state in
      guard var order = state.orders[id] else { return .error(.notFound) }
      if state.captured[key] == id { return .order(order, isReplay: true) }
      if order.status == .completed { return .error(.alreadyCaptured) }
      guard order.status == .approved else { return .error(.notApproved) }
      order.tries += 1
      let outcome = Self.capture(&order, page: page)
      state.orders[id] = order
      if order.capture != nil { state.captured[key] = id }
      return outcome
    }
  }

  private static func capture(_ order: inout PayPalOrder, page: String) -> CaptureOutcome {
    var status = PayPalOrder.Capture.Status.completed
    let decision = PayPalDecision(minorUnits: order.request.minorUnits)
    switch decision {
    case .declinedOnce where order.tries == 1:
      order.status = .payerActionRequired
      return .error(.instrumentDeclined(page: page))
    case .failsBeforeCapture where order.tries == 1: return .error(.failure)
    case .neverAnswers: return .silence
    case .pending: status = .pending
    case .declined: status = .declined
    case .captured, .declinedOnce, .failsBeforeCapture, .failsAfterCapture, .refusesToken,
      .failsAtCreation:
      break
    }
    order.status = .completed
    order.capture = PayPalOrder.Capture(id: PayPalOrder.identifier(), status: status)
    return decision == .failsAfterCapture
      ? .error(.failure) : .order(order, isReplay: false)
  }

  /// Decides a capture that was pending; false where there is none.
  func settle(_ id: String, _ status: PayPalOrder.Capture.Status) -> Bool {
    state.withLock { state in
      guard state.orders[id]?.capture?.status == .pending else { return false }
      state.orders[id]?.capture?.status = status
      return true
    }
  }

  /// How many orders were made, and the invoices or references of those whose money was taken, in their order.
  func summary() -> (orders: Int, captured: [String]) {
    state.withLock { state in
      let captured = state.sequence.compactMap { id -> String? in
        guard let order = state.orders[id], order.capture?.status == .completed else { return nil }
        return order.request.invoice ?? order.request.reference ?? id
      }
      return (state.sequence.count, captured)
    }
  }
}
