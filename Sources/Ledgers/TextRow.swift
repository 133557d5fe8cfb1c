import Bytes

/// A row of `meta` that is made of texts: `count(1) ‖ {length(2, big-endian) ‖ UTF-8}…`.
package enum TextRow {
  /// The row of these texts, each of which has less than 65,536 bytes; less than 256 of them.
  package static func encode(_ texts: [String]) -> [UInt8] {
    var row = [UInt8(truncatingIfNeeded: texts.count)]
    for text in texts {
      row += UInt16(truncatingIfNeeded: text.utf8.count).bigEndianBytes + text.utf8
    }
    return row
  }

  /// The texts of a row.
  ///
  /// - Throws: ``LedgerError/malformedRow``.
  package static func decode(_ row: [UInt8]) throws(LedgerError) -> [String] {
    var rest = RowReader(row.rawSpan)
    guard let count = rest.number(UInt8.self) else { throw .malformedRow }
    var texts: [String] = []
    for _ in 0..<count {
      guard let text = rest.text() else { throw .malformedRow }
      texts.append(text)
    }
    guard rest.isAtEnd else { throw .malformedRow }
    return texts
  }

  /// Numbers as one text.
  package static func text(_ numbers: [UInt64]) -> String {
    numbers.map(String.init).joined(separator: ",")
  }

  /// The numbers of a text; nil where it is none of ``text(_:)``.
  package static func numbers(_ text: String) -> [UInt64]? {
    var numbers: [UInt64] = []
    for part in text.split(separator: ",") {
      guard let number = UInt64(part) else { return nil }
      numbers.append(number)
    }
    return numbers
  }
}
