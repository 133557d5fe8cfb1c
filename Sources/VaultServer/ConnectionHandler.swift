import Cryptography
import Logging
import NIOCore
import NIOSSL
import NIOTLS
import Synchronization

/// One connection: the thin place between NIO and the parts that decide.
///
/// Lives on its event loop. Events arrive here; requests are read in `ConnectionHandler+Requests`
/// and answered in `ConnectionHandler+Answers`. One request is under way at a time: what a client
/// sends beyond it waits in ``pending``, and reading from the socket stops meanwhile, so a
/// connection never holds more than one read and one request. One answer is given at a time, too: what a
/// client has sent beyond it is taken up when the connection's turn comes, see ``TurnQueue``.
final class ConnectionHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  let core: ServerCore
  let connections: LoopConnections
  let loop: any EventLoop
  var context: ChannelHandlerContext?
  var phase = ConnectionPhase.silent
  var client: ConnectionIdentity?
  /// Where the connection is counted, see ``ConnectionShares``; nil before and after.
  var place: ConnectionShares<NIOLoopBound<ConnectionHandler>>.Place?
  var pending = PendingBytes()
  /// The body that is being read, where it comes in chunks.
  var chunked = ChunkedBody()
  /// Reused for each response, so that most need no allocation.
  var response: ByteBuffer

  /// Where it comes from, as entries say it.
  private(set) lazy var origin = context?.remoteAddress.flatMap(PeerAddress.text(of:))
  /// Whether somebody who is not served has been told of: once for a connection is enough.
  private var hasToldOfStranger = false

  /// For whom the connection counts; nil for a handshake.
  private var owner: ConnectionOwner?
  private var deadlineTick = Int.max
  private var isReading = true
  /// Whether it stands in the queue of those that wait for a turn.
  private var waitsForTurn = false

  init(core: ServerCore, connections: LoopConnections, channel: any Channel) {
    self.core = core
    self.connections = connections
    loop = channel.eventLoop
    response = channel.allocator.buffer(capacity: 1024)
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    setDeadline(core.limits.handshake)
    connections.add(self)
  }

  func handlerRemoved(context: ChannelHandlerContext) { end() }

  func channelInactive(context: ChannelHandlerContext) {
    end()
    context.fireChannelInactive()
  }

  private func end() {
    guard context != nil else { return }
    context = nil
    phase = .closing
    removeBytes()
    // First, since a stop that waits for the last connection counts them.
    givePlaceBack()
    connections.remove(self)
  }

  /// For a connection that has ended, or never began.
  func givePlaceBack() {
    guard let place = place.take() else { return }
    core.shares.withLock { $0.leave(place) }
    core.counters.closeConnection()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case TLSUserEvent.handshakeCompleted? = event as? TLSUserEvent {
      handshakeCompleted(context)
    }
    context.fireUserInboundEventTriggered(event)
  }

  private func handshakeCompleted(_ context: ChannelHandlerContext) {
    guard case .handshaking = phase else { return }
    phase = .idle
    setDeadline(core.limits.idle)
    if client == nil { resumeIdentity(context) }
    // What was decided while the handshake ran may have been overtaken by a reload.
    guard refreshIdentity(), !closeIfRejected(), settle() else { return }
    if core.state.isStopping { stop() }
  }

  /// Sets TLS up when the first bytes come: a connection that says nothing costs no more than its
  /// socket.
  private func beginTLS(_ context: ChannelHandlerContext, _ first: NIOAny) {
    phase = .handshaking
    let onItsLoop = NIOLoopBound(self, eventLoop: loop)
    let pipeline = context.pipeline.syncOperations
    do {
      try pipeline.addHandler(
        NIOSSLServerHandler(
          context: core.state.tls.context,
          customVerificationCallback: { certificates, verdict in
            verdict.succeed(onItsLoop.value.verify(certificates) ? .certificateVerified : .failed)
          }), position: .before(self))
    } catch {
      return abort()
    }
    pipeline.fireChannelRead(first)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if case .silent = phase { return beginTLS(context, data) }
    let incoming = unwrapInboundIn(data)
    defer { wipeInPlace(incoming) }
    if case .closing = phase { return }
    guard pending.isEmpty, !isAnswering else {
      pending.append(incoming, expected: expectedBytes)
      return waitsForTurn ? updateReading() : goOn()
    }
    var input = incoming
    process(&input)
    if case .closing = phase { return }
    if input.readableBytes > 0 { pending.append(input, expected: expectedBytes) }
    resume()
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { resume() }
    context.fireChannelWritabilityChanged()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if case .handshaking = phase {
      core.counters.add(.handshakesFailed)
      // The library's own words for what went wrong; nothing of them is the client's.
      var metadata: Logger.Metadata = ["cause": "\(error)"]
      if case .rejected(let reason)? = client?.identity { metadata["reason"] = "\(reason)" }
      core.log.writeSeldom(
        .info, "handshake failed", of: "\(error)", at: connections.unixSeconds, metadata)
      tellOfStranger()
    }
    phase = .closing
    abort()
  }

  /// Has the bytes that wait taken up in a later turn, where they may begin a request.
  func resume() {
    if case .idle = phase, !pending.isEmpty, !waitsForTurn, context?.channel.isWritable == true {
      waitsForTurn = true
      connections.turns.add(self)
    }
    updateReading()
  }

  /// Takes one more request up, after all that were ready before.
  func takeTurn() {
    waitsForTurn = false
    goOn()
  }

  /// Reads from the bytes that wait until one answer has been given, where the connection's phase
  /// allows it.
  private func goOn() {
    if !pending.isEmpty, !isAnswering {
      var input = pending.take()
      process(&input)
      if case .closing = phase { return wipeInPlace(input) }
      pending.putBack(input)
    }
    resume()
  }

  /// Reads from the socket unless a request is under way or waits and more has arrived already, or
  /// the client does not take its answers.
  private func updateReading() {
    guard let context else { return }
    let wants =
      pending.isEmpty || (!isAnswering && !waitsForTurn && context.channel.isWritable)
    guard wants != isReading else { return }
    isReading = wants
    try? context.channel.syncOptions?.setOption(ChannelOptions.autoRead, value: wants)
  }

  private var isAnswering: Bool {
    if case .answering = phase { true } else { false }
  }

  /// Wipes what has arrived and was not handled.
  private func removeBytes() {
    pending.removeAll()
    chunked.removeAll()
  }

  /// How many bytes the request that is being read needs in one piece.
  private var expectedBytes: Int {
    if case .body(let exchange) = phase { exchange.head.bodyBytes } else { 0 }
  }
}

