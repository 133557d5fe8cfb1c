import Bytes
import Cards
import ConfigurationReading
import Cryptography
import HTTPTypes
import Hummingbird
import JSON
import Logging
import NIOCore
import PaymentStore
import Payments
import SecretMemory

/// What browsers ask. A GET is always safe and shows the state that is true now; a POST is always answered
/// by 303, since Chromium writes the body of one that is answered by a page into its profile.
struct ShopperRoutes: Sendable {
  let engine: PaymentEngine
  let renderer: PageRenderer
  let identifiers: Identifiers
  var guesses: Guesses { engine.guesses }
  let brands: @Sendable () -> BrandTable
  let slots: SecretPool
  /// For which tokens the vault was asked, so that who reloads does not use up what the merchant may ask.
  let looks = OnceAMinute()
  let headers: PageHeaders
  let trustedProxies: Set<PeerAddress>
  let publicOrigin: String

  func add(to router: Router<ShopperContext>) {
    for path in ["/p/:address", "/p/:address/card", "/p/:address/code", "/p/:address/out"] {
      router.get(RouterPath(path)) { try await show($0, $1) }
      router.head(RouterPath(path)) { try await show($0, $1) }
    }
    router.get("/p/:address/state") { try await state($0, $1) }
    router.get("/p/:address/bank/go") { try await bankGo($0, $1) }
    router.post("/p/:address/bank/back") { try await bankBack($0, $1) }
    router.post("/p/:address/pay") { try await pay($0, $1) }
    router.post("/p/:address/wallet") { try await wallet($0, $1) }
    router.get("/p/:address/wallet/back") { try await walletBack($0, $1) }
    router.get("/p/:address/wallet/left") { try await walletLeft($0, $1) }
    router.post("/p/:address/cancel") { try await cancel($0, $1) }
    router.post("/p/:address/more") { try await more($0, $1) }
    router.post("/p/:address/brand") { try await brand($0, $1) }
    router.get("/a/:file") { try asset($0, $1) }
    for name in ["pay", "wallet", "cancel", "more", "brand", "bank/back"] {
      // Somebody reloads what a form was sent to.
      router.get("/p/:address/\(name)") { try await redirectOrFault($0, $1) }
      refuseOthers("/p/:address/\(name)", allowed: [.get, .head, .post], router)
    }
    for name in [
      "", "/card", "/code", "/out", "/state", "/bank/go", "/wallet/back", "/wallet/left",
    ] {
      refuseOthers("/p/:address\(name)", allowed: [.get, .head], router)
    }
    refuseOthers("/a/:file", allowed: [.get, .head], router)
  }

  private func refuseOthers(
    _ path: String, allowed: [HTTPRequest.Method], _ router: Router<ShopperContext>
  ) {
    let all: [HTTPRequest.Method] = [.get, .post, .put, .delete, .patch, .options]
    for method in all where !allowed.contains(method) {
      router.on(RouterPath(path), method: method) { request, _ -> Response in
        guard method != .post else { return redirect(failed: request, .methodNotAllowed) }
        var response = try fault("method", .methodNotAllowed, request)
        response.headers[.allow] = allowed.map(\.rawValue).joined(separator: ", ")
        return response
      }
    }
  }

  // MARK: - What is shown

  /// A payment, its attempts and who asks for it.
  struct Visit: Sendable {
    var payment: Payment
    let attempts: [Attempt]
    let merchant: PageMerchant
    let cookie: BrowserCookie
    /// Whether the answer may set it.
    let mayHaveCookie: Bool
    /// The first browser that came: it alone sees the order and the cards that were kept.
    let isFirst: Bool
    /// SHA-256 of the browser's secret, in hexadecimal.
    let browser: String
    var language: Language

    var last: Attempt? { attempts.last }
    /// The first browser, or the one that has begun the last attempt: it sees what comes of that.
    var isParty: Bool { isFirst || last?.owner == browser }
    /// Whether it has begun the last attempt.
    var isOwner: Bool { last?.owner == browser }
    /// Whether its card may be kept for the customer: where it was asked, as the first browser alone is.
    var mayKeep: Bool { isFirst && payment.keepCard == .offer }
    /// What this browser is told of the last refusal.
    var reason: Reasons {
      guard isFirst, let last, last.owner == browser else { return .plain }
      return Reasons.told(last, among: attempts)
    }
  }

