import NIOCore
import SecretMemory

/// Overwrites the readable bytes of `buffer` where they are, also when its storage is shared.
///
/// A body lies in a buffer that the TLS handler reuses for as long as the connection is open, so
/// writing to a copy would leave the card number in the original. Writing behind the back of the
/// other reference is sound here: all of them belong to this connection and so to this event loop's
/// thread; the TLS handler has already moved its own indices to zero and regards the bytes as free;
/// and the storage of a `ByteBuffer` is plain allocated memory.
func wipeInPlace(_ buffer: ByteBuffer) {
  unsafe buffer.withUnsafeReadableBytes { bytes in
    unsafe wipe(UnsafeMutableRawBufferPointer(mutating: bytes))
  }
}

/// Bytes of requests that have arrived and can't be handled yet.
///
/// A buffer that is outgrown is wiped, not only freed.
struct PendingBytes {
  private var buffer = ByteBuffer()

  var isEmpty: Bool { count == 0 }

  /// How many there are.
  var count: Int { buffer.readableBytes }

  /// Takes all of them, to be handled.
  mutating func take() -> ByteBuffer {
    defer { buffer = ByteBuffer() }
    return buffer
  }

  /// Puts what ``take()`` returned back, after wiping what has been read of it since.
  mutating func putBack(_ rest: ByteBuffer) {
    if let read = rest.getSlice(at: 0, length: rest.readerIndex) { wipeInPlace(read) }
    buffer = rest.readableBytes > 0 ? rest : ByteBuffer()
  }

  /// Appends a copy of `bytes`.
  ///
  /// - Parameter expected: how many bytes are going to be kept together, so that a body of known
  ///   length is collected without moving.
  mutating func append(_ bytes: ByteBuffer, expected: Int) {
    if buffer.writableBytes < bytes.readableBytes {
      let needed = buffer.readableBytes + bytes.readableBytes
      var larger = ByteBufferAllocator().buffer(
        capacity: max(expected, needed, min(2 * needed, 16_384)))
      larger.writeImmutableBuffer(buffer)
      wipeInPlace(buffer)
      buffer = larger
    }
    buffer.writeImmutableBuffer(bytes)
  }

  /// Wipes and drops all of them.
  mutating func removeAll() {
    wipeInPlace(buffer)
    buffer = ByteBuffer()
  }
}
