import Bytes

/// The name of a card scheme, such as `visa`: 1 to 15 of `a-z 0-9 _`.
package struct Brand: Hashable, Comparable, Sendable {
  /// How many characters a name has at most; record format v1 has room for as many.
  package static let longestName = 15

  /// The name, as it stands on the wire, in configuration and in records.
  package let name: String

  /// - Returns: nil for a name of another form.
  package init?(_ name: String) {
    let bytes = name.utf8
    guard (1...Brand.longestName).contains(bytes.count), bytes.allSatisfy(Brand.isAllowed) else {
      return nil
    }
    self.name = name
  }

  /// - Returns: nil for bytes that are not a name.
  package init?(_ bytes: RawSpan) {
    guard (1...Brand.longestName).contains(bytes.byteCount) else { return nil }
    var name = ""
    for offset in bytes.byteOffsets {
      guard Brand.isAllowed(bytes.byte(offset)) else { return nil }
      name.unicodeScalars.append(Unicode.Scalar(bytes.byte(offset)))
    }
    self.name = name
  }

  private init(known name: String) { self.name = name }

  /// Cartes Bancaires, the French scheme.
  package static let cb = Brand(known: "cb")
  /// Visa.
  package static let visa = Brand(known: "visa")
  /// Visa Electron.
  package static let visaElectron = Brand(known: "visa_electron")
  /// Mastercard.
  package static let mastercard = Brand(known: "mastercard")
  /// Maestro.
  package static let maestro = Brand(known: "maestro")
  /// American Express.
  package static let amex = Brand(known: "amex")

  /// Orders by name.
  package static func < (left: Brand, right: Brand) -> Bool { left.name < right.name }

  private static func isAllowed(_ byte: UInt8) -> Bool {
    isDigit(byte) || byte == UInt8(ascii: "_")
      || (byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z"))
  }
}