  /// Finds the payment of the path.
  ///
  /// - Parameter claims: whether the browser becomes the first one where none was: it is given its cookie.
  func visit(
    _ request: Request, _ context: ShopperContext, claims: Bool = false
  ) async throws -> Visit? {
    guard let address = context.parameters.get("address"), Identifiers.isAddress(address) else {
      return nil
    }
    let sent = BrowserCookie(request)
    let cookie = try sent ?? BrowserCookie(secret: identifiers.address())
    let digest = Digest256.sha256(Array(cookie.secret.utf8).rawSpan).hex
    let found = try await engine.store.read { reading -> (Payment, [Attempt])? in
      guard let payment = try reading.payment(at: address) else { return nil }
      return (payment, try reading.attempts(of: payment.id))
    }
    guard var (payment, attempts) = found, let merchant = engine.merchants[payment.merchant] else {
      return nil
    }
    if claims, payment.browser == nil, request.method == .get, isVisit(request) {
      try await engine.change(payment.id) { payment, _, _ in
        if payment.browser == nil { payment.browser = digest }
      }
      payment = try await engine.store.read { try $0.payment(at: address) } ?? payment
    }
    let wanted = request.uri.queryParameters.get("lang").flatMap { Language(rawValue: String($0)) }
    if let wanted, merchant.languages.contains(wanted), payment.language != wanted.rawValue,
      payment.browser == digest
    {
      // It is shown also where it cannot be written.
      _ = try? await engine.change(payment.id) { payment, _, _ in
        payment.language = wanted.rawValue
      }
      payment.language = wanted.rawValue
    }
    attempts = attempts.filter { $0.payment == payment.id }
    let language =
      (wanted ?? payment.language.flatMap { Language(rawValue: $0) }).flatMap {
        merchant.languages.contains($0) ? $0 : nil
      } ?? Language.preferred(request.headers[.acceptLanguage], among: merchant.languages)
    if payment.browser != digest {
      payment.faults = []
      payment.notice = nil
      payment.choices = FormChoices()
    }
    return Visit(
      payment: payment, attempts: attempts, merchant: merchant, cookie: cookie,
      mayHaveCookie: mayHaveCookie(request, hadCookie: sent != nil),
      isFirst: payment.browser == digest, browser: digest, language: language)
  }

  private func show(_ request: Request, _ context: ShopperContext) async throws -> Response {
    // What is fetched beforehand would be shown without what the first browser sees.
    if isPrefetch(request) { return plain(.serviceUnavailable) }
    let place = request.uri.path.split(separator: "/").last
    // Code and wallet come after a form: who begins there has not seen the page.
    let isEntrance = place != "code" && place != "out"
    guard let visit = try await visit(request, context, claims: isEntrance) else {
      throw HTTPError(.notFound)
    }
    let kept = try await keptCards(of: visit)
    let screen = Screen.of(
      visit.payment, visit.last, isParty: visit.isParty, isOwner: visit.isOwner,
      hasKept: !kept.isEmpty, at: engine.now())
    switch place {
    case _ where isFault(request, screen): return try await fault(.serviceUnavailable, request)
    case "card":
      var visit = visit
      if !visit.isFirst, let text = request.uri.queryParameters.get("f") {
        (visit.payment.faults, visit.payment.notice) = FaultAddress.faults(String(text))
      }
      guard visit.payment.mayBegin(at: engine.now()), visit.payment.methods.contains(.card) else {
        return redirect(to: "", visit)
      }
      return try await page(.card, visit, kept)
    case "code":
      var visit = visit
      if !visit.isFirst, let text = request.uri.queryParameters.get("f") {
        (visit.payment.faults, visit.payment.notice) = FaultAddress.faults(String(text))
      }
      guard mayTryAgain(visit) || screen == .code else { return redirect(to: "", visit) }
      return try await page(.code, visit, kept)
    case "out":
      guard let url = visit.last?.walletURL, visit.last?.step == .wallet, visit.isParty else {
        return redirect(to: "", visit)
      }
      return try answer(renderer.out(visit, to: url), .plain, visit)
    case _ where screen == .kept:
      let there = try await stillThere(kept, visit)
      return try await page(there.isEmpty ? .card : .kept, visit, there)
    default: return try await page(screen, visit, kept)
    }
  }

  /// Whether a POST has led here that failed: said as long as nothing better can be.
  private func isFault(_ request: Request, _ screen: Screen) -> Bool {
    guard request.uri.queryParameters.get("f") == "fault" else { return false }
    let place = request.uri.path.split(separator: "/").last
    return place != "card" && place != "code" && !screen.isOutcome
  }

