/// Writes HTML of which every text is escaped.
struct HTMLWriter {
  private(set) var bytes: [UInt8] = []

  /// Markup of the program's own.
  mutating func markup(_ text: StaticString) {
    let text = unsafe UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    unsafe bytes.append(contentsOf: text)
  }

  /// Text, whoever it is from.
  mutating func text(_ text: String) {
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "&"): bytes.append(contentsOf: "&amp;".utf8)
      case UInt8(ascii: "<"): bytes.append(contentsOf: "&lt;".utf8)
      case UInt8(ascii: ">"): bytes.append(contentsOf: "&gt;".utf8)
      case UInt8(ascii: "\""): bytes.append(contentsOf: "&quot;".utf8)
      case UInt8(ascii: "'"): bytes.append(contentsOf: "&#39;".utf8)
      default: bytes.append(byte)
      }
    }
  }

  /// `<name>text</name>`.
  mutating func element(_ name: StaticString, _ content: String) {
    markup("<")
    markup(name)
    markup(">")
    text(content)
    markup("</")
    markup(name)
    markup(">")
  }

  /// What stands in a column.
  enum Column {
    case text(String)
    /// To the right.
    case number(String)
    /// A time or a name that is never broken into lines.
    case code(String)
  }

  /// A table with a head.
  mutating func table(
    _ columns: [Column], _ rows: [[String]], empty: String = "none"
  ) {
    guard !rows.isEmpty else {
      markup("<p class=\"none\">")
      text(empty)
      markup("</p>")
      return
    }
    markup("<table><thead><tr>")
    for column in columns {
      switch column {
      case .text(let title), .code(let title):
        markup("<th>")
        text(title)
      case .number(let title):
        markup("<th class=\"n\">")
        text(title)
      }
      markup("</th>")
    }
    markup("</tr></thead><tbody>")
    for row in rows {
      markup("<tr>")
      for (column, cell) in zip(columns, row) {
        switch column {
        case .text: markup("<td>")
        case .number: markup("<td class=\"n\">")
        case .code: markup("<td class=\"m\">")
        }
        text(cell)
        markup("</td>")
      }
      markup("</tr>")
    }
    markup("</tbody></table>\n")
  }
}
