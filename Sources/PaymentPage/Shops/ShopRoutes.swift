import Bytes
import Cards
import ConfigurationReading
import Cryptography
import HTTPTypes
import Hummingbird
import JSON
import NIOCore
import PaymentStore
import Payments

/// What shops ask: open a payment, see it, cancel it, say what became of it.
struct ShopRoutes: Sendable {
  let engine: PaymentEngine
  let identifiers: Identifiers
  let brands: Reloadable<BrandTable>

  func add(to router: Router<ShopContext>, _ identification: ShopIdentification) {
    router.add(middleware: identification)
    router.post("/v1/payments") { try await create($0, $1) }
    router.get("/v1/payments/:payment") { try await show($0, $1) }
    router.post("/v1/payments/:payment/cancel") { try await cancel($0, $1) }
    router.post("/v1/payments/:payment/settle") { try await settle($0, $1) }
    for path in ["/v1/payments", "/v1/payments/:payment/cancel", "/v1/payments/:payment/settle"] {
      refuse(path, but: "POST", router)
    }
    refuse("/v1/payments/:payment", but: "GET", router)
  }

  private func refuse(_ path: String, but allowed: String, _ router: Router<ShopContext>) {
    for method in [HTTPRequest.Method.get, .head, .post, .put, .delete, .patch, .options]
    where method.rawValue != allowed {
      router.on(RouterPath(path), method: method) { _, _ -> Response in
        var problem = PageProblem(405, "method-not-allowed", "The method is not allowed")
        problem.allow = allowed
        throw problem
      }
    }
  }

  // MARK: - Routes

  private func create(_ request: Request, _ context: ShopContext) async throws -> Response {
    let merchant = try context.knownMerchant()
    let key = "create:" + (try Self.key(of: request))
    let body = try await Self.body(of: request, context)
    let digest = Digest256.sha256(body.rawSpan).hex
    if let answer = try await kept(key, of: merchant) { return try Self.repeated(answer, digest) }
    let order = try PaymentOrder(body, for: merchant, brands.value)
    let now = engine.now()
    var payment = Payment(
      id: try identifiers.payment(at: now), address: try identifiers.address(),
      merchant: merchant.name, reference: order.reference, amount: order.amount.value,
      currency: order.amount.currency.code, returnURL: order.returnURL, createdAt: now,
      expiresAt: now + Milliseconds(merchant.settings.minutes) * 60_000)
    payment.customer = order.customer
    payment.description = order.description
    payment.items = order.items
    payment.language = order.language?.rawValue
    payment.methods = order.methods
    payment.keepCard = order.keepCard
    payment.inputs = order.inputs
    payment.capture = order.capture
    let made = payment
    let answer = JSONWriter.document { json in
      json.member("payment", string: made.id)
      json.member("state", string: made.state.rawValue)
      json.member("url", string: "\(engine.publicURL)/p/\(made.address)")
      json.name("expires_at")
      json.time(unixMilliseconds: made.expiresAt)
    }
    let text = String(decoding: answer, as: UTF8.self)
    let earlier = try await engine.store.write { writing -> KeptAnswer? in
      // Of two at once, the second finds the first one's.
      if let answer = try writing.reading.answer(merchant: made.merchant, key: key) {
        return answer
      }
      try writing.insert(made)
      try writing.keep(
        KeptAnswer(digest: digest, status: 201, body: text), merchant: made.merchant, key: key,
        payment: made.id, at: now)
      return nil
    }
    if let earlier { return try Self.repeated(earlier, digest) }
    engine.figures.count { $0.payments += 1 }
    return Self.json(answer, status: .created)
  }

  private func show(_ request: Request, _ context: ShopContext) async throws -> Response {
    let payment = try await find(context)
    return try await document(payment.id)
  }

  private func cancel(_ request: Request, _ context: ShopContext) async throws -> Response {
    try await once("cancel", request, context) { payment, body in
      try Self.checkEmpty(body)
      let isCancelled = try await engine.change(payment.id) { payment, _, now in
        payment.cancel(at: now) || payment.state == .cancelled
      }
      guard isCancelled == true else { throw PageProblem.closed }
    }
  }

  private func settle(_ request: Request, _ context: ShopContext) async throws -> Response {
    try await once("settle", request, context) { payment, body in
      let (isApproved, amount) = try Self.settlement(body, of: payment)
      let isSettled = try await engine.change(payment.id) { payment, writing, now in
        let last = try writing.reading.attempts(of: payment.id).last
        // Said again, it is true already.
        if payment.state == (isApproved ? .approved : .refused),
          last?.result == .unknown || last?.result == .pending
        {
          return true
        }
        let isSettled = payment.settle(approved: isApproved, amount: amount, last, at: now)
        if isSettled, payment.kept != nil, let token = last?.token, let card = last?.card,
          let customer = payment.customer
        {
          try writing.keep(
            card, token: token, merchant: payment.merchant, customer: customer, at: now)
        }
        return isSettled
      }
      guard isSettled == true else { throw PageProblem.closed }
    }
  }

