internal import AuditLog
internal import Glibc
internal import Logging
internal import NIOCore
internal import NIOHTTP1

/// Reads one request of a connection, decides whether its user may ask it, and has it done.
final class AdminHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let context: AdminContext
  private var head: HTTPRequestHead?
  private var body = BodyCollector()
  private var isAnswered = false
  private var deadline: Scheduled<Void>?

  init(_ context: AdminContext) { self.context = context }

  func channelActive(context channelContext: ChannelHandlerContext) {
    let channel = channelContext.channel
    deadline = channelContext.eventLoop.scheduleTask(
      in: .seconds(AdminServer.Limits.requestSeconds)
    ) { channel.close(promise: nil) }
    channelContext.fireChannelActive()
  }

  func channelInactive(context channelContext: ChannelHandlerContext) {
    deadline?.cancel()
    channelContext.fireChannelInactive()
  }

  func errorCaught(context channelContext: ChannelHandlerContext, error: any Error) {
    channelContext.close(promise: nil)
  }

  func channelRead(context channelContext: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      if !isAnswered { self.head = head }
    case .body(let bytes):
      // It may hold a key, and the connection may be open for as long as custodians take.
      defer { wipeInPlace(bytes) }
      guard !isAnswered else { return }
      let isTaken = unsafe bytes.withUnsafeReadableBytes { unsafe body.append($0) }
      if !isTaken { channelContext.close(promise: nil) }
    case .end:
      guard let head, !isAnswered else { return }
      isAnswered = true
      deadline?.cancel()
      dispatch(head, body.body(), on: channelContext.channel)
      body = BodyCollector()
    }
  }

  private func dispatch(
    _ head: HTTPRequestHead, _ body: AdminBody?, on channel: any Channel
  ) {
    let context = context
    PeerCredentials.read(of: channel).and(PeerCredentials.hold(of: channel)).whenComplete {
      result in
      let response = AdminResponse(channel)
      guard case .success(let (peer, hold)) = result else {
        return response.fail(.unavailable("the system does not say who asks; try again"))
      }
      // Looking a user up may ask a directory service, so it is not done on the event loop.
      context.decide {
        AdminExchange(
          head: head, body: body, peer: peer, hold: hold, response: response, context: context
        ).begin()
      }
    }
  }
}

/// One request of a known user, from the decision to the answer. Runs on threads that may wait.
struct AdminExchange: Sendable {
  let head: HTTPRequestHead
  let body: AdminBody?
  let peer: PeerCredentials
  let hold: ProcessHold?
  let response: AdminResponse
  let context: AdminContext

  func begin() {
    let user: HostUser
    do throws(HostUser.LookupFailure) {
      user = try HostUser(lookingUp: peer.user, group: peer.group)
    } catch {
      context.logger.error(
        "an account could not be looked up",
        metadata: ["uid": .stringConvertible(peer.user), "errno": .stringConvertible(error.errno)])
      return response.fail(.accountUnknown(error.errno))
    }
    let operation: any AdminOperation
    do throws(AdministrationError) {
      guard let parsed = try AdminRegistry.parse(method: head.method.rawValue, target: head.uri)
      else { return response.notFound() }
      operation = parsed
    } catch {
      return response.fail(error)
    }
    context.remember(user)
    let right = operation.terms.right
    var role = context.role(of: user, permitting: right)
    if role == nil, operation.terms.isForOwner, user.identifier == geteuid() { role = .auditor }
    guard let role else {
      return refuse(
        operation, user, context.hasRole(user) ? .roleNeeded(right) : .notPermitted)
    }
    // Whoever watches the service asks for these every few seconds.
    log("administration", operation, user, at: operation.terms.leavesEntry ? .info : .debug)
    do throws(AdministrationError) {
      try context.perform(in: operation.terms.lane, as: role, user) { answer(operation, user) }
    } catch {
      response.fail(error)
    }
  }

  private func refuse(
    _ operation: any AdminOperation, _ user: HostUser, _ reason: AdministrationError
  ) {
    log("administration refused", operation, user, at: .notice)
    // That it was refused is in the service's log in any case.
    try? context.operations.recordRefusal(of: operation, actor: actor(user))
    response.fail(reason)
  }

  private func actor(_ user: HostUser) -> AuditActor {
    user.actor(of: peer.process, holding: hold)
  }

  private func answer(_ operation: any AdminOperation, _ user: HostUser) {
    do throws(AdministrationError) {
      try context.operations.run(operation, actor: actor(user), body: body) { part in
        if context.isStopping { throw AdministrationError.abandoned }
        try response.send(part, form: operation.terms.form)
      }
      response.end()
    } catch {
      response.fail(error)
    }
  }

  private func log(
    _ message: Logger.Message, _ operation: any AdminOperation, _ user: HostUser,
    at level: Logger.Level
  ) {
    context.logger.log(
      level: level, message,
      metadata: [
        "actor": .string("user:\(user.label)"), "pid": .stringConvertible(peer.process),
        "request": .string("\(operation.route.method) \(operation.route.path)"),
      ])
  }
}
