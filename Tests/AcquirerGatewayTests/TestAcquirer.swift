import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

@testable import AcquirerGateway

/// An acquirer in the test's own process: real sockets, real TLS, and manners of its own.
final class TestAcquirer: Sendable {
  /// What it does once it has read a whole message.
  enum Manner: Sendable {
    case answer(String)
    case closeAfter(String)
    case saySoMuch(bytes: Int)
    case neverAnswer
    /// Both, in two writes; the second is no answer to anything.
    case answerTwice(String, String)
    /// Answers, and ends as a process that is killed does: without a word in TLS.
    case answerAndDie(String)
    /// Answers when the task is over.
    case answerAfter(String, Task<Void, Never>)
  }

  private let channel: any Channel
  private let record: Record

  /// - Parameter tls: nil for a server that accepts connections and says nothing.
  convenience init(_ manner: Manner, tls: NIOSSLContext?) async throws {
    try await self.init([manner], tls: tls)
  }

  /// - Parameter manners: for each message in the order in which they come, on whichever connection; the
  ///   last one again and again.
  init(_ manners: [Manner], tls: NIOSSLContext?) async throws {
    let record = Record(manners)
    self.record = record
    channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          record.connections.add(1, ordering: .relaxed)
          guard let tls else { return }
          try channel.pipeline.syncOperations.addHandlers([
            NIOSSLServerHandler(context: tls), Conversation(record),
          ])
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
  }

  /// Where it listens.
  var port: Int { channel.localAddress?.port ?? 0 }

  /// The messages that it has read.
  var received: [String] { record.messages.withLock { $0 } }
  /// How many connections it has accepted.
  var connections: Int { record.connections.load(ordering: .relaxed) }
  /// How many messages it is through with: what it had to say is written, and it has ended where it had to.
  var finished: Int { record.finished.load(ordering: .acquiring) }

  func close() async throws {
    try await channel.close().get()
  }
}

/// What an acquirer does and has read.
private final class Record: Sendable {
  let manners: [TestAcquirer.Manner]
  let messages = Mutex<[String]>([])
  let connections = Atomic(0)
  let finished = Atomic(0)

  init(_ manners: [TestAcquirer.Manner]) {
    self.manners = manners
  }

  func add(_ message: String) -> TestAcquirer.Manner {
    messages.withLock { messages in
      messages.append(message)
      return manners[min(messages.count, manners.count) - 1]
    }
  }
}

/// Reads messages and behaves as told.
private final class Conversation: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let record: Record
  private var text = ""

  init(_ record: Record) {
    self.record = record
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    text += String(buffer: unwrapInboundIn(data))
    guard let end = text.firstRange(of: "\r\n\r\n"),
      let length = text.firstRange(of: "Content-Length: "),
      let count = Int(text[length.upperBound..<end.lowerBound].prefix { $0.isNumber }),
      text[end.upperBound...].utf8.count == count
    else { return }
    let manner = record.add(text)
    text = ""
    behave(manner, context)
  }

  private func behave(_ manner: TestAcquirer.Manner, _ context: ChannelHandlerContext) {
    switch manner {
    case .answer(let answer): say(answer, context)
    case .closeAfter(let part):
      context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: part)), promise: nil)
      context.close(promise: nil)
    case .saySoMuch(let bytes):
      var answer = ByteBuffer(string: "HTTP/1.1 200 OK\r\nContent-Length: \(bytes)\r\n\r\n")
      answer.writeRepeatingByte(0x20, count: bytes)
      context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
    case .neverAnswer: break
    case .answerTwice(let first, let second):
      context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: first)), promise: nil)
      say(second, context)
    case .answerAndDie(let answer):
      context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
      let tls = try? context.pipeline.syncOperations.context(
        handlerType: NIOSSLServerHandler.self)
      tls?.close(mode: .output, promise: nil)
      waitForEnd(context)
    case .answerAfter(let answer, let task):
      let loop = context.eventLoop
      let bound = NIOLoopBound((self, context), eventLoop: loop)
      loop.makeFutureWithTask { await task.value }.whenSuccess {
        bound.value.0.say(answer, bound.value.1)
      }
    }
  }

  /// Counts the message when the kernel of the other side has said that it knows of the end.
  private func waitForEnd(_ context: ChannelHandlerContext) {
    let state = context.channel.isActive ? SocketState.look(at: context.channel)?.state : nil
    if state == 1 || state == 4 {
      context.eventLoop.assumeIsolated().scheduleTask(in: .microseconds(100)) {
        self.waitForEnd(context)
      }
    } else {
      record.finished.add(1, ordering: .releasing)
      context.channel.close(promise: nil)
    }
  }

  private func say(_ answer: String, _ context: ChannelHandlerContext) {
    let written = context.eventLoop.makePromise(of: Void.self)
    written.futureResult.whenComplete { [record] _ in record.finished.add(1, ordering: .releasing) }
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: written)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }
}
