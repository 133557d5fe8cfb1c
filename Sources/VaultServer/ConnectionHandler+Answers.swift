import Cards
import Logging
import NIOCore
import Tokenization
import VaultCore

extension ConnectionHandler {
  /// Answers the request that is under way; nothing is done where its connection is gone.
  func finish(_ answer: Answer) {
    guard case .answering(let exchange) = phase else { return }
    write(answer, to: exchange)
    resume()
  }

  /// As ``finish(_:)``, for a pull.
  func finish(_ reply: Result<ReleasedCard, Problem>) {
    guard case .answering(let exchange) = phase else { return }
    switch reply {
    case .failure(let problem): write(Answer(problem), to: exchange)
    case .success(let card): write(card, to: exchange)
    }
    resume()
  }

  /// Writes an answer that holds no card number.
  func write(_ answer: Answer, to exchange: Exchange) {
    let isProblem = answer.status >= 400
    let body = answer.body
    let closes = closes(after: exchange)
    var head = ResponseHead(
      status: answer.status, requestIdentifier: exchange.requestIdentifier,
      retryAfterSeconds: answer.retryAfterSeconds)
    if answer.status != 204 { head.body = (body.count, isProblem) }
    if answer.status == 405 { head.allowed = exchange.head.route.allowedMethod }
    if answer.status == 415 { head.refusesCoding = exchange.head.isCoded }
    response.clear()
    head.write(to: &response, standing: connections.standingFields(closing: closes))
    if exchange.head.method != .head { response.writeBytes(body) }
    record(exchange, status: answer.status, answer.logged)
    send(response)
    moveOn(closes: closes)
  }

  /// Writes a card, in a buffer of its own that is wiped when it has been encrypted and sent.
  private func write(_ released: ReleasedCard, to exchange: Exchange) {
    guard let context else { return }
    var body = context.channel.allocator.buffer(capacity: 128)
    defer { wipeInPlace(body) }
    write(released.card, to: &body)
    let closes = closes(after: exchange)
    var head = ResponseHead(status: 200, requestIdentifier: exchange.requestIdentifier)
    head.body = (body.readableBytes, false)
    var whole = context.channel.allocator.buffer(capacity: 512)
    head.write(to: &whole, standing: connections.standingFields(closing: closes))
    whole.writeImmutableBuffer(body)
    let sent = loop.makePromise(of: Void.self)
    let written = whole
    sent.futureResult.assumeIsolated().whenComplete { _ in wipeInPlace(written) }
    record(exchange, status: 200)
    context.writeAndFlush(wrapOutboundOut(whole), promise: sent)
    moveOn(closes: closes)
  }

  /// Writes the answer to a pull, number and all.
  private func write(_ card: borrowing StoredCard, to body: inout ByteBuffer) {
    body.writeStaticString("{\"number\":\"")
    body.writeBytes(card.pan.digits)
    body.writeStaticString("\",\"exp_month\":")
    body.writeString(String(card.expiry.month))
    body.writeStaticString(",\"exp_year\":")
    body.writeString(String(card.expiry.year))
    body.writeStaticString(",\"preferred_brand\":")
    if let brand = card.preferredBrand {
      body.writeString("\"\(brand.name)\"")
    } else {
      body.writeStaticString("null")
    }
    body.writeStaticString("}")
  }

  /// Sends bytes that hold no secret.
  func send(_ bytes: ByteBuffer) {
    context?.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
  }

  private func closes(after exchange: Exchange) -> Bool {
    exchange.closes || core.state.isStopping
  }

  /// Counts and logs an answer, before anybody can have seen it.
  private func record(
    _ exchange: Exchange, status: UInt16, _ details: @autoclosure () -> Logger.Metadata = [:]
  ) {
    let microseconds = UInt64(
      max((NIODeadline.now() - exchange.startedAt).nanoseconds, 0) / 1000)
    core.counters.addAnswer(exchange.operation, status: status, microseconds: microseconds)
    if status >= 400 || core.log.logsSuccesses {
      log(exchange, status: status, microseconds: microseconds, details())
    }
  }

  /// Goes on to the next request, or closes, after an answer has been written.
  private func moveOn(closes: Bool) {
    // Writing may have found the connection gone.
    guard context != nil else { return }
    if closes {
      close()
    } else {
      phase = .idle
      setDeadline(core.limits.idle)
    }
  }

  private func log(
    _ exchange: Exchange, status: UInt16, microseconds: UInt64, _ details: Logger.Metadata
  ) {
    core.log.write(
      Self.level(of: status), "request",
      of: exchange.caller.map { ConnectionOwner.Principal($0.principal) },
      at: connections.unixSeconds,
      [
        "request_id": "\(exchange.requestIdentifier)",
        "actor": "\(exchange.caller?.actor ?? "")",
        "operation": "\(exchange.operation.word)",
        "route": "\(exchange.head.route.name)",
        "status": "\(status)",
        "duration_us": "\(microseconds)",
      ].merging(details) { one, _ in one })
  }
}

extension ConnectionHandler {
  /// How much an answer's line matters. What was not begun for want of room, time or keys, `503` and
  /// `507`, a client has as often as it likes, as it has a refusal; what became of a payment, or went
  /// wrong in the vault, matters more.
  fileprivate static func level(of status: UInt16) -> Logger.Level {
    switch status {
    case ..<400: .debug
    case ..<500, 503, 507: .info
    default: .warning
    }
  }
}

extension Answer {
  /// What its line says beside its status.
  fileprivate var logged: Logger.Metadata {
    failure?.metadata ?? cause.map { ["cause": "\($0.rawValue)"] } ?? [:]
  }
}

extension PaymentFailure {
  /// What the line of a payment without a decision says besides.
  fileprivate var metadata: Logger.Metadata {
    var metadata: Logger.Metadata = [
      "acquirer": "\(acquirer)", "payment_id": "\(paymentIdentifier)", "cause": "\(cause)",
    ]
    if let systemError {
      metadata["error"] = "\(systemError.words)"
      if let number = systemError.number { metadata["errno"] = "\(number)" }
    }
    return metadata
  }
}
