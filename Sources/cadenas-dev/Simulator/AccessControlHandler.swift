import NIOCore
import NIOHTTP1

/// One browser's connection to the access control server.
final class AccessControlHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  /// The longest form, in bytes.
  private static let bodyLimit = 16 << 10
  /// The longest `threeDSSessionData`, which is handed back as it came.
  private static let longestSession = 1_024

  private let desk: AuthenticationDesk
  private let log: @Sendable (String) -> Void
  private var head: HTTPRequestHead?
  private var body = ByteBuffer()

  init(desk: AuthenticationDesk, log: @escaping @Sendable (String) -> Void) {
    self.desk = desk
    self.log = log
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      self.head = head
      body.clear()
    case .body(var part):
      guard body.readableBytes + part.readableBytes <= Self.bodyLimit else {
        return context.close(promise: nil)
      }
      body.writeBuffer(&part)
    case .end:
      guard let head else { return }
      self.head = nil
      respond(to: head, WebForm(String(buffer: body)), context)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }

  private func respond(
    to head: HTTPRequestHead, _ form: WebForm, _ context: ChannelHandlerContext
  ) {
    switch (head.method, head.uri) {
    case (.POST, "/challenge"): ask(form, head, context)
    case (.POST, "/answer"): end(form, head, context)
    default:
      send(.notFound, ChallengePage.problem("There is nothing here."), head, context)
    }
  }

  private func ask(_ form: WebForm, _ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    guard let transaction = ChallengeRequest(form["creq"] ?? "")?.transaction,
      let challenge = desk.challenge(transaction)
    else {
      return send(.badRequest, ChallengePage.problem("This is no challenge."), head, context)
    }
    log("challenge \(transaction), \(challenge.amount) \(challenge.currency)")
    switch challenge.amount {
    case 200_005:
      send(.internalServerError, ChallengePage.problem("Out of order."), head, context)
    // The browser waits until it gives up.
    case 200_007: break
    default:
      send(
        .ok, ChallengePage.question(transaction, challenge, session: session(form)), head, context)
    }
  }

  private func end(_ form: WebForm, _ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    guard let transaction = form["transaction"], let challenge = desk.challenge(transaction) else {
      return send(.badRequest, ChallengePage.problem("This is no challenge."), head, context)
    }
    let passed = desk.end(transaction, code: form["cancel"] == nil ? form["code"] : nil)
    log("challenge \(transaction) \(passed ? "passed" : "not passed")")
    send(
      .ok, ChallengePage.end(transaction, challenge, session: session(form), passed: passed), head,
      context)
  }

  private func session(_ form: WebForm) -> String {
    let text = form["threeDSSessionData"] ?? ""
    return text.utf8.count <= Self.longestSession ? text : ""
  }

  private func send(
    _ status: HTTPResponseStatus, _ page: String, _ request: HTTPRequestHead,
    _ context: ChannelHandlerContext
  ) {
    let body = ByteBuffer(string: page)
    let headers: HTTPHeaders = [
      "Content-Type": "text/html; charset=utf-8", "Content-Length": "\(body.readableBytes)",
      "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
    ]
    let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    if !request.isKeepAlive { context.close(promise: nil) }
  }
}
