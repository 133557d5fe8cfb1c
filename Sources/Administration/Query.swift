internal import VaultManagement

/// The query of a request's target: names and values, each name once.
package struct Query {
  /// A name and its value; nil where it is left out.
  package typealias Field = (String, String?)

  static let malformed = AdministrationError.malformedRequest(
    "the query of the request has no valid form")

  private var values: [Substring: String] = [:]

  /// Reads what ``text(_:)`` has written.
  ///
  /// - Throws: ``AdministrationError/malformedRequest(_:)`` for any other name and for a name that
  ///   comes twice.
  init(_ text: Substring, knowing names: [String]) throws(AdministrationError) {
    for pair in text.split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, names.contains(where: { $0 == parts[0] }), values[parts[0]] == nil,
        let value = PercentEncoding.decode(parts[1])
      else { throw Self.malformed }
      values[parts[0]] = value
    }
  }

  subscript(name: String) -> String? { values[name[...]] }

  /// The query that says `fields`, with its question mark; those without a value are left out.
  static func text(_ fields: [Field]) -> String {
    let text = fields.compactMap { name, value in
      value.map { "\(name)=\(PercentEncoding.encode($0))" }
    }
    return text.isEmpty ? "" : "?" + text.joined(separator: "&")
  }
}

extension Query {
  /// The ticket and the reason; ``KeyReason/none`` where neither is in it.
  func reason() throws(AdministrationError) -> KeyReason {
    guard let reason = KeyReason(ticket: self["ticket"] ?? "", text: self["reason"] ?? "") else {
      throw .malformedRequest(KeyReason.rules)
    }
    return reason
  }

  /// The number under `name`; nil where it is left out.
  func number<Number: FixedWidthInteger>(_ name: String) throws(AdministrationError) -> Number? {
    guard let text = self[name] else { return nil }
    guard let number = Number(text) else { throw Self.malformed }
    return number
  }

  /// The number under `name`, which has to be there.
  func required<Number: FixedWidthInteger>(_ name: String) throws(AdministrationError) -> Number {
    guard let number: Number = try number(name) else { throw Self.malformed }
    return number
  }
}

extension KeyReason {
  /// The names of ``fields``.
  static let fieldNames = ["ticket", "reason"]

  /// The fields that ``Query/reason()`` reads.
  var fields: [Query.Field] {
    [("ticket", ticket.isEmpty ? nil : ticket), ("reason", text.isEmpty ? nil : text)]
  }
}

/// Percent-encoding of the values of a query.
/// - Source: RFC 3986, section 2.
enum PercentEncoding {
  /// Encodes every byte but letters, digits, `-`, `.`, `_` and `~`.
  static func encode(_ text: String) -> String {
    var encoded: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: "_"), UInt8(ascii: "~"):
        encoded.append(byte)
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        encoded.append(contentsOf: "%\(digits.count == 1 ? "0" : "")\(digits)".utf8)
      }
    }
    return String(decoding: encoded, as: UTF8.self)
  }

  /// The text that was encoded; nil where it is not valid.
  static func decode(_ text: Substring) -> String? {
    var decoded: [UInt8] = []
    var bytes = text.utf8.makeIterator()
    while let byte = bytes.next() {
      guard byte == UInt8(ascii: "%") else {
        decoded.append(byte)
        continue
      }
      guard let high = bytes.next().flatMap(digit), let low = bytes.next().flatMap(digit) else {
        return nil
      }
      decoded.append(high << 4 | low)
    }
    return String(validating: decoded, as: UTF8.self)
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    Character(UnicodeScalar(byte)).hexDigitValue.map(UInt8.init)
  }
}
