import AccessPolicy
import NIOCore
import Tokenization
import VaultCore

extension ConnectionHandler {
  /// Reads one request from `input`, until it is being answered, has been, or more bytes are needed.
  /// What has not been read stays in `input`.
  func process(_ input: inout ByteBuffer) {
    while true {
      switch phase {
      case .idle:
        input.skipEmptyLines()
        guard input.readableBytes > 0, context?.channel.isWritable == true else { return }
        phase = .head(scanned: 0)
        setDeadline(core.limits.header)
      case .head(let scanned):
        // Nothing has been looked at: an empty line may have come in two pieces.
        if scanned == 0 { input.skipEmptyLines() }
        let outcome = HeadParser.parse(
          input.readableBytesSpan, scanned: scanned, limit: core.limits.headerBytes)
        switch outcome {
        case .incomplete(let scanned):
          phase = .head(scanned: scanned)
          return
        case .refused(let refusal):
          refuseHead(refusal)
          return
        case .head(let head, let byteCount):
          input.moveReaderIndex(forwardBy: byteCount)
          begin(head)
        }
      case .body(let exchange) where exchange.head.isChunked:
        switch chunked.read(&input, limit: core.limits.bodyBytes(on: exchange.head.route)) {
        case .incomplete: return continueIfAsked(exchange)
        case .complete:
          let body = chunked.take()
          dispatch(exchange, body: body.readableBytesSpan)
          return wipeInPlace(body)
        case .malformed: return refuseBody(of: exchange, .malformedRequest)
        case .tooLarge: return refuseBody(of: exchange, .bodyTooLarge)
        }
      case .body(let exchange):
        let byteCount = exchange.head.bodyBytes
        guard input.readableBytes >= byteCount else {
          return continueIfAsked(exchange)
        }
        dispatch(exchange, body: input.readableBytesSpan.extracting(0..<byteCount))
        input.moveReaderIndex(forwardBy: byteCount)
        return
      case .silent, .handshaking, .answering, .closing:
        return
      }
    }
  }

  /// Answers what is not HTTP as it is spoken here, and closes.
  private func refuseHead(_ refusal: HeadParser.Refusal) {
    let name: ProblemName
    switch refusal {
    case .malformed: name = .malformedRequest
    case .tooLarge: name = .headerTooLarge
    }
    let problem = Problem(name)
    let exchange = Exchange(
      head: RequestHead(method: .other, route: .unknown),
      requestIdentifier: core.identifiers.next(), caller: nil,
      verdict: .refused(RequestGate.Refusal(problem: problem, closes: true)), startedAt: .now(),
      closes: true, hasContinued: true)
    write(Answer(problem), to: exchange)
  }

  /// Answers a request whose body in chunks is not read any further, and closes. What had been said
  /// against its head is still what counts, but for HTTP itself, which comes first.
  private func refuseBody(of exchange: Exchange, _ name: ProblemName) {
    exchange.closes = true
    chunked.removeAll()
    let isAdmitted = if case .admitted = exchange.verdict { true } else { false }
    if isAdmitted || name == .malformedRequest {
      exchange.verdict = .refused(
        RequestGate.Refusal(
          problem: Problem(name), isAudited: name == .bodyTooLarge, closes: true))
    }
    dispatch(exchange, body: RawSpan())
  }

  /// Decides about a head, and whether its body is waited for.
  private func begin(_ head: RequestHead) {
    guard refreshIdentity(), let client else { return }
    tellOfStranger()
    let now = NIODeadline.now()
    let bodyLimit = core.limits.bodyBytes(on: head.route)
    let gate = RequestGate(
      identity: client.identity, policy: client.trust.policy,
      isSealed: core.service.isSealed, isStopping: core.state.isStopping, bodyLimit: bodyLimit)
    let verdict = gate.admit(head) { operation, principal, actor in
      core.quotas.take(operation, for: principal, actor: actor, now: now.uptimeNanoseconds)
    }
    let identifier = core.identifiers.next()
    let exchange = Exchange(
      head: head, requestIdentifier: identifier, caller: client.caller(identifier, from: origin),
      verdict: verdict, startedAt: now,
      closes: head.closes, hasContinued: !head.expectsContinue || !head.hasBody)
    if case .refused(let refusal) = verdict,
      refusal.closes || head.bodyBytes > bodyLimit || !exchange.hasContinued
    {
      // No body is waited for, so where the next request begins is not known.
      exchange.closes = true
      return dispatch(exchange, body: RawSpan())
    }
    phase = .body(exchange)
    if head.hasBody { setDeadline(core.limits.body) }
  }