  /// Whether the card of the last attempt may be tried again by its code alone. Where it may not, its
  /// absence tells nothing of why.
  func mayTryAgain(_ visit: Visit) -> Bool {
    guard visit.payment.mayBegin(at: engine.now()), let last = visit.last,
      last.owner == visit.browser, last.token != nil, last.card != nil
    else { return false }
    switch last.result {
    case .unconfirmed, .down: return true
    case .refused:
      return visit.reason == .limit || visit.reason == .funds
    default: return false
    }
  }

  private func page(
    _ screen: Screen, _ visit: Visit, _ kept: [ShownCard]
  ) async throws -> Response {
    let view = PageView(
      visit: visit, screen: screen, kept: kept, now: engine.now(), form: try identifiers.address(),
      mayTryAgain: mayTryAgain(visit), brands: brands().brands.map(\.name))
    let html = try renderer.page(view)
    // What is shown once has been shown.
    if visit.isFirst, screen == .card || screen == .kept || screen == .code,
      !visit.payment.faults.isEmpty || visit.payment.notice != nil
    {
      _ = try? await engine.change(visit.payment.id) { payment, _, _ in
        payment.faults = []
        payment.notice = nil
        payment.choices = FormChoices()
      }
    }
    return try answer(html, screen == .bank ? .bank : .plain, visit)
  }

  /// The cards that the shopper may choose from, each by an id of this payment.
  func keptCards(of visit: Visit) async throws -> [ShownCard] {
    guard visit.isFirst, let customer = visit.payment.customer,
      visit.payment.methods.contains(.card)
    else { return [] }
    let merchant = visit.merchant.name
    let cards = try await engine.store.read {
      try $0.keptCards(merchant: merchant, customer: customer, limit: 10)
    }
    return cards.map { card in
      let text = "\(visit.payment.address).\(card.token)"
      let id = Digest256.sha256(Array(text.utf8).rawSpan).hex.prefix(26)
      return ShownCard(id: String(id), token: card.token, card: card.card)
    }
  }

  /// Those that the vault still has: the shop may have deleted one, and it is not offered then. The vault is
  /// asked once a minute for each.
  private func stillThere(_ cards: [ShownCard], _ visit: Visit) async throws -> [ShownCard] {
    var gone: Set<String> = []
    await withTaskGroup(of: String?.self) { group in
      let now = engine.now()
      for card in cards where looks.isDue(card.token, at: now) {
        group.addTask {
          guard case .problem(let problem) = await visit.merchant.vault.look(card.token),
            problem.status == 404
          else { return nil }
          return card.token
        }
      }
      for await token in group { if let token { gone.insert(token) } }
    }
    let tokens = gone
    if !tokens.isEmpty {
      _ = try? await engine.store.write {
        for token in tokens { try $0.forgetCard(token: token) }
      }
    }
    return cards.filter { !tokens.contains($0.token) }
  }

  private func state(_ request: Request, _ context: ShopperContext) async throws -> Response {
    guard let visit = try await visit(request, context) else {
      throw HTTPError(.notFound)
    }
    let kept = try await keptCards(of: visit)
    let now = engine.now()
    let screen = Screen.of(
      visit.payment, visit.last, isParty: visit.isParty, isOwner: visit.isOwner,
      hasKept: !kept.isEmpty, at: now)
    let body = JSONWriter.document {
      $0.member("screen", string: screen.rawValue)
      $0.member("left", integer: max(0, Int((visit.payment.expiresAt - now) / 1_000)))
    }
    var fields = headers.fields(.plain, language: nil)
    fields[.contentType] = "application/json"
    return Response(
      status: .ok, headers: fields, body: .init(byteBuffer: ByteBuffer(bytes: body)))
  }

  // MARK: - The bank

  private func bankGo(_ request: Request, _ context: ShopperContext) async throws -> Response {
    guard let visit = try await visit(request, context), visit.isOwner,
      let challenge = visit.last?.challenge, visit.last?.step == .challenge
    else { return try await redirectOrFault(request, context) }
    return try answer(renderer.bankGo(visit, challenge), .toBank, visit)
  }

  private func bankBack(_ request: Request, _ context: ShopperContext) async throws -> Response {
    // What the bank says here is nobody's word: the 3-D Secure server is asked.
    _ = try? await request.body.collect(upTo: context.maxUploadSize)
    guard let visit = try await visit(request, context) else {
      throw HTTPError(.notFound)
    }
    if let last = visit.last, last.step == .challenge, let id = last.id {
      engine.run(id) { engine in
        guard var attempt = try await engine.store.read({ try $0.attempt(id) }) else { return }
        attempt.step = .tokenized
        // Once: later ones find it elsewhere.
        guard try await engine.advance(attempt, from: [.challenge]) else { return }
        try await engine.confirm(attempt)
      }
      await engine.waiters.wait(for: id, milliseconds: PaymentEngine.patience)
    }
    return try answer(renderer.bankBack(visit), .fromBank, nil, in: visit.language)
  }

