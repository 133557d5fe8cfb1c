import Bytes

/// The name of a vault or of a custodian, as it stands on paper: 1 to 64 of `A-Z a-z 0-9 . _ -` and
/// single spaces, with a letter or digit at both ends.
package struct CustodyName: Hashable, Sendable {
  /// How many characters a name has at most.
  package static let longest = 64

  /// The name.
  package let text: String

  /// Takes a name; nil for what is none.
  package init?(_ text: some StringProtocol) {
    let bytes = Array(text.utf8)
    guard (1...Self.longest).contains(bytes.count), let first = bytes.first, let last = bytes.last,
      isLetterOrDigit(first), isLetterOrDigit(last)
    else { return nil }
    var previous: UInt8 = 0
    for byte in bytes {
      let isSpace = byte == UInt8(ascii: " ")
      guard isLetterOrDigit(byte) || "._-".utf8.contains(byte) || isSpace,
        !(isSpace && previous == byte)
      else { return nil }
      previous = byte
    }
    self.text = String(text)
  }

  /// Takes a name in ASCII; nil for what is none.
  init?(_ bytes: RawSpan) {
    self.init(String(decoding: bytes.array, as: UTF8.self))
  }
}

extension [UInt8] {
  /// Appends `length(1) ‖ name`.
  mutating func append(_ name: CustodyName) {
    append(UInt8(name.text.utf8.count))
    append(contentsOf: name.text.utf8)
  }
}
