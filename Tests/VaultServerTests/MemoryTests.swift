import NIOCore
import NIOPosix
import NIOSSL
import SecretMemory
import Synchronization
import TestNetwork
import Testing

@testable import VaultServer

@Suite("Memory after requests", .timeLimit(.minutes(30)))
struct MemoryTests {
  @Test func `a scan finds a number that is there`() throws {
    let number = MaskedNumber()
    #expect(try number.findInMemory() == [])
    let ascii = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 1)
    defer { unsafe ascii.deallocate() }
    for index in 0..<number.count { unsafe ascii[index] = number.digit(index) }
    #expect(try number.findInMemory().count == 1)
    unsafe wipe(ascii)
    #expect(try number.findInMemory() == [])
    for index in 0..<number.count {
      unsafe ascii[2 * index] = number.digit(index)
      unsafe ascii[2 * index + 1] = 0
    }
    #expect(try !number.findInMemory().isEmpty)
    unsafe wipe(ascii)
  }

  @Test func `no number is left of requests on a connection that stays open`() async throws {
    try await withServer { server in
      let number = MaskedNumber()
      let client = try await WipingClient(server)
      for framing in WipingClient.Framing.allCases {
        for body in WipingClient.bodies {
          try await client.send(body, number, framing: framing)
        }
      }
      let found = try number.findInMemory()
      #expect(found == [])
      await client.end()
    }
  }

  @Test func `no number is left of the answers to pulls`() async throws {
    try await withServer { server in
      let number = MaskedNumber()
      server.service.number = number
      let client = try await WipingClient(server, as: "acquirer")
      for _ in 0..<10 { try await client.pull() }
      #expect(server.service.calls.count == 10)
      let found = try number.findInMemory()
      #expect(found == [])
      await client.end()
    }
  }
}

/// A client that keeps no byte of what it sends and receives.
private final class WipingClient: Sendable {
  /// How a request is cut into writes.
  enum Framing: CaseIterable {
    case whole, headAndBody, byteByByte, twoAtOnce
    /// One chunk in one write, chunks of three bytes in one write, and longer ones byte by byte.
    case oneChunk, smallChunks, chunksByteByByte

    /// How many bytes a chunk has; nil where there are none.
    var chunk: Int? {
      switch self {
      case .whole, .headAndBody, .byteByByte, .twoAtOnce: nil
      case .oneChunk: .max
      case .smallChunks: 3
      case .chunksByteByByte: 8
      }
    }
  }

  /// Bodies around a number; `#` stands for it.
  static let bodies = [
    ##"{"number":"#","exp_month":12,"exp_year":2035}"##,
    ##"{"number":"#","exp_month":12,"exp_year":2035,"cvc":"123"}"##,
    ##"{"number":"#","exp_month":12,"exp_year":2035,"customer":"#"}"##,
    ##"{"number":"#x","exp_month":12}"##,
    ##"{"numbers":"#"}"##,
    ##"{"number":#}"##,
    ##"["#"]"##,
    ##"#"##,
  ]

  private let channel: any Channel
  private let answers: AnswerCounter