  /// Tells a client that waits for it to send the body.
  private func continueIfAsked(_ exchange: Exchange) {
    guard !exchange.hasContinued else { return }
    exchange.hasContinued = true
    response.clear()
    response.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
    send(response)
  }

  /// Decides about an admitted request again, where its client's identity was decided anew since
  /// its head was read: a body may take its time, and meanwhile a certificate may have ended or
  /// been revoked, or a policy may have taken something away. False where the connection has been
  /// closed.
  private func readmit(_ exchange: Exchange) -> Bool {
    guard case .admitted = exchange.verdict else { return true }
    let now = core.unixSeconds()
    if let client, client.isCurrent(generation: core.state.generation, at: now),
      client.trust.policy.generation == exchange.caller?.terms.policy.generation
    {
      return true
    }
    guard refreshIdentity(at: now), let client else { return false }
    guard
      client.trust.policy.generation != exchange.caller?.terms.policy.generation
        || client.identity != exchange.caller?.identity
    else { return true }
    // Stopping and sealing do not undo what was admitted: the vault answers for itself.
    let gate = RequestGate(
      identity: client.identity, policy: client.trust.policy, isSealed: false, isStopping: false,
      bodyLimit: core.limits.bodyBytes(on: exchange.head.route))
    // Its place in the quota has been taken.
    exchange.verdict = gate.admit(exchange.head) { _, _, _ in .granted }
    exchange.caller = client.caller(exchange.requestIdentifier, from: origin)
    return true
  }

  /// Hands a whole request on.
  private func dispatch(_ exchange: Exchange, body: RawSpan) {
    guard readmit(exchange) else { return }
    phase = .answering(exchange)
    clearDeadline()
    switch exchange.verdict {
    case .refused(let refusal):
      refuse(refusal.problem, isAudited: refusal.isAudited, exchange)
    case .admitted(let expected):
      // Admitted are known clients only.
      guard let caller = exchange.caller else { return abort() }
      do throws(Problem) {
        try perform(expected, body: body, caller: caller)
      } catch {
        refuse(error, isAudited: true, exchange)
      }
    }
  }

  private func perform(
    _ expected: ExpectedRequest, body: RawSpan, caller: Caller
  ) throws(Problem) {
    let service = core.service
    switch expected {
    case .tokenize(let key):
      let decoder = TokenizeDecoder(brands: caller.terms.brands, pool: core.pool)
      switch try decoder.decode(body, key: key, at: connections.unixSeconds) {
      case .card(let request):
        service.tokenize(request, caller: caller, reply: reply { $0.finish($1) })
      case .token(let request):
        service.renew(request, caller: caller, reply: reply { $0.finish($1) })
      }
    case .push(let token, let key):
      let decoder = PushDecoder(brands: caller.terms.brands, pool: core.pool)
      let request = try decoder.decode(body, token: token, key: key)
      service.push(request, caller: caller, reply: reply { $0.finish($1) })
    case .pull(let token):
      try decodePull(body)
      service.pull(token, caller: caller, reply: reply { $0.finish($1) })
    case .delete(let token):
      service.delete(token, caller: caller, reply: reply { $0.finish($1) })
    }
  }

  /// Answers a problem, after its audit entry where it gets one.
  private func refuse(_ problem: Problem, isAudited: Bool, _ exchange: Exchange) {
    guard isAudited, let caller = exchange.caller else {
      return write(Answer(problem), to: exchange)
    }
    core.service.refuse(
      problem, operation: exchange.head.route.operation, token: exchange.head.route.token,
      caller: caller, reply: reply { $0.finish($1) })
  }

  /// Takes a reply on any thread, and brings it here to `finish`.
  private func reply<Reply: Sendable>(
    _ finish: @escaping @Sendable (ConnectionHandler, Reply) -> Void
  ) -> @Sendable (Reply) -> Void {
    let handler = NIOLoopBound(self, eventLoop: loop)
    return { reply in
      handler.eventLoop.execute { finish(handler.value, reply) }
    }
  }
}

extension ByteBuffer {
  /// Skips the empty lines at the front.
  fileprivate mutating func skipEmptyLines() {
    moveReaderIndex(forwardBy: HeadParser.emptyLines(readableBytesSpan))
  }
}
