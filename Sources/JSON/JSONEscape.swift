import Bytes

/// Which control characters a string escapes, and how; `"` and `\` are escaped always.
package enum JSONControls: Sendable {
  /// C0: `\n`, `\r` and `\t` by these names, the others as `\u00xx`.
  case named
  /// C0 as `\u00xx`.
  case c0
  /// C0, DEL and C1 as `\u00xx`: what a terminal could act on.
  case c0c1
}

extension [UInt8] {
  /// Appends the content of a JSON string; whatever is not escaped stands as it is.
  ///
  /// - Parameter text: valid UTF-8, which ends with a whole character.
  package mutating func append(escaping text: Span<UInt8>, _ controls: JSONControls) {
    // Nearly every value is plain ASCII, and is copied in one piece.
    var plain = 0
    while plain < text.count, isPlain(text[plain]) { plain += 1 }
    append(contentsOf: text.extracting(0..<plain).rawSpan)
    for index in plain..<text.count {
      let byte = text[index]
      switch byte {
      case Character8.quote, Character8.backslash:
        append(Character8.backslash)
        append(byte)
      case 0x0A where controls == .named: append(contentsOf: "\\n".utf8)
      case 0x0D where controls == .named: append(contentsOf: "\\r".utf8)
      case 0x09 where controls == .named: append(contentsOf: "\\t".utf8)
      case 0..<0x20: append(controlCharacter: byte)
      case 0x7F where controls == .c0c1: append(controlCharacter: byte)
      case 0xC2 where controls == .c0c1 && text[index + 1] < 0xA0:
        continue  // The lead byte of a C1 control character: the next turn writes it.
      case 0x80..<0xA0 where controls == .c0c1 && text[index - 1] == 0xC2:
        append(controlCharacter: byte)
      default: append(byte)
      }
    }
  }

  private mutating func append(controlCharacter: UInt8) {
    append(contentsOf: "\\u00".utf8)
    append(lowerHexadecimalDigit(controlCharacter >> 4))
    append(lowerHexadecimalDigit(controlCharacter & 0x0F))
  }
}

/// Whether a byte stands for itself under every rule, whatever is beside it.
private func isPlain(_ byte: UInt8) -> Bool {
  byte >= 0x20 && byte < 0x7F && byte != Character8.quote && byte != Character8.backslash
}
