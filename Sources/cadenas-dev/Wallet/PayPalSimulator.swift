import Bytes
import Cryptography
import Hummingbird
import HummingbirdTLS
import JSON
import NIOCore

/// PayPal as a checkout sees it: access tokens, orders and captures (REST, Orders v2) and the page on which a
/// payer approves. ``PayPalDecision`` says which amount does what.
struct PayPalSimulator: Sendable {
  /// Who may ask for access tokens.
  struct Account: Sendable {
    let client: String
    /// Nil where any will do.
    let secret: [UInt8]?
  }

  let desk: PayPalDesk
  private let account: Account
  private let api: String
  private let log: @Sendable (String) -> Void

  /// Listens on `endpoint`, port 0 for any free one, with the pair of the vault, which is for localhost; each
  /// message is a line for `log`.
  static func start(
    on endpoint: Endpoint, with material: TLSMaterial, account: Account,
    log: @escaping @Sendable (String) -> Void
  ) throws(DevelopmentError) -> WebServer {
    // Its orders name its own address, which with port 0 is not known before it listens.
    let endpoint =
      endpoint.port == 0
      ? Endpoint(host: endpoint.host, port: try LoopbackPort.choose(1)[0]) : endpoint
    let simulator = PayPalSimulator(
      desk: PayPalDesk(), account: account, api: endpoint.url, log: log)
    return try WebServer.start(
      simulator.router(), on: endpoint, with: try material.publicServerConfiguration("vault"))
  }

  private func router() -> Router<WebContext> {
    let router = Router(context: WebContext.self)
    router.post("/v1/oauth2/token") { request, _ in await token(request) }
    router.post("/v2/checkout/orders") { request, _ in await create(request) }
    router.get("/v2/checkout/orders/{id}") { request, context in show(request, context) }
    router.post("/v2/checkout/orders/{id}/capture") { request, context in
      await capture(request, context)
    }
    router.get("/checkoutnow") { request, _ in
      page(request.uri.queryParameters["token"].map { String($0) })
    }
    router.post("/checkoutnow") { request, _ in await leave(request) }
    router.post("/settle") { request, _ in await settle(request) }
    router.get("/received") { _, _ in received() }
    return router
  }
}

extension PayPalSimulator {
  private func token(_ request: Request) async -> Response {
    let credentials = request.headers[.authorization].flatMap { Self.credentials($0) }
    let form = await request.form()
    guard form?["grant_type"] == "client_credentials" else {
      log("token: no grant_type=client_credentials")
      return .json(
        .badRequest,
        JSONWriter.document { json in
          json.member("error", string: "unsupported_grant_type")
          json.member("error_description", string: "Grant Type is NULL")
        })
    }
    guard let credentials, credentials.client == account.client,
      account.secret.map({ $0 == credentials.secret }) ?? !credentials.secret.isEmpty,
      let token = desk.issueToken()
    else {
      log("token refused")
      return .json(
        .unauthorized,
        JSONWriter.document { json in
          json.member("error", string: "invalid_client")
          json.member("error_description", string: "Client Authentication failed")
        })
    }
    log("token")
    return .json(
      .ok,
      JSONWriter.document { json in
        json.member("scope", string: "https://uri.paypal.com/services/payments/payment")
        json.member("access_token", string: token)
        json.member("token_type", string: "Bearer")
        json.member("app_id", string: "APP-SIMULATOR")
        json.member("expires_in", integer: PayPalDesk.tokenSeconds)
        json.member("nonce", string: RandomText.token())
      })
  }

  /// `client:secret` of a Basic authorization.
  private static func credentials(_ header: String) -> (client: String, secret: [UInt8])? {
    guard header.hasPrefix("Basic "),
      let bytes = Base64.decode(Array(header.utf8.dropFirst("Basic ".count))),
      let colon = bytes.firstIndex(of: UInt8(ascii: ":"))
    else { return nil }
    return (String(decoding: bytes[..<colon], as: UTF8.self), Array(bytes[(colon + 1)...]))
  }

  /// The access token of a request, if it is a good one.
  private func bearer(_ request: Request) -> String? {
    guard let header = request.headers[.authorization], header.hasPrefix("Bearer ") else {
      return nil
    }
    let token = String(header.dropFirst("Bearer ".count))
    return desk.isToken(token) ? token : nil
  }

