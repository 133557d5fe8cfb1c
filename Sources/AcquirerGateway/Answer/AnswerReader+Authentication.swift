import Bytes
import Cryptography
import JSON
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
      values[member] = screen.pass(value, mayBeSecurityCode: true)
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
        member != .creq || isHarmless(text, &screen)
      else { continue }
      values[member] = screen.pass(text, mayBeSecurityCode: true)
    }
    return Challenge(values)
  }

  /// Whether a challenge request says nothing of the card in its base 64 either.
  private func isHarmless(_ request: String, _ screen: inout MemberScreen) -> Bool {
    decodedText(request).map { !screen.holdsPiece($0) } ?? false
  }

  private func node(
    _ pointers: [JSONPointer], _ document: JSONDocument
  ) -> JSONDocument.Node? {
    for pointer in pointers {
      if let node = pointer.find(in: document) { return node }
    }
    return nil
  }
}

/// What a text in base 64 of either alphabet says, with padding or without; nil for what is none.
private func decodedText(_ text: String) -> String? {
  let digits = text.replacing("-", with: "+").replacing("_", with: "/").prefix { $0 != "=" }
  let padding = String(repeating: "=", count: (4 - digits.utf8.count % 4) % 4)
  return Base64.decode((digits + padding).utf8).map { String(decoding: $0, as: UTF8.self) }
}