// MARK: - Deadlines and closing

extension ConnectionHandler {
  /// Sets the one deadline, from now.
  func setDeadline(_ amount: TimeAmount) {
    deadlineTick = connections.deadline(in: amount)
  }

  /// For the time in which the vault makes an answer.
  func clearDeadline() { deadlineTick = Int.max }

  /// Ends the connection if its deadline has passed. Called at each tick.
  func checkDeadline(_ tick: Int) {
    guard tick >= deadlineTick else { return }
    switch phase {
    case .silent, .handshaking: core.counters.add(.handshakesTimedOut)
    // Its last answer has not been taken yet; TLS itself ends the wait.
    case .closing where hasUnsentBytes: return
    case .idle where pending.isEmpty: core.counters.add(.idleTimedOut)
    case .idle, .head, .body: core.counters.add(.requestsTimedOut)
    case .answering, .closing: break
    }
    abort()
  }

  /// Closes if nothing is under way; otherwise the answer says `Connection: close`.
  func stop() {
    switch phase {
    case .silent, .handshaking: abort()
    case .idle where pending.isEmpty: close()
    case .closing: setDeadline(core.limits.farewell)
    case .idle, .head, .body, .answering: break
    }
  }

  /// Ends TLS and then the connection; what still arrives is thrown away.
  ///
  /// The client is waited for, since it may still be sending what an answer has made needless, and an
  /// end at once would take that answer from it. One to whom nothing is owed, or who has all that it
  /// gets from a service that stops, is not waited for long.
  func close() {
    var isOwedNothing = core.state.isStopping
    if case .idle = phase { isOwedNothing = true }
    phase = .closing
    if isOwedNothing { setDeadline(core.limits.farewell) } else { clearDeadline() }
    removeBytes()
    updateReading()
    context?.close(promise: nil)
  }

  /// Whether something that was written waits for the client to take it.
  private var hasUnsentBytes: Bool {
    let options = context?.channel.syncOptions
    return ((try? options?.getOption(ChannelOptions.bufferedWritableBytes)) ?? 0) > 0
  }

