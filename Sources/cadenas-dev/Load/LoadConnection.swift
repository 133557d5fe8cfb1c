import NIOCore
import NIOTLS

/// One connection of a load run: sends a request, waits for its answer, sends the next.
///
/// It lives on its event loop alone. Without a rate the next request follows the answer at once;
/// with one, each has its own time, and its latency counts from that time on, so that a vault that
/// stalls cannot hide it by being asked less.
final class LoadConnection: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private var requests: LoadRequests
  private let interval: TimeAmount?
  private let ready: EventLoopPromise<Void>
  private var pending = ByteBuffer()
  private var due = NIODeadline.distantPast
  private var measuredFrom = NIODeadline.distantFuture
  private var until = NIODeadline.distantPast
  private var isWaiting = false

  /// What it saw.
  private(set) var tally = LoadTally()

  init(_ plan: LoadPlan, requests: LoadRequests, ready: EventLoopPromise<Void>) {
    self.requests = requests
    self.ready = ready
    interval = plan.interval
  }

  /// Starts to send at `start`; answers count from `measuredFrom` on, nothing is sent past `until`.
  func run(
    from start: NIODeadline, measuredFrom: NIODeadline, until: NIODeadline,
    _ context: ChannelHandlerContext
  ) {
    self.measuredFrom = measuredFrom
    self.until = until
    due = start
    sendWhenDue(context)
  }

  /// Stops counting; what is still unanswered is not an error.
  func finish() -> LoadTally {
    until = .distantPast
    measuredFrom = .distantFuture
    return tally
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case TLSUserEvent.handshakeCompleted = event { ready.succeed() }
    context.fireUserInboundEventTriggered(event)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var part = unwrapInboundIn(data)
    if pending.readableBytes == 0 { pending = part } else { pending.writeBuffer(&part) }
    guard let answer = AnswerScanner.scan(pending.readableBytesSpan) else { return }
    if let token = answer.token { requests.remember(token, in: pending.readableBytesSpan) }
    pending.moveReaderIndex(forwardBy: answer.length)
    isWaiting = false
    let now = NIODeadline.now()
    if now >= measuredFrom, now < until {
      tally.record(status: answer.status, nanoseconds: UInt64((now - due).nanoseconds))
    }
    guard !answer.closes else { return context.close(promise: nil) }
    due = interval.map { due + $0 } ?? now
    sendWhenDue(context)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    ready.fail(error)
    context.close(promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) {
    ready.fail(DevelopmentError.connection("the vault closed a connection"))
    if isWaiting, NIODeadline.now() < until { tally.lost += 1 }
  }

  private func sendWhenDue(_ context: ChannelHandlerContext) {
    guard due < until, context.channel.isActive else { return }
    guard interval != nil, due > NIODeadline.now() else { return send(context) }
    context.eventLoop.assumeIsolated().scheduleTask(deadline: due) { self.send(context) }
  }

  private func send(_ context: ChannelHandlerContext) {
    isWaiting = true
    context.writeAndFlush(wrapOutboundOut(requests.next()), promise: nil)
  }
}