  init(_ server: TestServer, as name: String = "shop") async throws {
    let answers = AnswerCounter()
    self.answers = answers
    let tls = try RawClient.tls(name, pki: server.pki)
    channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let pipeline = channel.pipeline.syncOperations
          try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: "localhost"))
          try pipeline.addHandler(WipingHandler(answers))
        }
      }
      .connect(host: "127.0.0.1", port: server.server.port).get()
  }

  func send(_ body: String, _ number: MaskedNumber, framing: Framing) async throws {
    let length = body.utf8.reduce(0) { $0 + ($1 == UInt8(ascii: "#") ? number.count : 1) }
    let head =
      "POST /v1/tokens HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      + (framing.chunk == nil
        ? "Content-Length: \(length)\r\n\r\n" : "Transfer-Encoding: chunked\r\n\r\n")
    var request = ByteBufferAllocator().buffer(capacity: 4096)
    let requests = framing == .twoAtOnce ? 2 : 1
    for _ in 0..<requests {
      request.writeString(head)
      if let chunk = framing.chunk {
        Self.write(body, number, chunksOf: chunk, length, to: &request)
      } else {
        Self.write(body, number, to: &request)
      }
    }
    switch framing {
    case .whole, .twoAtOnce, .oneChunk, .smallChunks:
      try await channel.writeAndFlush(request)
    case .headAndBody:
      try await write(request, cuttingAt: [head.utf8.count, head.utf8.count + length / 2])
    case .byteByByte:
      try await write(request, cuttingAt: Array(1..<request.readableBytes))
    case .chunksByteByByte:
      try await write(request, cuttingAt: Array(head.utf8.count..<request.readableBytes))
    }
    wipeInPlace(request)
    for _ in 0..<requests { await answers.next() }
  }

  func pull() async throws {
    let request =
      "POST /v1/tokens/\(testToken)/detokenize HTTP/1.1\r\nHost: localhost\r\n"
      + "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    try await channel.writeAndFlush(ByteBuffer(string: request))
    await answers.next()
  }

  func end() async { try? await channel.close() }

  private static func write(
    _ body: String, _ number: MaskedNumber, chunksOf size: Int, _ length: Int,
    to buffer: inout ByteBuffer
  ) {
    var whole = ByteBufferAllocator().buffer(capacity: length)
    write(body, number, to: &whole)
    var rest = whole
    while let piece = rest.readSlice(length: min(size, rest.readableBytes)),
      piece.readableBytes > 0
    {
      buffer.writeString("\(String(piece.readableBytes, radix: 16))\r\n")
      buffer.writeImmutableBuffer(piece)
      buffer.writeString("\r\n")
    }
    buffer.writeString("0\r\n\r\n")
    wipeInPlace(whole)
  }

  private static func write(
    _ body: String, _ number: MaskedNumber, to buffer: inout ByteBuffer
  ) {
    for byte in body.utf8 {
      if byte == UInt8(ascii: "#") {
        for index in 0..<number.count { buffer.writeInteger(number.digit(index)) }
      } else {
        buffer.writeInteger(byte)
      }
    }
  }

  private func write(_ request: ByteBuffer, cuttingAt cuts: [Int]) async throws {
    var rest = request
    var start = 0
    for cut in cuts + [request.readableBytes] {
      if let part = rest.readSlice(length: cut - start) { try await channel.writeAndFlush(part) }
      start = cut
    }
  }
}

/// Counts answers by their status lines, and wipes what it has read.
private final class WipingHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let answers: AnswerCounter

  init(_ answers: AnswerCounter) { self.answers = answers }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let buffer = unwrapInboundIn(data)
    let mark = Array("HTTP/1.1 ".utf8)
    let count = unsafe buffer.withUnsafeReadableBytes { bytes in
      guard bytes.count >= mark.count else { return 0 }
      return (0...bytes.count - mark.count).count { start in
        mark.indices.allSatisfy { unsafe bytes[start + $0] == mark[$0] }
      }
    }
    wipeInPlace(buffer)
    for _ in 0..<count { answers.add() }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }
}

/// Lets a test wait for one answer after the other.
private final class AnswerCounter: Sendable {
  private struct State {
    var count = 0
    var waiter: CheckedContinuation<Void, Never>?
  }

  private let state = Mutex(State())

  func add() {
    let waiter = state.withLock { state in
      if state.waiter == nil { state.count += 1 }
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume()
  }

  func next() async {
    await withCheckedContinuation { continuation in
      let isThere = state.withLock { state in
        guard state.count > 0 else {
          state.waiter = continuation
          return false
        }
        state.count -= 1
        return true
      }
      if isThere { continuation.resume() }
    }
  }
}
