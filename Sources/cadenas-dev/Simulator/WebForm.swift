import Bytes
import Cryptography
import JSON

/// The members of an `application/x-www-form-urlencoded` body; of one that stands twice the first counts.
///
/// - Source: WHATWG URL Standard, 5.1.
struct WebForm {
  private let members: [String: String]

  init(_ body: String) {
    var members: [String: String] = [:]
    for pair in body.split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = Self.decoded(parts[0]), members[name] == nil else { continue }
      members[name] = parts.count == 2 ? Self.decoded(parts[1]) : ""
    }
    self.members = members
  }

  subscript(name: String) -> String? { members[name] }

  /// The text that is meant; nil for what is no UTF-8 or has half an escape.
  private static func decoded(_ text: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
      case UInt8(ascii: "%"):
        guard let high = rest.popFirst().flatMap({ hexadecimal($0) }),
          let low = rest.popFirst().flatMap({ hexadecimal($0) })
        else { return nil }
        bytes.append(high << 4 | low)
      default: bytes.append(byte)
      }
    }
    return String(validating: bytes, as: UTF8.self)
  }

  private static func hexadecimal(_ byte: UInt8) -> UInt8? {
    UInt8(String(Unicode.Scalar(byte)), radix: 16)
  }
}

/// What a browser brings to the access control server, in base 64.
struct ChallengeRequest {
  let transaction: String

  init?(_ text: String) {
    guard let bytes = Base64.decodeAnyAlphabet(text),
      let document = try? JSONDocument(bytes.rawSpan),
      let node = document.member("threeDSServerTransID", of: document.root),
      let transaction = document.string(of: node)
    else { return nil }
    self.transaction = transaction
  }
}
