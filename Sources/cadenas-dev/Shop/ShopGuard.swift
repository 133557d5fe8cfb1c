import Hummingbird

/// What holds for every page: its headers, whose forms are taken, the choice of language and currency, and a
/// page for what is not there.
struct ShopGuard: RouterMiddleware {
  typealias Context = WebContext

  let shop: Shop
  private let headers: HTTPFields

  init(shop: Shop) {
    self.shop = shop
    var headers = HTTPFields()
    // The order is a form that is answered by the address of the payment page: browsers ask whether a form may
    // lead there.
    let policy =
      "default-src 'none'; style-src 'self'; form-action 'self' "
      + Self.origin(shop.settings.pagePublic) + "; base-uri 'none'; frame-ancestors 'none'"
    headers[.contentSecurityPolicy] = policy
    headers[.strictTransportSecurity] = "max-age=63072000; includeSubDomains"
    headers[.xContentTypeOptions] = "nosniff"
    headers[HeaderName(literal: "Referrer-Policy")] = "no-referrer"
    headers[HeaderName(literal: "X-Frame-Options")] = "DENY"
    headers[HeaderName(literal: "Cross-Origin-Opener-Policy")] = "same-origin"
    headers[HeaderName(literal: "Cross-Origin-Resource-Policy")] = "same-origin"
    headers[HeaderName(literal: "Permissions-Policy")] =
      "camera=(), geolocation=(), microphone=(), payment=()"
    headers[HeaderName(literal: "X-Robots-Tag")] = "noindex, nofollow"
    self.headers = headers
  }

  @concurrent func handle(
    _ request: Request, context: WebContext,
    next: @concurrent (Request, WebContext) async throws -> Response
  ) async throws -> Response {
    var response = try await answer(request, context, next)
    for field in headers { response.headers[field.name] = field.value }
    return response
  }

  private func answer(
    _ request: Request, _ context: WebContext,
    _ next: @concurrent (Request, WebContext) async throws -> Response
  ) async throws -> Response {
    if request.method == .get, let choice = choice(request) { return choice }
    let isForPrograms =
      request.uri.path == "/payments" || request.uri.path.hasPrefix("/control/")
    if request.method == .post, !isForPrograms, !isFromHere(request) {
      return shop.gone(request, .forbidden)
    }
    do { return try await next(request, context) } catch let error as HTTPError {
      return shop.gone(request, error.status)
    }
  }

  /// `?language=` or `?currency=`: kept in a cookie, and the same page again.
  private func choice(_ request: Request) -> Response? {
    let query = request.uri.queryParameters
    let language = query["language"].flatMap { ShopLanguage(rawValue: String($0)) }
    let currency = query["currency"].flatMap { Currency(rawValue: String($0)) }
    guard language != nil || currency != nil else { return nil }
    let visit = Visit(request, shop.data)
    let value = "\((language ?? visit.language).rawValue).\((currency ?? visit.currency).rawValue)"
    var response = Response(status: .seeOther, headers: [.location: Self.local(visit.path)])
    response.headers[.setCookie] = Visit.cookie(
      Visit.choiceCookie, value, seconds: 365 * 86_400)
    response.headers[.cacheControl] = "no-store"
    return response
  }

  /// A path of this origin: one that begins with two strokes would be another's.
  private static func local(_ path: String) -> String {
    path.hasPrefix("/") && !path.hasPrefix("//") && !path.contains("\\") ? path : "/"
  }

  /// Whether a form was sent by a page of this shop, as browsers tell. Under `no-referrer` they send the origin
  /// as `null`, to the page's own origin too.
  private func isFromHere(_ request: Request) -> Bool {
    let site = request.headers[HeaderName(literal: "Sec-Fetch-Site")]
    guard site == nil || site == "same-origin" else { return false }
    guard let origin = request.headers[.origin] else { return true }
    return origin == "https://\(request.head.authority ?? "")" || origin == "null" && site != nil
  }

  /// `https://host:port` of an address.
  private static func origin(_ address: String) -> String {
    address.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false).prefix(3)
      .joined(separator: "/")
  }
}

extension Shop {
  /// A page for what is not there, or not for who asks.
  func gone(_ request: Request, _ status: HTTPResponse.Status) -> Response {
    let visit = Visit(request, data)
    let title = visit.text("gone.title")
    return show(
      "message", MessageView(visit, title: title, text: visit.text("gone")), title: title,
      in: visit, status: status)
  }

  /// A whole page.
  func show<View>(
    _ template: String, _ view: View, title: String, in visit: Visit,
    at place: ShopPages.Frame.Place = .other, status: HTTPResponse.Status = .ok
  ) -> Response {
    let frame = ShopPages.Frame(visit: visit, place: place, title: title)
    var response = Response.whole(
      status, "text/html; charset=utf-8", pages.page(template, view, in: frame))
    response.headers[.contentLanguage] = visit.language.rawValue
    return response
  }

  /// Changes who asks, and sends the browser to `path`: forms are answered by pages that may be reloaded.
  func change(
    _ visit: Visit, thenShow path: String, _ body: (inout ShopSession) -> Void
  ) -> Response {
    data.change(visit.session, body)
    var response = Response(status: .seeOther, headers: [.location: path])
    response.headers[.cacheControl] = "no-store"
    if !visit.isKnown {
      response.headers[.setCookie] = Visit.cookie(Visit.sessionCookie, visit.session.id)
    }
    return response
  }

  /// Who asks for a page, with what it is to be told first, which is told once.
  func visitOfPage(_ request: Request) -> Visit {
    var visit = Visit(request, data)
    visit.notice = visit.session.notice
    visit.fault = visit.session.fault
    if visit.notice != nil || visit.fault != nil {
      data.change(visit.session) { session in
        session.notice = nil
        session.fault = nil
      }
    }
    return visit
  }
}
