import Bytes
import Logging
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import Administration

@Suite("What is received on the administration socket")
struct WipingTests {
  private static let secret = "what somebody typed without echo"

  private func context() throws -> AdminContext {
    AdminContext(
      operations: try TestService().operations(), access: AccessList(operators: [], auditors: []),
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  private func isZero(_ buffer: ByteBuffer) -> Bool {
    buffer.getBytes(at: 0, length: buffer.writerIndex)?.allSatisfy { $0 == 0 } == true
  }

  @Test(
    "is wiped in the buffer that it came in, wherever the request is cut",
    arguments: [[], [10], [70], [10, 20, 30], [99, 103], [98, 104, 110]])
  func receivedBuffers(cuts: [Int]) throws {
    let context = try context()
    defer { context.stop() }
    let channel = EmbeddedChannel()
    try AdminServer.addHandlers(to: channel.pipeline.syncOperations, context)
    let request = Array(
      ("POST /v1/ceremony HTTP/1.1\r\nHost: cadenas\r\nX-Some: a field of a certain length\r\n"
        + "Content-Length: \(Self.secret.utf8.count)\r\n\r\n" + Self.secret).utf8)
    var start = 0
    for end in cuts + [request.count] {
      let received = ByteBuffer(bytes: request[start..<end])
      try channel.writeInbound(received)
      #expect(isZero(received), "bytes \(start) to \(end)")
      start = end
    }
    _ = try channel.finish(acceptAlreadyClosed: true)
  }

  @Test("is wiped where the decoder has it, whether it is taken or refused")
  func decodedBodies() throws {
    let context = try context()
    defer { context.stop() }
    let channel = EmbeddedChannel(handler: AdminHandler(context))
    let tooLong = ByteBuffer(repeating: 1, count: AdminServer.Limits.bodyBytes + 1)
    for body in [ByteBuffer(string: Self.secret), tooLong, ByteBuffer(string: Self.secret)] {
      var decoded = ByteBuffer(string: "head")
      decoded.writeImmutableBuffer(body)
      let slice = try #require(decoded.getSlice(at: 4, length: body.readableBytes))
      try channel.writeInbound(HTTPServerRequestPart.body(slice))
      #expect(isZero(slice))
      #expect(decoded.getString(at: 0, length: 4) == "head", "what stands before it was wiped")
    }
    _ = try channel.finish(acceptAlreadyClosed: true)
  }

  @Test("arrives whole in secret memory")
  func collected() throws {
    let context = try context()
    defer { context.stop() }
    var collector = BodyCollector()
    for part in [Self.secret.prefix(9), Self.secret.dropFirst(9)] {
      let isTaken = unsafe ByteBuffer(substring: part).withUnsafeReadableBytes {
        unsafe collector.append($0)
      }
      #expect(isTaken)
    }
    let body = try #require(collector.body())
    let text = body.withBytes { bytes in
      bytes.text
    }
    #expect(text == Self.secret)
  }
}
