import Glibc
import NIOCore
import NIOHTTP1

/// One connection to the simulator: collects a request, decides, answers.
final class SimulatorHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let received: ReceivedPayments
  private let digests: CardDigests
  private let desk: AuthenticationDesk
  private let log: @Sendable (String) -> Void
  private var head: HTTPRequestHead?
  private var body = ByteBuffer()
  private var isTooLong = false

  init(
    received: ReceivedPayments, digests: CardDigests, desk: AuthenticationDesk,
    log: @escaping @Sendable (String) -> Void
  ) {
    self.received = received
    self.desk = desk
    self.digests = digests
    self.log = log
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      self.head = head
      body.clear()
      isTooLong = false
    case .body(var part):
      isTooLong = isTooLong || body.readableBytes + part.readableBytes > SimulatorDialect.bodyLimit
      if !isTooLong { body.writeBuffer(&part) }
    case .end:
      guard let head else { return }
      self.head = nil
      respond(to: head, context)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    log("connection closed: \(error)")
    context.close(promise: nil)
  }

  private func respond(to head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    let operation = SimulatorDialect.Operation(rawValue: head.uri)
    switch (head.method, operation) {
    case _ where isTooLong:
      send(.empty(.payloadTooLarge), to: head, context)
    case (.GET, nil) where head.uri == "/received":
      let (count, identifiers) = received.summary()
      send(.received(count: count, identifiers: identifiers), to: head, context)
    case (.POST, let operation?):
      take(operation, head, context)
    case (.POST, nil) where head.uri == SimulatorDialect.questionPath:
      answerQuestion(head, context)
    case (_, nil):
      send(.empty(.notFound), to: head, context)
    case (_, _?):
      send(.empty(.methodNotAllowed), to: head, context)
    }
  }

  /// Takes a payment message, which counts from here on whatever becomes of it.
  private func take(
    _ operation: SimulatorDialect.Operation, _ head: HTTPRequestHead,
    _ context: ChannelHandlerContext
  ) {
    let body = body
    let bytes = body.readableBytesSpan
    let message: SimulatorMessage
    do {
      message = try SimulatorMessage(bytes, operation: operation)
    } catch {
      received.add(error.paymentIdentifier)
      log("\(error.paymentIdentifier ?? "?") refused: \(error.member)")
      return send(.rejected(error.paymentIdentifier), to: head, context)
    }
    received.add(message.paymentIdentifier)
    let card = bytes.extracting(message.cardNumber)
    let digest = digests.digest(of: card)
    if operation == .authenticate {
      let result = desk.authenticate(message, card: digest)
      log(line(message, result.name, card: digest))
      return send(.authentication(result, message.paymentIdentifier), to: head, context)
    }
    let decision = SimulatorDecision(
      amount: message.amount, expiry: message.expiry, hasThreeDSecure: message.hasThreeDSecure,
      echo: message.echo, wantsChallenge: desk.wantsChallenge(message, card: digest),
      now: Int64(time(nil)))
    log(line(message, decision.name, card: digest))
    let answer = SimulatorAnswer.decided(
      decision, on: message, cardNumber: card,
      securityCode: bytes.extracting(message.securityCode))
    guard let answer else { return context.close(promise: nil) }
    guard decision == .approveLate else { return send(answer, to: head, context) }
    context.eventLoop.assumeIsolated().scheduleTask(
      in: .seconds(SimulatorDecision.latenessSeconds)
    ) {
      self.send(answer, to: head, context)
    }
  }

  /// Answers what came of a challenge; the question counts as a message too.
  private func answerQuestion(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    let body = body
    let question: AuthenticationQuestion
    do {
      question = try AuthenticationQuestion(body.readableBytesSpan)
    } catch {
      received.add(error.paymentIdentifier)
      log("\(error.paymentIdentifier ?? "?") refused: \(error.member)")
      return send(.rejected(error.paymentIdentifier), to: head, context)
    }
    received.add(question.paymentIdentifier)
    let result = desk.result(of: question.transaction)
    log("\(question.paymentIdentifier) authentication result: \(result.name)")
    send(.authentication(result, question.paymentIdentifier), to: head, context)
  }

  private func line(_ message: SimulatorMessage, _ decision: String, card: String) -> String {
    let amount = message.currency.isEmpty ? "" : " \(message.amount) \(message.currency)"
    let authenticated = message.hasThreeDSecure ? ", 3-D Secure" : ""
    return "\(message.paymentIdentifier) \(message.operation)\(amount), "
      + "card \(card)\(authenticated): \(decision)"
  }

  private func send(
    _ answer: SimulatorAnswer, to request: HTTPRequestHead, _ context: ChannelHandlerContext
  ) {
    guard context.channel.isActive else { return }
    let headers: HTTPHeaders = [
      "Content-Type": answer.contentType, "Content-Length": "\(answer.body.readableBytes)",
    ]
    let head = HTTPResponseHead(version: .http1_1, status: answer.status, headers: headers)
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    context.write(wrapOutboundOut(.body(.byteBuffer(answer.body))), promise: nil)
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    if !request.isKeepAlive { context.close(promise: nil) }
  }
}
