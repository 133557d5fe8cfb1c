import Glibc
import JSON
import Synchronization

/// Everything that the shop knows, in memory: browsers, orders and customers' kept cards.
final class ShopData: Sendable {
  /// How many browsers are known; those that came first are forgotten first.
  static let sessionLimit = 20_000
  /// The number of the first order.
  static let firstOrder = 1_042

  private struct State {
    var sessions: [String: ShopSession] = [:]
    var sessionsByAge: [String] = []
    var orders: [String: ShopOrder] = [:]
    /// References in the order of ordering.
    var references: [String] = []
    /// References by the form that was sent.
    var forms: [String: String] = [:]
    var invoices = 0
    /// Kept cards by customer, in the order in which they were kept.
    var cards: [String: [PaymentDocument.Card]] = [:]
    /// Tokens that were removed, which a late notification does not bring back.
    var removed: Set<String> = []
  }

  private let state = Mutex(State())

  /// Seconds since 1970.
  static var now: Int64 { Int64(time(nil)) }
}

// MARK: Browsers

extension ShopData {
  func session(_ id: String) -> ShopSession? { state.withLock { $0.sessions[id] } }

  /// Changes a browser's session, which is made where it is not known.
  func change(_ session: ShopSession, _ body: (inout ShopSession) -> Void) {
    state.withLock { state in
      if state.sessions[session.id] == nil {
        state.sessionsByAge.append(session.id)
        if state.sessionsByAge.count > Self.sessionLimit {
          state.sessions[state.sessionsByAge.removeFirst()] = nil
        }
      }
      var session = state.sessions[session.id] ?? session
      body(&session)
      state.sessions[session.id] = session
    }
  }

  /// Gives a browser another session, with the basket and the orders of the one that it had.
  func renew(_ session: ShopSession) -> ShopSession {
    var renewed = ShopSession()
    renewed.basket = session.basket
    state.withLock { state in
      for reference in state.references where state.orders[reference]?.session == session.id {
        state.orders[reference]?.session = renewed.id
      }
    }
    forget(session.id)
    return renewed
  }

  /// Forgets a browser.
  func forget(_ session: String) {
    state.withLock { state in
      state.sessions[session] = nil
      state.sessionsByAge.removeAll { $0 == session }
    }
  }
}

// MARK: Orders

extension ShopData {
  /// Orders what is in the basket, and empties it; the same form again gives the same order.
  /// - Returns: the order's reference; nil where the form is not the basket's, or nothing is in it.
  func order(
    _ id: String, form: String, in currency: Currency, language: ShopLanguage
  ) -> String? {
    state.withLock { state in
      guard var session = state.sessions[id] else { return nil }
      if let reference = state.forms[form], state.orders[reference]?.session == id {
        return reference
      }
      guard form == session.form, !session.basket.isEmpty else { return nil }
      let lines = session.basket.compactMap { line -> ShopOrder.Line? in
        guard let product = Catalogue.product(line.product), let price = line.price(in: currency)
        else { return nil }
        return ShopOrder.Line(
          label: product.name(in: language), quantity: line.quantity, price: price,
          taxPercent: product.taxPercent)
      }
      let reference = "order-\(Self.firstOrder + state.references.count)"
      state.orders[reference] = ShopOrder(
        reference: reference, lines: lines, currency: currency, language: language,
        customer: session.customer, session: id, orderedAt: Self.now)
      state.references.append(reference)
      state.forms[form] = reference
      session.basket = []
      session.form = RandomText.token()
      state.sessions[id] = session
      return reference
    }
  }

  func order(_ reference: String) -> ShopOrder? { state.withLock { $0.orders[reference] } }

  /// The orders of a browser and of who has signed in with it, the last first.
  func orders(of session: ShopSession) -> [ShopOrder] {
    state.withLock { state in
      state.references.reversed().compactMap { state.orders[$0] }
        .filter { Self.isOwner(session, of: $0) }
    }
  }

  /// Whether a browser may see an order.
  static func isOwner(_ session: ShopSession, of order: ShopOrder) -> Bool {
    order.session == session.id || order.customer != nil && order.customer == session.customer
  }

  /// Begins a payment of an order, or goes on with the one that was begun.
  func beginPayment(of reference: String) -> ShopOrder? {
    state.withLock { state in
      state.orders[reference]?.beginPayment()
      return state.orders[reference]
    }
  }

  /// The page has made the payment of an order.
  func opened(_ payment: String, of reference: String, at address: String) {
    state.withLock { $0.orders[reference]?.opened(payment, at: address) }
  }

  /// Takes what the page tells; nil where it is of no order.
  func take(_ document: PaymentDocument) -> ShopOrder.Taking? {
    state.withLock { state in
      guard var order = state.orders[document.reference] else { return nil }
      let taking = order.take(document)
      if order.state == .paid || order.state == .paidInPart, order.invoice == nil {
        state.invoices += 1
        let number = String(String(10_000 + state.invoices).dropFirst())
        let year = RFC3339.string(unixMilliseconds: Self.now * 1_000).prefix(4)
        order.bill(number: "F-\(year)-\(number)", at: Self.now)
      }
      state.orders[order.reference] = order
      if let customer = order.customer, let card = order.payment?.card, let token = card.token,
        order.payment?.state == .approved, !state.removed.contains(token)
      {
        var cards = state.cards[customer, default: []]
        if let index = cards.firstIndex(where: { $0.token == token }) {
          cards[index] = card
        } else {
          cards.append(card)
        }
        state.cards[customer] = cards
      }
      return taking
    }
  }

  /// The invoice of a paid order, and that it was shown.
  func showInvoice(of reference: String) -> Invoice? {
    state.withLock { $0.orders[reference]?.showInvoice() }
  }

  /// Every order, in the order of ordering.
  func allOrders() -> [ShopOrder] {
    state.withLock { state in state.references.compactMap { state.orders[$0] } }
  }
}

// MARK: Kept cards

extension ShopData {
  func cards(of customer: String) -> [PaymentDocument.Card] {
    state.withLock { $0.cards[customer] ?? [] }
  }

  /// The vault has no such card any more.
  func removeCard(_ token: String, of customer: String) {
    state.withLock { state in
      state.cards[customer]?.removeAll { $0.token == token }
      state.removed.insert(token)
    }
  }
}
