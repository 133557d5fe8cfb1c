import NIOCore
import NIOPosix
import SystemCalls

/// The connections of one event loop whose clients have sent requests beyond the one that was answered
/// last. Each is given one more answer at a time, in the order in which they came to wait.
///
/// A client that pipelines would otherwise keep a loop to itself for as many answers as fit into one read,
/// and a thousand such connections for seconds. A loop runs the tasks that it is given, and those that these
/// give it, before it looks at its sockets again; so the queue is woken by a socket of its own, a pipe, and
/// takes its turn behind all others that are ready. Lives on its loop.
final class TurnQueue {
  /// How many connections are given an answer before the loop looks at its sockets again.
  static let answersPerTurn = 32

  private static let byte = ByteBuffer(integer: UInt8(0))

  private var waiting = CircularBuffer<ConnectionHandler>()
  private var pipe: (any Channel)?
  /// Whether a byte lies in the pipe.
  private var isWoken = false

  /// Opens the pipe of the queue that `connections` has.
  ///
  /// - Throws: `SystemFailure` where the system has no pipe, and the errors of NIO.
  static func open(for connections: NIOLoopBound<LoopConnections>) async throws {
    let ends = try makePipe()
    do {
      _ = try await NIOPipeBootstrap(group: connections.eventLoop)
        .channelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            let queue = connections.value.turns
            try channel.pipeline.syncOperations.addHandler(Waker(queue))
            queue.pipe = channel
          }
        }
        .takingOwnershipOfDescriptors(input: ends.reading, output: ends.writing).get()
    } catch {
      closePipe(ends)
      throw error
    }
  }

  /// Gives the connection a turn behind those that wait already. Nobody is added twice.
  func add(_ connection: ConnectionHandler) {
    waiting.append(connection)
    wake()
  }

  /// Closes the pipe. Nobody gets a turn any more.
  func end() {
    waiting.removeAll()
    pipe?.close(promise: nil)
    pipe = nil
  }

  private func wake() {
    guard !isWoken, let pipe else { return }
    isWoken = true
    pipe.writeAndFlush(Self.byte, promise: nil)
  }

  private func takeTurn() {
    isWoken = false
    for _ in 0..<min(waiting.count, Self.answersPerTurn) { waiting.removeFirst().takeTurn() }
    if !waiting.isEmpty { wake() }
  }

  /// Takes the byte out of the pipe.
  private final class Waker: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let queue: TurnQueue

    init(_ queue: TurnQueue) { self.queue = queue }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { queue.takeTurn() }
  }
}
