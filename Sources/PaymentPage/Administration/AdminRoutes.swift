import Administration
import ConfigurationReading
import Glibc
import HTTPTypes
import Hummingbird
import JSON
import NIOCore
import PaymentStore
import Payments

/// What a request at the socket of administration carries: who asks.
struct AdminContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  let channel: any Channel

  init(source: ApplicationRequestContextSource) {
    coreContext = .init(source: source)
    channel = source.channel
  }
}

/// Lets those ask who have a role that permits it: a monitor sees how the page is, and no payment.
struct AdminAccess: RouterMiddleware {
  let access: AccessList

  init(_ settings: AdministrationSettings) {
    func members(_ actors: [AdministrationActor]) -> [AccessList.Member] {
      actors.map {
        switch $0 {
        case .user(let name): .user(name)
        case .group(let name): .group(name)
        }
      }
    }
    access = AccessList(
      operators: members(settings.operators), auditors: members(settings.auditors),
      monitors: members(settings.monitors))
  }

  @concurrent func handle(
    _ request: Request, context: AdminContext,
    next: @concurrent (Request, AdminContext) async throws -> Response
  ) async throws -> Response {
    let peer = try await PeerCredentials.read(of: context.channel).get()
    let user = try HostUser(lookingUp: peer.user, group: peer.group)
    let isWatching = ["/status", "/metrics"].contains(request.uri.path)
    guard access.role(of: user, permitting: isWatching ? .watch : .audit) != nil else {
      throw PageProblem(
        403, "operation-not-permitted",
        "\(user.label) is neither operator nor auditor of this page"
          + (isWatching ? ", nor a monitor" : ""))
    }
    return try await next(request, context)
  }
}

/// What operators and auditors ask.
struct AdminRoutes: Sendable {
  let engine: PaymentEngine
  let startedAt: Milliseconds

  func add(to router: Router<AdminContext>) {
    router.get("/status") { _, _ in try await status() }
    router.get("/payments/:payment") { _, context in
      try await payment(context.parameters.get("payment") ?? "")
    }
    router.get("/metrics") { _, _ in try await metrics() }
  }

  private func status() async throws -> Response {
    let (counts, waiting, owed, hidden) = try await engine.store.read {
      (
        try $0.counts(), try $0.waitingNotifications(), try $0.tokensOwed(), try $0.hiddenTokens()
      )
    }
    var reached: [(String, Bool)] = []
    for merchant in engine.merchants.values.sorted(by: { $0.name < $1.name }) {
      reached.append((merchant.name, await merchant.vault.isReached()))
    }
    let figures = engine.figures.counts
    let uptime = (engine.now() - startedAt) / 1_000
    let body = JSONWriter.document { json in
      json.member("uptime_seconds", integer: uptime)
      json.name("payments")
      json.object { json in
        for state in PaymentState.allCases {
          json.member(JSONName(state.rawValue), integer: counts[state, default: 0])
        }
      }
      json.member("attempts", integer: figures.attempts)
      json.member("notifications_waiting", integer: waiting)
      json.member("tokens_to_delete", integer: owed)
      json.member("tokens_hidden", integer: hidden)
      json.member("codes_held", integer: engine.codes.count)
      json.member("merchants", objects: reached) { json, entry in
        json.member("name", string: entry.0)
        json.member("vault_answers", boolean: entry.1)
      }
    }
    return ShopRoutes.json(body, status: .ok)
  }

  private func payment(_ id: String) async throws -> Response {
    let body = try await engine.store.read { reading -> [UInt8]? in
      guard let payment = try reading.payment(id) else { return nil }
      let attempts = try reading.attempts(of: id)
      return JSONWriter.document { json in
        json.name("document")
        json.rawValue(PaymentDocument.write(payment, attempts))
        json.member("merchant", string: payment.merchant)
        json.member("notifications", integer: payment.sequence)
        json.member("attempts", objects: attempts) { json, attempt in
          json.member("method", string: attempt.method.rawValue)
          json.member("step", string: attempt.step.rawValue)
          json.member("result", string: attempt.result?.rawValue)
          json.member("reason", string: attempt.reason)
          json.member("payment_id", string: attempt.vaultPayment)
          json.member("token_made", boolean: attempt.hasMadeToken)
          json.member("token_to_delete", boolean: attempt.owesDeletion)
          json.name("started_at")
          json.time(unixMilliseconds: attempt.startedAt)
        }
      }
    }
    guard let body else { throw PageProblem.paymentNotFound }
    return ShopRoutes.json(body, status: .ok)
  }

  func metrics() async throws -> Response {
    let text = try await PageMetrics.text(engine)
    return Response(
      status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
      body: .init(byteBuffer: ByteBuffer(string: text)))
  }
}

/// The metrics, in Prometheus's text format.
enum PageMetrics {
  static func text(_ engine: PaymentEngine) async throws -> String {
    let (counts, waiting, owed, hidden) = try await engine.store.read {
      (
        try $0.counts(), try $0.waitingNotifications(), try $0.tokensOwed(), try $0.hiddenTokens()
      )
    }
    let figures = engine.figures.counts
    var text = ""
    func metric(_ name: String, _ kind: String, _ help: String, _ samples: [(String, Int)]) {
      text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n"
      for (labels, value) in samples { text += "\(name)\(labels) \(value)\n" }
    }
    metric(
      "cadenas_page_payments", "gauge", "Payments in the store, by state.",
      PaymentState.allCases.map { ("{state=\"\($0.rawValue)\"}", counts[$0, default: 0]) })
    metric(
      "cadenas_page_payments_opened_total", "counter", "Payments that shops have opened.",
      [("", figures.payments)])
    metric(
      "cadenas_page_attempts_total", "counter", "Attempts that were begun.",
      [("", figures.attempts)])
    let results: [Attempt.Result] = [
      .approved, .pending, .refused, .unknown, .unconfirmed, .down, .mistaken, .fault, .left,
    ]
    metric(
      "cadenas_page_results_total", "counter", "Attempts that have ended, by what came of them.",
      results.map { ("{result=\"\($0.rawValue)\"}", figures.results[$0, default: 0]) })
    metric(
      "cadenas_page_refused_attempts_total", "counter",
      "Attempts that a bound on guesses has stopped.",
      [
        ("{bound=\"address\"}", figures.refusedByAddress),
        ("{bound=\"card\"}", figures.refusedByCard), ("{bound=\"bin\"}", figures.refusedByBIN),
      ])
    metric(
      "cadenas_page_notifications_total", "counter",
      "Notifications, by whether the shop took them.",
      [
        ("{outcome=\"taken\"}", figures.notifications),
        ("{outcome=\"failed\"}", figures.failedNotifications),
      ])
    metric(
      "cadenas_page_notifications_waiting", "gauge", "Notifications that no shop has taken yet.",
      [("", waiting)])
    metric(
      "cadenas_page_tokens_to_delete", "gauge", "Tokens that are to be deleted and are not yet.",
      [("", owed)])
    metric(
      "cadenas_page_tokens_hidden", "gauge",
      "Attempts whose token a crash may have hidden from the page.", [("", hidden)])
    metric(
      "cadenas_page_answers_total", "counter", "Answers to browsers, by the class of their status.",
      (1...5).map { ("{class=\"\($0)xx\"}", figures.answers[$0, default: 0]) })
    return text
  }
}
