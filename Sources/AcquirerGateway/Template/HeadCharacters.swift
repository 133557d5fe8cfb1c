import Bytes

/// Which characters may stand in the head of a message.
///
/// The head is a sequence of lines, so nothing that ends a line or a word gets in: neither from the
/// template nor from a constant of a merchant.
enum HeadCharacters {
  /// Header names that the gateway writes itself, or that would change how the message is framed.
  static let reservedHeaders: Set<String> = [
    "authorization", "connection", "content-encoding", "content-length", "expect", "host",
    "keep-alive", "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade",
  ]

  /// Whether `text` is a header's value: visible ASCII, with spaces inside only (RFC 9110, 5.5).
  static func isHeaderValue(_ text: String) -> Bool {
    let bytes = text.utf8
    guard let first = bytes.first, let last = bytes.last, first != 0x20, last != 0x20 else {
      return false
    }
    return bytes.count <= 1_024 && bytes.allSatisfy { (0x20...0x7E).contains($0) }
  }

  /// Whether `text` is a header's name (RFC 9110, 5.6.2).
  static func isHeaderName(_ text: String) -> Bool {
    let bytes = text.utf8
    return (1...64).contains(bytes.count)
      && bytes.allSatisfy { isLetterOrDigit($0) || "!#$%&'*+-.^_`|~".utf8.contains($0) }
  }

  /// Whether `text` is one segment of a path that means itself: unreserved characters (RFC 3986,
  /// 2.3), and neither `.` nor `..`.
  static func isPathSegment(_ text: String) -> Bool {
    let bytes = text.utf8
    return (1...128).contains(bytes.count) && text != "." && text != ".."
      && bytes.allSatisfy { isLetterOrDigit($0) || "-._~".utf8.contains($0) }
  }

  /// Whether `text` is a path: segments, each after a slash.
  static func isPath(_ text: String) -> Bool {
    guard text.hasPrefix("/"), text.utf8.count <= 1_024 else { return false }
    return text.dropFirst().split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
      isPathSegment(String($0))
    }
  }
}