  private func create(_ request: Request) async -> Response {
    guard let token = bearer(request) else { return refuse(.invalidToken) }
    guard let key = request.headers[HeaderName(literal: "PayPal-Request-Id")], !key.isEmpty else {
      return refuse(.invalid(field: "PayPal-Request-Id", issue: "PAYPAL_REQUEST_ID_REQUIRED"))
    }
    guard let body = try? await request.body.collect(upTo: WebServer.bodyLimit) else {
      return refuse(.malformed)
    }
    do throws(PayPalError) {
      let bytes = Array(body.readableBytesView)
      let asked = try PayPalOrderRequest(bytes.rawSpan)
      let made = try desk.create(asked, key: key, token: token).get()
      log("order \(made.order.id), \(asked.value) \(asked.currency)")
      // PayPal answers 200 where the source of the payment is named, and where it answers again.
      let status = made.isReplay || asked.namesSource ? HTTPResponse.Status.ok : .created
      return .json(status, made.order.document(api: api))
    } catch { return refuse(error) }
  }

  private func show(_ request: Request, _ context: WebContext) -> Response {
    guard bearer(request) != nil else { return refuse(.invalidToken) }
    guard let order = context.parameters.get("id").flatMap({ desk.order($0) }) else {
      return refuse(.notFound)
    }
    return .json(.ok, order.document(api: api))
  }

  private func capture(_ request: Request, _ context: WebContext) async -> Response {
    guard bearer(request) != nil else { return refuse(.invalidToken) }
    guard let id = context.parameters.get("id") else { return refuse(.notFound) }
    let key = request.headers[HeaderName(literal: "PayPal-Request-Id")] ?? RandomText.token()
    switch desk.capture(id, key: key, page: "\(api)/checkoutnow?token=\(id)") {
    case .order(let order, let isReplay):
      log("capture \(id) \(order.capture?.status.rawValue ?? "")")
      return .json(isReplay ? .ok : .created, order.document(api: api))
    case .error(let error): return refuse(error)
    case .silence:
      log("capture \(id) is not answered")
      // Until the client gives up, or the simulator ends.
      try? await Task.sleep(for: .seconds(3_600))
      return Response(status: .gatewayTimeout)
    }
  }

  private func refuse(_ error: PayPalError) -> Response {
    log("refused: \(error)")
    return .json(error.status, error.document())
  }
}

extension PayPalSimulator {
  private func page(_ id: String?) -> Response {
    guard let order = id.flatMap({ desk.order($0) }),
      order.status == .payerActionRequired || order.status == .created
    else { return html(.notFound, PayPalPage.problem("There is nothing to approve here.")) }
    return html(.ok, PayPalPage.question(order))
  }

  private func leave(_ request: Request) async -> Response {
    guard let form = await request.form(), let id = form["token"], let order = desk.order(id) else {
      return html(.badRequest, PayPalPage.problem("There is nothing to approve here."))
    }
    if form["approve"] == nil {
      log("order \(id) cancelled by its payer")
      return redirect(order.request.cancelAddress, "token=\(id)")
    }
    guard let approved = desk.approve(id) else {
      return html(.conflict, PayPalPage.problem("This was approved before."))
    }
    log("order \(id) approved")
    return redirect(
      approved.request.returnAddress, "token=\(id)&PayerID=\(approved.payer ?? "")")
  }

  private func redirect(_ address: String, _ query: String) -> Response {
    let mark = address.contains("?") ? "&" : "?"
    return Response(status: .seeOther, headers: [.location: address + mark + query])
  }

  private func settle(_ request: Request) async -> Response {
    guard let form = await request.form(), let id = form["token"],
      let status = form["status"].flatMap({ PayPalOrder.Capture.Status(rawValue: $0) }),
      desk.settle(id, status)
    else { return Response(status: .conflict) }
    return Response(status: .noContent)
  }

  private func received() -> Response {
    let summary = desk.summary()
    return .json(
      .ok,
      JSONWriter.document { json in
        json.member("orders", integer: summary.orders)
        json.member("captured", strings: summary.captured)
      })
  }

  private func html(_ status: HTTPResponse.Status, _ page: String) -> Response {
    .whole(
      status, "text/html; charset=utf-8", page, [.init(literal: "Referrer-Policy"): "no-referrer"])
  }
}
