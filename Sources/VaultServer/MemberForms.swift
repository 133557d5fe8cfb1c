import Bytes
import Tokenization

/// The forms that members of a push have, as checks of their bytes.
extension RawSpan {
  /// A scheme's transaction id: 1 to 36 of letters, digits and spaces, of which none stands first or last.
  /// Schemes send spaces inside, and want them back.
  var isNetworkTransactionIdentifier: Bool {
    (1...36).contains(byteCount) && isLetterOrDigit(byte(0)) && isLetterOrDigit(byte(byteCount - 1))
      && allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: " ") }
  }

  /// Mastercard's Transaction Link Identifier: 1 to 36 of base 64, either alphabet.
  var isTransactionLinkIdentifier: Bool {
    (1...36).contains(byteCount)
      && allSatisfy { isLetterOrDigit($0) || "+/=_-".utf8.contains($0) }
  }

  /// The name of an input: 1 to 32 of `a-z 0-9 _`, without eight digits in a row, which nobody's names
  /// have and card numbers do. Only such a name is told back.
  var isInputName: Bool {
    var digits = 0
    return (1...32).contains(byteCount)
      && allSatisfy { byte in
        digits = isDigit(byte) ? digits + 1 : 0
        return digits < 8
          && (isDigit(byte) || byte == UInt8(ascii: "_")
            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte))
      }
  }
}
