import Hummingbird

// MARK: Ordering and paying

extension Shop {
  /// Orders the basket and goes to the payment page; `form` twice is one order and one payment.
  func checkOut(_ request: Request) async -> Response {
    let visit = Visit(request, data)
    guard let form = await request.form(),
      let reference = data.order(
        visit.session.id, form: form["form"] ?? "", in: visit.currency, language: visit.language)
    else { return change(visit, thenShow: "/basket") { _ in } }
    return await goToPayment(of: reference, visit)
  }

  /// Pays an order that is not paid.
  func pay(_ request: Request, _ context: WebContext) async -> Response {
    let visit = Visit(request, data)
    guard let order = order(context), ShopData.isOwner(visit.session, of: order) else {
      return gone(request, .notFound)
    }
    return await goToPayment(of: order.reference, visit)
  }

  private func goToPayment(of reference: String, _ visit: Visit) async -> Response {
    guard let order = data.beginPayment(of: reference),
      order.mayPayAgain || order.state == .open
    else { return redirect("/orders/\(reference)") }
    if order.state == .open, let address = order.address { return redirect(address) }
    do throws(PaymentPageError) {
      let opened = try await page.open(
        order, key: "\(reference)-\(order.attempt)-\(run)",
        returnTo: "\(address)/orders/\(reference)")
      data.opened(opened.payment, of: reference, at: opened.address)
      return redirect(opened.address)
    } catch {
      let title = visit.text("fault.title")
      let view = MessageView(
        visit, title: title, text: visit.text("fault", ["reference": reference]),
        retry: "/orders/\(reference)/pay")
      return show("message", view, title: title, in: visit, status: .badGateway)
    }
  }

  private func redirect(_ address: String) -> Response {
    var response = Response(status: .seeOther, headers: [.location: address])
    response.headers[.cacheControl] = "no-store"
    return response
  }
}

// MARK: Orders

extension Shop {
  func showOrders(_ request: Request) -> Response {
    let visit = visitOfPage(request)
    return show(
      "orders", OrdersView(data.orders(of: visit.session), visit), title: visit.text("orders"),
      in: visit, at: .orders)
  }

  /// An order; with `payment`, `state`, `t` and `signature` it is the way back from the payment page.
  ///
  /// What the address says of the state is shown to nobody: where its signature is good the page is asked, and
  /// where it is not, it is only said so.
  func showOrder(_ request: Request, _ context: WebContext) async -> Response {
    let visit = visitOfPage(request)
    guard let order = order(context) else { return gone(request, .notFound) }
    let isOwner = ShopData.isOwner(visit.session, of: order)
    let query = request.uri.queryParameters
    guard let payment = query["payment"] ?? query["signature"] else {
      guard isOwner else { return gone(request, .notFound) }
      guard let known = order.payment, !known.state.isFinal else {
        return show(order, visit, isOwner: true)
      }
      let warning = await ask(known.payment, of: order)
      return show(data.order(order.reference) ?? order, visit, isOwner: true, warning: warning)
    }
    let isSigned = signature.coversReturn(
      payment: String(payment), state: String(query["state"] ?? ""), time: String(query["t"] ?? ""),
      signature: String(query["signature"] ?? ""))
    guard isSigned else {
      guard isOwner else { return gone(request, .notFound) }
      return show(order, visit, isOwner: true, warning: "forged.text")
    }
    let warning = await ask(String(payment), of: order)
    // Reload and Back then show the order, and not the way to it.
    if isOwner && warning == nil { return redirect("/orders/\(order.reference)") }
    return show(data.order(order.reference) ?? order, visit, isOwner: isOwner, warning: warning)
  }

  /// Asks the page how a payment stands, and takes the answer.
  /// - Returns: the key of what to say where it could not be asked.
  private func ask(_ payment: String, of order: ShopOrder) async -> String? {
    guard let document = try? await page.payment(payment), document.reference == order.reference,
      let taking = data.take(document)
    else { return "unsure.text" }
    switch taking {
    case .taken, .old: return nil
    case .foreign, .early: return "unsure.text"
    }
  }

  private func show(
    _ order: ShopOrder, _ visit: Visit, isOwner: Bool, warning: String? = nil
  ) -> Response {
    let view = OrderView(order, visit, isOwner: isOwner, warning: warning)
    return show(
      "order", view, title: "\(view.stateName), \(view.title)", in: visit, at: .orders)
  }

  /// The invoice of a paid order, as a page or as a file; from the second time on it is a duplicate.
  func showInvoice(_ request: Request, _ context: WebContext, isFile: Bool) -> Response {
    let visit = Visit(request, data)
    guard let order = order(context), ShopData.isOwner(visit.session, of: order),
      let invoice = request.method == .head ? order.invoice : data.showInvoice(of: order.reference)
    else { return gone(request, .notFound) }
    let view = InvoiceView(
      order, invoice, now: ShopData.now, sheet: pages.invoiceSheet, isFile: isFile)
    var response = Response.whole(.ok, "text/html; charset=utf-8", pages.invoice(view))
    response.headers[.contentLanguage] = order.language.rawValue
    if isFile {
      response.headers[.contentDisposition] =
        "attachment; filename=\"\(order.reference)-\(invoice.number).html\""
    }
    return response
  }

  private func order(_ context: WebContext) -> ShopOrder? {
    context.parameters.get("reference").flatMap { data.order($0) }
  }
}
