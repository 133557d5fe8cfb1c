import Bytes
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
    /// Where the body stands, in bytes from the answer's start.
    let body: Range<Int>

    /// The answer's length in bytes, headers and body.
    var length: Int { body.upperBound }

    /// Whether the body holds `text`, which is written in lower case, and right after it `rest`.
    func holds(_ text: StaticString, _ rest: ArraySlice<UInt8> = [], in buffer: RawSpan) -> Bool {
      guard let start = find(text, in: buffer, from: body.lowerBound) else { return false }
      let end = start + text.utf8CodeUnitCount + rest.count
      guard end <= body.upperBound else { return false }
      return buffer.extracting(end - rest.count..<end).isEqual(to: rest)
    }
  }

  /// Scans an answer that starts where `buffer` does; nil while it is not complete.
  static func scan(_ buffer: RawSpan) -> Answer? {
    guard let end = find("\r\n\r\n", in: buffer, from: 0) else { return nil }
    let start = end + 4
    var length = start
    if let field = find("\r\ncontent-length:", in: buffer, from: 0), field < end {
      length += number(in: buffer, from: field + 17)
    }
    guard buffer.byteCount >= length else { return nil }
    var token: Range<Int>?
    if let member = find("\"token\":\"", in: buffer, from: end),
      member + 9 + BenchCards.tokenLength <= length
    {
      token = member + 9..<member + 9 + BenchCards.tokenLength
    }
    let closes = find("\r\nconnection: close", in: buffer, from: 0).map { $0 < end } ?? false
    return Answer(
      status: number(in: buffer, from: 9), closes: closes, token: token, body: start..<length)
  }

  /// The digits from `start` on, after spaces.
  private static func number(in buffer: RawSpan, from start: Int) -> Int {
    var value = 0
    for offset in start..<buffer.byteCount {
      let byte = buffer.byte(offset)
      if byte == 0x20 && value == 0 { continue }
      guard isDigit(byte), value < 1 << 30 else { break }
      value = value * 10 + Int(byte - 0x30)
    }
    return value
  }
}

/// Where `text` starts, which is written in lower case and matched in any.
private func find(_ text: StaticString, in buffer: RawSpan, from start: Int) -> Int? {
  let length = text.utf8CodeUnitCount
  guard buffer.byteCount - start >= length else { return nil }
  let first = unsafe text.utf8Start[0]
  let end = buffer.byteCount - length + 1
  var offset = start
  while let found = buffer.firstIndex(of: first, in: offset..<end) {
    if buffer.matchesIgnoringCase(found..<found + length, text) { return found }
    offset = found + 1
  }
  return nil
}
