import Bytes
import Cards

/// Reads the line and header fields of one HTTP/1.1 request, strictly.
///
/// It accepts what RFC 9112 lets a client generate, and nothing of what it lets a server tolerate:
/// lines end with CR LF, no field is folded or has white space before its colon, the version is
/// HTTP/1.1, there is one `Host`. Where two readers of a message could disagree on where it ends,
/// this one refuses it, and the connection is closed after the answer.
///
/// It is our own, and not the C parser of NIOHTTP1, since that one accepts requests that must be
/// refused here, hands pipelined requests on before they are wanted, and costs a `String` for each
/// field name and value.
/// - Source: RFC 9112 sections 2 to 6, RFC 9110 sections 5 and 7.2.
enum HeadParser {
  /// What was found at the start of a buffer.
  enum Outcome: Equatable {
    /// More bytes are needed. The next search can begin at `scanned`.
    case incomplete(scanned: Int)
    /// A head, and how many bytes it takes with its empty line.
    case head(RequestHead, byteCount: Int)
    /// The connection can't be read any further.
    case refused(Refusal)
  }

  /// Why a head is refused.
  enum Refusal: Equatable {
    case malformed, tooLarge
  }

  /// Reads the head at the start of `text`.
  ///
  /// - Parameters:
  ///   - scanned: how many bytes an earlier call has reported as scanned in the same buffer.
  ///   - limit: how many bytes a head may have, its empty line included.
  static func parse(_ text: RawSpan, scanned: Int = 0, limit: Int) -> Outcome {
    let end = min(text.byteCount, limit)
    var offset = min(scanned, end)
    while true {
      offset = text.firstControl(in: offset..<end)
      guard offset < end else { break }
      switch text.byte(offset) {
      case 0x0D:
        // Looked at again when the next byte is there.
        guard offset + 1 < end else { return unfinished(offset, text, limit) }
        guard text.byte(offset + 1) == 0x0A else { return .refused(.malformed) }
        if offset >= 2, text.byte(offset - 1) == 0x0A {
          return parseHead(text.extracting(0..<offset))
        }
        // Empty lines before a request have been skipped: see ``emptyLines(_:)``.
        guard offset > 0 else { return .refused(.malformed) }
        offset += 2
      case 0x09: offset += 1
      default: return .refused(.malformed)
      }
    }
    return unfinished(offset, text, limit)
  }

  /// How many bytes of whole empty lines `text` begins with. Some clients end a body with one, and a
  /// server ought to skip it.
  /// - Source: RFC 9112, 2.2.
  static func emptyLines(_ text: RawSpan) -> Int {
    var count = 0
    while count + 1 < text.byteCount, text.byte(count) == 0x0D, text.byte(count + 1) == 0x0A {
      count += 2
    }
    return count
  }

  private static func unfinished(_ offset: Int, _ text: RawSpan, _ limit: Int) -> Outcome {
    text.byteCount >= limit ? .refused(.tooLarge) : .incomplete(scanned: offset)
  }

  /// Reads a whole head: its lines with their ends, without the empty one.
  private static func parseHead(_ text: RawSpan) -> Outcome {
    var lineEnd = endOfLine(from: 0, in: text)
    guard let line = RequestLine(0..<lineEnd, in: text) else { return .refused(.malformed) }
    var fields = HeaderFields()
    while lineEnd + 2 < text.byteCount {
      let start = lineEnd + 2
      lineEnd = endOfLine(from: start, in: text)
      guard fields.read(start..<lineEnd, in: text) else { return .refused(.malformed) }
    }
    guard let host = fields.host, line.isFor(host: host, in: text) else {
      return .refused(.malformed)
    }
    // Two ways to say where the body ends: one of two readers would believe the other one.
    guard !fields.isChunked || fields.bodyLength == nil else { return .refused(.malformed) }
    let head = RequestHead(
      method: line.method, route: Route(path: line.path, in: text),
      bodyLength: fields.bodyLength, isChunked: fields.isChunked, isCoded: fields.isCoded,
      mediaType: fields.mediaType ?? .absent,
      idempotencyKey: fields.idempotencyKey ?? .absent, expectsContinue: fields.expectsContinue,
      closes: fields.closes)
    return .head(head, byteCount: text.byteCount + 2)
  }

  /// Where the line that begins at `start` has its CR.
  private static func endOfLine(from start: Int, in text: RawSpan) -> Int {
    text.firstIndex(of: 0x0D, in: start..<text.byteCount) ?? text.byteCount
  }
}

/// `method SP target SP version`.
private struct RequestLine {
  let method: RequestHead.Method
  /// The target without scheme and authority.
  let path: Range<Int>
  /// The authority of an absolute-form target.
  private var authority: Range<Int>?

  /// nil for a line that is not in the form of RFC 9112, 3, or of another version than HTTP/1.1.
  init?(_ line: Range<Int>, in text: RawSpan) {
    let space = UInt8(ascii: " ")
    guard let methodEnd = text.firstIndex(of: space, in: line),
      let targetEnd = text.firstIndex(of: space, in: methodEnd + 1..<line.upperBound),
      text.matches(targetEnd + 1..<line.upperBound, "HTTP/1.1")
    else { return nil }
    let name = line.lowerBound..<methodEnd
    guard !name.isEmpty, name.allSatisfy({ isTokenCharacter(text.byte($0)) }) else { return nil }
    if text.matches(name, "POST") {
      method = .post
    } else if text.matches(name, "DELETE") {
      method = .delete
    } else if text.matches(name, "HEAD") {
      method = .head
    } else {
      method = .other
    }
    let target = methodEnd + 1..<targetEnd
    guard !target.isEmpty, target.allSatisfy({ (0x21...0x7E).contains(text.byte($0)) }) else {
      return nil
    }
    if text.byte(target.lowerBound) == UInt8(ascii: "/") || text.matches(target, "*") {
      path = target
      return
    }
    // The absolute form, which names the authority a second time.
    let schemeEnd = target.lowerBound + 8
    guard schemeEnd < target.upperBound,
      text.matchesIgnoringCase(target.lowerBound..<schemeEnd, "https://")
    else { return nil }
    let authorityEnd =
      text.firstIndex(of: UInt8(ascii: "/"), in: schemeEnd..<target.upperBound)
      ?? target.upperBound
    authority = schemeEnd..<authorityEnd
    path = authorityEnd..<target.upperBound
  }

  /// Whether the target names no other authority than `Host` does.
  func isFor(host: Range<Int>, in text: RawSpan) -> Bool {
    guard let authority else { return true }
    return text.areEqualIgnoringCase(authority, host)
  }
}

/// A character of a method or of a field's name.
/// - Source: RFC 9110, 5.6.2 (`tchar`).
func isTokenCharacter(_ byte: UInt8) -> Bool {
  if isLetter(byte) || isDigit(byte) { return true }
  switch byte {
  case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"),
    UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"),
    UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "^"), UInt8(ascii: "_"),
    UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
    return true
  default: return false
  }
}
