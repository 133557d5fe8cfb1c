import NIOCore

/// Finds the end of each HTTP answer, its status and the token in it, and reads nothing else.
///
/// It knows what the vault sends: a status line, a `Content-Length` where there is a body, no
/// chunks. That costs a tenth of an HTTP parser, so that the client needs less than the server.
struct AnswerScanner {
  /// What matters of an answer.
  struct Answer: Equatable {
    let status: Int
    /// Whether the server will close the connection.
    let closes: Bool
    /// Where the token of a token view stands, in bytes from the answer's start.
    let token: Range<Int>?
    /// The answer's length in bytes, headers and body.
    let length: Int
  }

  /// Scans an answer that starts where `buffer` does; nil while it is not complete.
  static func scan(_ buffer: RawSpan) -> Answer? {
    guard let end = find("\r\n\r\n", in: buffer, from: 0) else { return nil }
    var length = end + 4
    if let field = find("\r\ncontent-length:", in: buffer, from: 0), field < end {
      length += number(in: buffer, from: field + 17)
    }
    guard buffer.byteCount >= length else { return nil }
    var token: Range<Int>?
    if let start = find("\"token\":\"", in: buffer, from: end), start + 39 <= length {
      token = start + 9..<start + 39
    }
    let closes = find("\r\nconnection: close", in: buffer, from: 0).map { $0 < end } ?? false
    return Answer(
      status: number(in: buffer, from: 9), closes: closes, token: token, length: length)
  }

  /// Where `text` starts, which is written in lower case and matched in any.
  private static func find(_ text: StaticString, in buffer: RawSpan, from start: Int) -> Int? {
    text.withUTF8Buffer { pattern in
      guard buffer.byteCount - start >= pattern.count else { return nil }
      return unsafe buffer.withUnsafeBytes { bytes in
        let first = unsafe pattern[0]
        for index in start...(bytes.count - pattern.count) where unsafe bytes[index] == first {
          var offset = 1
          while offset < pattern.count {
            var byte = unsafe bytes[index + offset]
            if (0x41...0x5a).contains(byte) { byte |= 0x20 }
            guard byte == (unsafe pattern[offset]) else { break }
            offset += 1
          }
          if offset == pattern.count { return index }
        }
        return nil
      }
    }
  }

  /// The digits from `start` on, after spaces.
  private static func number(in buffer: RawSpan, from start: Int) -> Int {
    unsafe buffer.withUnsafeBytes { bytes in
      var value = 0
      for index in start..<bytes.count {
        let byte = unsafe bytes[index]
        if byte == 0x20 && value == 0 { continue }
        guard (0x30...0x39).contains(byte), value < 1 << 30 else { break }
        value = value * 10 + Int(byte - 0x30)
      }
      return value
    }
  }
}
