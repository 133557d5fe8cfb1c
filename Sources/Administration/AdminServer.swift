internal import Glibc
internal import Listening
package import Logging
package import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import SystemCalls

/// Serves the operations on the local administration socket.
///
/// Who connects is known from the system; a user without a role is refused whatever they ask. One
/// request for each connection. Operations run on threads of their own, a few at a time, never on
/// the event loop.
package final class AdminServer: Sendable {
  /// The limits of the socket.
  package enum Limits {
    /// Open connections; past it, a new one is closed at once.
    package static let connections = 128
    /// Open connections of one user; past it, a new one is closed at once.
    package static let connectionsByUser = 32
    /// Open connections of all those together who are known to be monitors, or to have no role; past it, a
    /// new one of theirs is closed at once.
    package static let connectionsByWatchers = 32
    /// How many of those are known.
    static let mostWatchers = 1_024
    /// Long operations of one auditor that may run at a time; past it, `busy`.
    package static let longOperationsByAuditor = 2
    /// Requests of one monitor that may run or wait at a time; past it, `busy`.
    package static let operationsByMonitor = 4
    /// The bytes of a request's body: those of fifteen custodians' names and passphrases.
    package static let bodyBytes = 20_480
    /// Seconds until a request has to be complete.
    package static let requestSeconds: Int64 = 10
  }

  private let path: String
  private let context: AdminContext
  private let channel: any Channel

  private init(path: String, context: AdminContext, channel: any Channel) {
    self.path = path
    self.context = context
    self.channel = channel
  }

  /// Opens the socket and begins to serve.
  ///
  /// - Parameters:
  ///   - path: at most 107 bytes; the file that a dead process left there is replaced.
  ///   - socketGroup: the group that owns the socket (mode 0660); nil leaves the process's own.
  ///   - access: who has a role.
  ///   - eventLoops: where connections are served.
  /// - Throws: ``AdminSocketError``.
  package static func start(
    path: String, socketGroup: String?, access: AccessList, operations: Operations,
    on eventLoops: any EventLoopGroup, logger: Logger
  ) throws -> AdminServer {
    let descriptor = try AdminSocket.bind(path: path, group: socketGroup)
    let context = AdminContext(operations: operations, access: access, logger: logger)
    completeType(ByteToMessageHandler<HTTPRequestDecoder>.self)
    let bootstrap = ServerBootstrap(group: eventLoops)
      .serverChannelOption(.backlog, value: AdminSocket.backlog)
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(
            AcceptPause(logger, listener: "administration"))
        }
      }
      .childChannelInitializer { channel in
        PeerCredentials.read(of: channel).flatMap { peer in
          guard context.admit(channel, of: peer.user) else { return channel.close() }
          channel.closeFuture.whenComplete { _ in context.release(channel) }
          return channel.eventLoop.makeCompletedFuture {
            try addHandlers(to: channel.pipeline.syncOperations, context)
          }
        }
      }
    do {
      let channel = try bootstrap.withBoundSocket(descriptor).wait()
      return AdminServer(path: path, context: context, channel: channel)
    } catch {
      context.stop()
      unsafe unlink(path)
      throw error
    }
  }

  /// Makes the pipeline of a connection.
  static func addHandlers(
    to pipeline: ChannelPipeline.SynchronousOperations, _ context: AdminContext
  ) throws {
    try pipeline.addHandler(ReceivedBytesWiper())
    try pipeline.configureHTTPServerPipeline(
      withPipeliningAssistance: false, withErrorHandling: false)
    try pipeline.addHandler(AdminHandler(context))
  }

  /// Puts other roles in force, for requests from now on.
  package func update(access: AccessList) { context.update(access: access) }

  /// Stops serving and removes the socket's file. An operation that is running is broken off.
  package func stop() {
    unsafe unlink(path)
    channel.close(promise: nil)
    context.stop()
  }
}