  /// Does something with the payment of the path, once under its idempotency key, and answers with the
  /// document.
  private func once(
    _ name: String, _ request: Request, _ context: ShopContext,
    _ act: (Payment, [UInt8]) async throws -> Void
  ) async throws -> Response {
    let merchant = try context.knownMerchant()
    let id = context.parameters.get("payment") ?? ""
    let key = "\(name):" + (try Self.key(of: request))
    let body = try await Self.body(of: request, context)
    let digest = Digest256.sha256(Array("\(id)\n".utf8 + body).rawSpan).hex
    if let answer = try await kept(key, of: merchant) { return try Self.repeated(answer, digest) }
    let payment = try await find(context)
    try await act(payment, body)
    let now = engine.now()
    let bytes = try await engine.store.write { writing -> [UInt8] in
      guard let payment = try writing.reading.payment(id) else { return [] }
      let bytes = PaymentDocument.write(payment, try writing.reading.attempts(of: id))
      if try writing.reading.answer(merchant: merchant.name, key: key) == nil {
        try writing.keep(
          KeptAnswer(digest: digest, status: 200, body: String(decoding: bytes, as: UTF8.self)),
          merchant: merchant.name, key: key, payment: id, at: now)
      }
      return bytes
    }
    return Self.json(bytes, status: .ok)
  }

  private func kept(_ key: String, of merchant: PageMerchant) async throws -> KeptAnswer? {
    let since = engine.now() - Self.remembered
    return try await engine.store.read {
      try $0.answer(merchant: merchant.name, key: key, since: since)
    }
  }

  /// How long an answer is repeated.
  static let remembered: Milliseconds = 86_400_000

  private static func checkEmpty(_ body: [UInt8]) throws {
    guard let document = try? JSONDocument(body.rawSpan), document.root.kind == .object else {
      throw PageProblem.malformed("the body is not one object of JSON")
    }
    for member in document.members(of: document.root) {
      throw PageProblem.unknown(OrderReader.pointer("", document.key(of: member)))
    }
  }

  private static func settlement(_ body: [UInt8], of payment: Payment) throws -> (Bool, Int64?) {
    guard let document = try? JSONDocument(body.rawSpan), document.root.kind == .object else {
      throw PageProblem.malformed("the body is not one object of JSON")
    }
    for member in document.members(of: document.root) {
      let key = document.key(of: member)
      guard key == "state" || key == "approved_amount" else {
        throw PageProblem.unknown(OrderReader.pointer("", key))
      }
    }
    guard let node = document.presentMember("state", of: document.root) else {
      throw PageProblem.missing("/state")
    }
    guard let state = document.string(of: node), state == "approved" || state == "refused" else {
      throw PageProblem.invalid("/state")
    }
    var amount: Int64?
    if let node = document.presentMember("approved_amount", of: document.root) {
      guard state == "approved", let value = document.integer(of: node),
        (0...payment.amount).contains(value)
      else { throw PageProblem.invalid("/approved_amount") }
      amount = value
    }
    return (state == "approved", amount)
  }

  // MARK: - Parts

  /// The payment of the path, if it is this merchant's.
  private func find(_ context: ShopContext) async throws -> Payment {
    let merchant = try context.knownMerchant()
    let id = context.parameters.get("payment") ?? ""
    guard let payment = try await engine.store.read({ try $0.payment(id) }),
      payment.merchant == merchant.name
    else { throw PageProblem.paymentNotFound }
    return payment
  }

  private func document(_ id: String) async throws -> Response {
    let bytes = try await engine.store.read { reading -> [UInt8]? in
      guard let payment = try reading.payment(id) else { return nil }
      return PaymentDocument.write(payment, try reading.attempts(of: id))
    }
    guard let bytes else { throw PageProblem.paymentNotFound }
    return Self.json(bytes, status: .ok)
  }

  static func json(_ bytes: [UInt8], status: HTTPResponse.Status) -> Response {
    Response(
      status: status, headers: [.contentType: "application/json", .cacheControl: "no-store"],
      body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
  }

  private static func repeated(_ answer: KeptAnswer, _ digest: String) throws -> Response {
    guard answer.digest == digest else { throw PageProblem.keyReused }
    return json(Array(answer.body.utf8), status: .init(code: answer.status))
  }

  private static let idempotencyKey = HTTPField.Name("Idempotency-Key")

  private static func key(of request: Request) throws -> String {
    guard let key = idempotencyKey.flatMap({ request.headers[$0] }) else {
      throw PageProblem.keyRequired
    }
    guard (1...255).contains(key.utf8.count), key.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw PageProblem.malformed("an Idempotency-Key has 1 to 255 visible characters of ASCII")
    }
    return key
  }

  private static func body(of request: Request, _ context: ShopContext) async throws -> [UInt8] {
    let type = request.headers[.contentType]?.split(separator: ";").first?.lowercased()
    guard type == "application/json" else {
      throw PageProblem(415, "unsupported-media-type", "The body is not application/json")
    }
    let bytes: [UInt8]
    do {
      let buffer = try await request.body.collect(upTo: context.maxUploadSize)
      bytes = Array(buffer.readableBytesView)
    } catch {
      throw PageProblem(413, "body-too-large", "The body is too large")
    }
    guard (try? JSONDocument(bytes.rawSpan, maximumNodes: 1_024)) != nil else {
      throw PageProblem.malformed("the body is not JSON, or names a member twice")
    }
    return bytes
  }
}
