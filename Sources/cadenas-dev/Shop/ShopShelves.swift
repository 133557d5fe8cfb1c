import Hummingbird

// MARK: Catalogue and basket

extension Shop {
  func showCatalogue(_ request: Request) -> Response {
    let visit = visitOfPage(request)
    return show(
      "catalogue", CatalogueView(visit), title: visit.title("catalogue"), in: visit, at: .catalogue)
  }

  func showBasket(_ request: Request) -> Response {
    let visit = visitOfPage(request)
    return show("basket", BasketView(visit), title: visit.text("basket"), in: visit, at: .basket)
  }

  /// `product`, and `worth` for a voucher.
  func add(_ request: Request) async -> Response {
    let visit = Visit(request, data)
    guard let form = await request.form(),
      let product = form["product"].flatMap({ Catalogue.product($0) })
    else { return gone(request, .badRequest) }
    let notice = visit.text("added", ["product": product.name(in: visit.language)])
    guard product.price(in: visit.currency) == nil else {
      return change(visit, thenShow: "/") { session in
        session.add(product, worth: nil)
        session.notice = notice
      }
    }
    let worth = form["worth"].flatMap { Money.typed($0) }
    guard let worth, Catalogue.voucher.contains(worth) else {
      return change(visit, thenShow: "/#worth") { $0.fault = visit.text("worth.wrong") }
    }
    return change(visit, thenShow: "/") { session in
      session.add(product, worth: worth)
      session.notice = notice
    }
  }

  /// `line`, and `quantity` or `remove`.
  func changeQuantity(_ request: Request) async -> Response {
    let visit = Visit(request, data)
    guard let form = await request.form(), let line = form["line"].flatMap({ Int($0) }) else {
      return gone(request, .badRequest)
    }
    let typed = form["quantity"].flatMap { Int($0.filter { !$0.isWhitespace }) }
    let quantity = form["remove"] != nil ? 0 : typed
    return change(visit, thenShow: "/basket") { session in
      if let quantity { session.set(line, to: quantity) }
    }
  }

  /// A page of a few words.
  func showText(_ key: String, _ request: Request) -> Response {
    let visit = visitOfPage(request)
    let title = visit.text(key)
    return show(
      "message", MessageView(visit, title: title, text: visit.text(key + ".text")), title: title,
      in: visit)
  }
}

// MARK: Account

extension Shop {
  func showAccount(_ request: Request) -> Response {
    let visit = visitOfPage(request)
    let cards = visit.session.customer.map { data.cards(of: $0) } ?? []
    return show(
      "account", AccountView(visit, cards: cards, mayRemove: vault != nil),
      title: visit.title("account"), in: visit, at: .account)
  }

  /// Signs in as `customer`: a demonstration, without a password. The browser gets another session, so that a
  /// cookie that somebody has put there before is worth nothing.
  func signIn(_ request: Request) async -> Response {
    var visit = Visit(request, data)
    let form = await request.form()
    let customer = (form?["customer"] ?? "").filter { !$0.isWhitespace }
    guard ShopSession.isCustomer(customer) else {
      return change(visit, thenShow: "/account") { $0.fault = visit.text("customer.wrong") }
    }
    visit.session = data.renew(visit.session)
    visit.isKnown = false
    return change(visit, thenShow: "/account") { $0.customer = customer }
  }

  func signOut(_ request: Request) -> Response {
    var visit = Visit(request, data)
    data.forget(visit.session.id)
    visit.session = ShopSession()
    visit.isKnown = false
    return change(visit, thenShow: "/account") { _ in }
  }

  /// Has the vault forget the card that the account's page calls `card`.
  func removeCard(_ request: Request) async -> Response {
    let visit = Visit(request, data)
    guard let form = await request.form(), let vault, let customer = visit.session.customer,
      let card = data.cards(of: customer).first(where: { AccountView.id(of: $0) == form["card"] }),
      let token = card.token
    else { return gone(request, .notFound) }
    let isGone = await vault.delete(token)
    if isGone { data.removeCard(token, of: customer) }
    return change(visit, thenShow: "/account") {
      $0.notice = visit.text(isGone ? "card.removed" : "card.stays")
    }
  }
}
