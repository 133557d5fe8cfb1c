import NIOCore

/// How many bytes of an answer there are, so that a connection is kept only where they end exactly
/// where the answer says that it ends.
///
/// The HTTP parser takes the beginning of a second answer without a word, until its head is complete.
/// So its silence does not say that nothing is left over, and the bytes are counted here. What is not
/// understood here is not kept: that costs a handshake, and never an answer.
struct AnswerExtent: Equatable {
  /// How an answer says where it ends.
  enum Framing: Equatable {
    /// `Content-Length`.
    case length(Int)
    /// `Transfer-Encoding: chunked`.
    case chunked
    /// With the connection, or in a way that is not read.
    case connection
  }

  private static let endOfHead = Array("\r\n\r\n".utf8)
  private static let lastChunk = Array("\r\n0\r\n\r\n".utf8)

  /// The bytes so far, head and body together.
  private(set) var count = 0
  /// The bytes of the head with the empty line after it; nil until that has come.
  private var headCount: Int?
  /// How much of `endOfHead` the last bytes are.
  private var matched = 0
  /// The last bytes, at most as many as `lastChunk` has.
  private var tail: [UInt8] = []

  /// Takes the next bytes.
  mutating func add(_ bytes: ByteBufferView) {
    if headCount == nil { findHead(bytes) }
    count += bytes.count
    tail.append(contentsOf: bytes.suffix(Self.lastChunk.count))
    tail.removeFirst(max(0, tail.count - Self.lastChunk.count))
  }

  private mutating func findHead(_ bytes: ByteBufferView) {
    for (offset, byte) in bytes.enumerated() {
      if byte == Self.endOfHead[matched] {
        matched += 1
      } else {
        matched = byte == Self.endOfHead[0] ? 1 : 0
      }
      if matched == Self.endOfHead.count {
        headCount = count + offset + 1
        return
      }
    }
  }

  /// Whether the bytes end with an answer that is framed so, no byte before its end and none after.
  ///
  /// An interim answer (1xx) before it makes this false. What follows the last chunk and ends like it
  /// has a whole head in it, which the parser refuses, or is no answer's beginning, which it refuses
  /// too.
  func endsExactly(_ framing: Framing) -> Bool {
    switch framing {
    case .length(let length): headCount.map { $0 + length == count } ?? false
    case .chunked: headCount != nil && tail == Self.lastChunk
    case .connection: false
    }
  }
}
