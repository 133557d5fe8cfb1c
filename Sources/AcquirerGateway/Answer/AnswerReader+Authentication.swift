import Bytes
import Cryptography
import JSON
import SecretMemory
import Tokenization

/// What an answer of a 3-D Secure server has for shop and page.
extension AnswerReader {
  /// The values to hand on, each in its form; nil without version and status, or where the status says
  /// that nobody was authenticated.
  func threeDSecure(
    _ document: JSONDocument, _ screen: inout MemberScreen
  ) -> ThreeDSecure? {
    var values: [ThreeDSecure.Member: String] = [:]
    for member in ThreeDSecure.Member.allCases {
      guard let field = rules.threeDSecure[member],
        let node = node(field.pointers, document), let text = scalar(node, document),
        let value = field.map.map({ $0[text] }) ?? text,
        member.accepts(value.utf8Span.span.rawSpan)
      else { continue }
      values[member] = screen.pass(value, mayBeSecurityCode: false)
    }
    return ThreeDSecure(values)
  }

  /// What a challenge takes; nil unless all of it is there.
  func challenge(_ document: JSONDocument, _ screen: inout MemberScreen) -> Challenge? {
    var values: [Challenge.Member: String] = [:]
    for member in Challenge.Member.allCases {
      guard let pointers = rules.challenge[member], let node = node(pointers, document),
        // An escape takes at most six bytes for one.
        node.content.count <= Challenge.Member.longest * 6,
        let text = document.string(of: node), member.accepts(text.utf8Span.span.rawSpan),
        isHarmless(text, member, &screen)
      else { continue }
      values[member] = screen.pass(text, mayBeSecurityCode: false)
    }
    return Challenge(values)
  }

  /// Whether a value says nothing of the card once it is decoded either: it goes through the shop.
  private func isHarmless(
    _ text: String, _ member: Challenge.Member, _ screen: inout MemberScreen
  ) -> Bool {
    var bytes: [UInt8]
    switch member {
    case .acsURL: bytes = percentDecoded(text)
    case .creq:
      guard let decoded = Base64.decodeAnyAlphabet(text) else { return false }
      bytes = decoded
    case .threeDSServerTransactionIdentifier: return true
    }
    defer { unsafe bytes.withUnsafeMutableBytes { unsafe wipe($0) } }
    // What stands in a challenge request has letters, digits and signs of ASCII, without escapes: digits of
    // another script would be read as nothing else.
    if member == .creq, bytes.contains(where: { $0 >= 0x80 || $0 == UInt8(ascii: "\\") }) {
      return false
    }
    if screen.holdsPiece(bytes.rawSpan) { return false }
    guard let document = try? JSONDocument(bytes.rawSpan) else { return true }
    return !screen.holdsNumber(document)
  }

  /// The first place with a value.
  func node(
    _ pointers: [JSONPointer], _ document: JSONDocument
  ) -> JSONDocument.Node? {
    for pointer in pointers {
      if let node = pointer.find(in: document) { return node }
    }
    return nil
  }
}

/// The bytes of an address in which each `%` and two hexadecimal digits are one byte.
private func percentDecoded(_ text: String) -> [UInt8] {
  var bytes: [UInt8] = []
  var rest = Array(text.utf8)[...]
  while let byte = rest.popFirst() {
    if byte == UInt8(ascii: "%"), rest.count >= 2,
      let high = hexadecimalValue(rest[rest.startIndex]),
      let low = hexadecimalValue(rest[rest.startIndex + 1])
    {
      bytes.append(high << 4 | low)
      rest = rest.dropFirst(2)
    } else {
      bytes.append(byte)
    }
  }
  return bytes
}