  /// Ends the connection without any more words.
  func abort() {
    phase = .closing
    guard let context else { return }
    let pipeline = context.pipeline.syncOperations
    guard let tls = try? pipeline.context(handlerType: NIOSSLServerHandler.self) else {
      return context.close(promise: nil)
    }
    // From the TLS handler's place on, so that it does not wait for the peer's farewell.
    tls.close(promise: nil)
  }
}

// MARK: - Identity

extension ConnectionHandler {
  /// Decides the identity from the certificates of a full handshake, and whether it goes on: a
  /// client for whom no authority vouches is refused by TLS. Others that must not be served are
  /// closed when the handshake is complete.
  func verify(_ certificates: [NIOSSLCertificate]) -> Bool {
    // Not as of the last tick: a certificate may have been issued in this second.
    let identity = ConnectionIdentity(
      chain: ClientChain(certificates), trust: core.state.trust, at: core.unixSeconds())
    client = identity
    guard !identity.paths.isEmpty else { return false }
    core.intermediates.remember(identity.paths)
    return true
  }

  /// Decides the identity of a resumed session, in which no certificates were sent.
  private func resumeIdentity(_ context: ChannelHandlerContext) {
    let tls = try? context.pipeline.syncOperations.handler(type: NIOSSLServerHandler.self)
    let leaf = LeafCertificate(tls?.peerCertificate)
    let trust = core.state.trust
    client = ConnectionIdentity(
      chain: leaf.map { core.intermediates.chain(of: $0, below: trust.anchors(for: $0)) },
      trust: trust, at: core.unixSeconds())
  }

  /// Decides the identity again if that is due. False where the connection has been closed.
  ///
  /// - Parameter time: the second for which it is decided, the one of the last tick unless given.
  func refreshIdentity(at time: Int64? = nil) -> Bool {
    let now = time ?? connections.unixSeconds
    guard client?.isCurrent(generation: core.state.generation, at: now) == false else {
      return client != nil
    }
    client?.decideAgain(trust: core.state.trust, at: now)
    return !closeIfRejected() && settle()
  }

  /// Decides again between requests, so that a revoked client does not stay connected.
  /// Whether there was something to decide.
  func refreshIdentityIfIdle() -> Bool {
    guard case .idle = phase, let client,
      !client.isCurrent(generation: core.state.generation, at: connections.unixSeconds)
    else { return false }
    _ = refreshIdentity()
    return true
  }

  /// Closes the connection of a client that must not be served, and says whether it did.
  @discardableResult
  private func closeIfRejected() -> Bool {
    guard case .rejected(let reason)? = client?.identity else { return false }
    core.counters.add(.clientsRejected)
    core.log.writeSeldom(
      .notice, "client rejected", of: reason.rawValue, at: connections.unixSeconds,
      ["reason": "\(reason.rawValue)"])
    tellOfStranger()
    close()
    return true
  }

  /// Has it noted that somebody was here who is not served.
  func tellOfStranger() {
    guard !hasToldOfStranger,
      let stranger = client?.stranger(
        from: origin, in: PeerAddress(context?.remoteAddress).text)
    else { return }
    hasToldOfStranger = true
    core.service.note(stranger)
  }

  /// Counts the connection for whom it is now. False where that closes it.
  private func settle() -> Bool {
    let owner = client.flatMap { ConnectionOwner($0.identity) }
    guard owner != self.owner else { return true }
    guard var place else { return false }
    let settlement = core.shares.withLock { $0.settle(&place, as: owner) }
    self.place = place
    switch settlement {
    case .settled(let displaced):
      self.owner = owner
      if let displaced { core.close(displaced) }
      return true
    case .gone:
      abort()
    case .overClientShare:
      closeOverShare(owner, .connectionsOverClientShare, "connections_by_client")
    case .overPrincipalShare:
      closeOverShare(owner, .connectionsOverMerchantShare, "connections_by_merchant")
    }
    return false
  }

  private func closeOverShare(
    _ owner: ConnectionOwner?, _ event: ServerCounters.Event, _ limit: String
  ) {
    let name = owner?.principal.name ?? ""
    core.counters.add(event)
    core.log.writeSeldom(
      .warning, "connections closed at a limit", of: "\(limit) \(name)",
      at: connections.unixSeconds,
      ["limit": "\(limit)", "actor": "\(owner?.actor ?? "")", "principal": "\(name)"])
    close()
  }
}
