import NIOCore

/// One connection of a run: sends a request, waits for its answer, checks it, sends the next.
///
/// It lives on its event loop alone. Without a rate the next request follows the answer at once;
/// with one, each has its own time, and its latency counts from that time on, so that a vault that
/// stalls cannot hide it by being asked less.
final class BenchConnection: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private var requests: BenchRequests
  private let interval: TimeAmount?
  private var pending = ByteBuffer()
  private var due = NIODeadline.distantPast
  private var window: BenchWindow?
  private var exhausted: () -> Void = {}
  private var isWaiting = false
  private var tally = BenchTally()

  init(_ requests: BenchRequests, interval: TimeAmount?) {
    self.requests = requests
    self.interval = interval
  }

  /// Starts to send at `start`.
  ///
  /// - Parameter exhausted: called when there is nothing left to ask.
  func run(
    from start: NIODeadline, in window: BenchWindow, _ context: ChannelHandlerContext,
    exhausted: @escaping () -> Void
  ) {
    self.window = window
    self.exhausted = exhausted
    due = start
    sendWhenDue(context)
  }

  /// What it saw and gathered; nothing counts from now on.
  func finish() -> (tally: BenchTally, cards: BenchCards) {
    if let window, let interval {
      // What should have been asked and answered by now, and was not.
      while isWaiting || due < NIODeadline.now(), due < window.until {
        if due >= window.measuredFrom {
          tally.recordOverdue(nanoseconds: UInt64((window.until - due).nanoseconds))
        }
        due = due + interval
      }
    }
    window = nil
    return (tally, requests.cards)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var part = unwrapInboundIn(data)
    if pending.readableBytes == 0 { pending = part } else { pending.writeBuffer(&part) }
    guard let answer = AnswerScanner.scan(pending.readableBytesSpan) else { return }
    let isRight = requests.check(answer, in: pending.readableBytesSpan)
    pending.moveReaderIndex(forwardBy: answer.length)
    // What is kept of TLS's buffer, TLS copies before it reads into it again.
    if pending.readableBytes == 0 { pending = ByteBuffer() }
    isWaiting = false
    let now = NIODeadline.now()
    if let window, now >= window.measuredFrom, now < window.until {
      tally.record(
        status: answer.status, isRight: isRight, nanoseconds: UInt64((now - due).nanoseconds))
    }
    guard !answer.closes else { return context.close(promise: nil) }
    due = interval.map { due + $0 } ?? now
    sendWhenDue(context)
  }

  func channelInactive(context: ChannelHandlerContext) {
    guard let window, NIODeadline.now() < window.until else { return }
    if isWaiting { tally.lost += 1 }
    isWaiting = false
    exhausted()
  }

  private func sendWhenDue(_ context: ChannelHandlerContext) {
    guard let window, due < window.until, context.channel.isActive else { return }
    guard interval != nil, due > NIODeadline.now() else { return send(context) }
    context.eventLoop.assumeIsolated().scheduleTask(deadline: due) { self.send(context) }
  }

  private func send(_ context: ChannelHandlerContext) {
    guard window != nil else { return }
    guard let request = requests.next() else { return exhausted() }
    isWaiting = true
    context.writeAndFlush(wrapOutboundOut(request), promise: nil)
  }
}
