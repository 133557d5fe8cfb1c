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
}
