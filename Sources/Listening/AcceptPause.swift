internal import Glibc
package import Logging
package import NIOCore
internal import SystemCalls

/// Lets a listening socket rest while the system has no descriptor or no memory for a new connection.
///
/// Those who connect wait in the kernel meanwhile. The system says that somebody waits for as long as
/// they do, so that without a pause an event loop would do nothing but be told so. Added to the pipeline
/// of the listening socket itself.
package final class AcceptPause: ChannelInboundHandler {
  package typealias InboundIn = any Channel

  /// How long the socket rests: little beside what a client waits for, and much beside one try.
  private static let pause = TimeAmount.milliseconds(100)
  /// How long nothing is logged after a line.
  private static let quiet = TimeAmount.minutes(1)

  private let logger: Logger
  private let listener: String
  private let onFailure: @Sendable () -> Void
  private var isPaused = false
  private var nextLine = NIODeadline.uptimeNanoseconds(0)
  private var failures = 0

  /// - Parameters:
  ///   - listener: what the log calls the socket.
  ///   - onFailure: called at each try that failed.
  package init(
    _ logger: Logger, listener: String, onFailure: @escaping @Sendable () -> Void = {}
  ) {
    self.logger = logger
    self.listener = listener
    self.onFailure = onFailure
  }

  /// Takes what the listening socket says went wrong.
  package func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let number = (error as? IOError)?.errnoCode, Self.isShortage(number) else {
      return context.fireErrorCaught(error)
    }
    onFailure()
    failures += 1
    tell(number)
    guard !isPaused else { return }
    isPaused = true
    setAccepting(false, context.channel)
    let bound = NIOLoopBound((self, context.channel), eventLoop: context.eventLoop)
    context.eventLoop.scheduleTask(in: Self.pause) {
      let (handler, channel) = bound.value
      handler.isPaused = false
      handler.setAccepting(true, channel)
    }
  }

  private static func isShortage(_ number: Int32) -> Bool {
    number == EMFILE || number == ENFILE || number == ENOBUFS || number == ENOMEM
  }

  /// A socket that has been closed meanwhile is left alone.
  private func setAccepting(_ isAccepting: Bool, _ channel: any Channel) {
    try? channel.syncOptions?.setOption(.autoRead, value: isAccepting)
  }

  private func tell(_ number: Int32) {
    guard NIODeadline.now() >= nextLine else { return }
    nextLine = .now() + Self.quiet
    logger.warning(
      "no connection can be accepted",
      metadata: [
        "listener": "\(listener)", "error": "\(systemMessage(number))", "errno": "\(number)",
        "count": "\(failures)",
      ])
    failures = 0
  }
}