  // MARK: - Small things

  private func cancel(_ request: Request, _ context: ShopperContext) async throws -> Response {
    guard isOurs(request), let visit = try await visit(request, context), visit.isParty else {
      return try await redirectOrFault(request, context)
    }
    let body = try? await request.body.collect(upTo: context.maxUploadSize)
    if body.map({ String(buffer: $0) })?.contains("cancel=attempt") == true {
      return try await giveUp(visit)
    }
    // Whoever has tried once may give that up, and not what another is to pay.
    guard visit.isFirst else { return redirect(to: "", visit) }
    try await engine.change(visit.payment.id) { payment, _, now in
      if !payment.cancel(at: now), payment.state == .inProgress { payment.notice = "wait_late" }
    }
    return redirect(to: "#outcome", visit)
  }

  /// The shopper wants to pay otherwise than by what is under way, which charges nothing yet.
  private func giveUp(_ visit: Visit) async throws -> Response {
    if let last = visit.last, [.challenge, .code, .wallet].contains(last.step) {
      try await engine.end(
        last, last.step == .wallet ? .left : .unconfirmed, from: [last.step])
    }
    return redirect(to: "#outcome", visit)
  }

  private func more(_ request: Request, _ context: ShopperContext) async throws -> Response {
    guard isOurs(request), let visit = try await visit(request, context), visit.isParty else {
      return try await redirectOrFault(request, context)
    }
    if visit.merchant.settings.mayProlong {
      try await engine.change(visit.payment.id) { payment, _, now in _ = payment.prolong(at: now) }
    }
    return redirect(to: visit.last?.step == .code ? "/code" : "/card", visit)
  }

  private func brand(_ request: Request, _ context: ShopperContext) async throws -> Response {
    let address = context.address(of: request, trusting: trustedProxies)
    guard isOurs(request), guesses.admit(lookupFrom: address, at: engine.now()) else {
      return plain(.tooManyRequests)
    }
    guard let body = try? await request.body.collect(upTo: 256) else {
      return plain(.contentTooLarge)
    }
    let text = String(buffer: body)
    guard text.hasPrefix("bin="), (6...8).contains(text.utf8.count - 4),
      text.utf8.dropFirst(4).allSatisfy({ isDigit($0) }), let value = UInt64(text.dropFirst(4))
    else { return plain(.badRequest) }
    let scale = (0..<(12 - text.utf8.count + 4)).reduce(UInt64(1)) { number, _ in number * 10 }
    let stretches = brands().stretches(in: value * scale...(value + 1) * scale - 1)
    let kinds = Set(stretches.compactMap(\.kind))
    // Where a longer prefix decides, the answer is that of what is certain now.
    let match = kinds.count == 1 ? kinds.first : nil
    let json = JSONWriter.document { json in
      json.name("brands")
      json.beginArray()
      for brand in match?.match.brands ?? [] { json.string(brand.name) }
      json.endArray()
      json.name("lengths")
      json.beginArray()
      for length in (match?.lengths.sorted() ?? []) { json.integer(length) }
      json.endArray()
      json.member("cvc", integer: match.map { CardRules.codeLength(of: $0.match) })
    }
    var fields = headers.fields(.plain, language: nil)
    fields[.contentType] = "application/json"
    return Response(
      status: .ok, headers: fields, body: .init(byteBuffer: ByteBuffer(bytes: json)))
  }

  private func asset(_ request: Request, _ context: ShopperContext) throws -> Response {
    guard let file = renderer.assets.file(context.parameters.get("file") ?? "") else {
      throw HTTPError(.notFound)
    }
    var fields: HTTPFields = [
      .contentType: file.type, .cacheControl: "public, max-age=31536000, immutable",
      .xContentTypeOptions: "nosniff",
      .strictTransportSecurity: "max-age=63072000; includeSubDomains",
    ]
    var bytes = file.bytes
    if let compressed = file.compressed {
      fields[.vary] = "Accept-Encoding"
      let codings = request.headers[.acceptEncoding]?.split(separator: ",") ?? []
      if codings.contains(where: { $0.filter { $0 != " " } == "gzip" }) {
        fields[.contentEncoding] = "gzip"
        bytes = compressed
      }
    }
    return Response(
      status: .ok, headers: fields, body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
  }
}

/// A card that may be chosen.
struct ShownCard: Sendable {
  let id: String
  let token: String
  let card: CardView
}
