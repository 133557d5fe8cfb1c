import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import AcquirerGateway

/// An answer that comes in pieces of one byte, each a slice of the buffer that TLS reads into.
@Suite struct SmallRecordTests {
  @Test func `TLS's buffer is kept by nobody and holds nothing of the answer`() throws {
    let handler = MessageHandler(answerBytes: 65_536)
    let channel = EmbeddedChannel(handler: handler)
    handler.prepare(ByteBuffer())
    var storage = ByteBufferAllocator().buffer(capacity: 32_768)
    let capacity = storage.capacity
    for byte in 0..<10_000 {
      storage.clear()
      storage.writeInteger(UInt8(truncatingIfNeeded: byte | 1))
      // What TLS hands on is a slice, and it writes into the same storage again.
      let slice = try #require(storage.getSlice(at: 0, length: 1))
      try channel.writeInbound(slice)
      let bytes = try #require(try channel.readInbound(as: ByteBuffer.self))
      #expect(bytes.getInteger(at: 0, as: UInt8.self) == UInt8(truncatingIfNeeded: byte | 1))
      #expect(bytes.storageCapacity < 1_024, "only what came is kept")
      #expect(storage.getInteger(at: 0, as: UInt8.self) == 0, "it is wiped where it was read")
    }
    #expect(storage.capacity == capacity)
    #expect(handler.extent.count == 10_000)
  }
}
