/// Rows under titles, in columns as wide as what is in them; at a terminal that is too narrow for that,
/// text is folded within its column, and where a column would break words, each row is a record of
/// names and values.
struct TextTable {
  /// Where the text of a column stands.
  enum Alignment { case left, right }

  private let titles: [String]
  private let alignments: [Alignment]
  private var rows: [[String]] = []

  init(_ columns: [(title: String, alignment: Alignment)]) {
    titles = columns.map(\.title)
    alignments = columns.map(\.alignment)
  }

  /// A table with a row for each of `rows`: for each column, what `cell` makes of its member.
  init(
    _ columns: [(title: String, alignment: Alignment, member: String)], _ rows: [DocumentView],
    cell: (DocumentView, String) -> String = { $0.text($1) }
  ) {
    self.init(columns.map { ($0.title, $0.alignment) })
    for row in rows { add(columns.map { cell(row, $0.member) }) }
  }

  /// Adds a row with a cell for each column.
  mutating func add(_ cells: [String]) {
    precondition(cells.count == titles.count, "a row has a cell for each column")
    rows.append(cells.map(Console.printable))
  }

  /// The lines of the table, titles first, for standard output.
  var text: String { text(within: Console.columns()) }

  /// The same in lines of at most `columns` characters; nil for as long as they are.
  func text(within columns: Int?) -> String {
    guard let widths = widths(within: columns ?? .max) else { return records(within: columns) }
    return Console.styled(line(titles, widths), .bold) + rows.map { line($0, widths) }.joined()
  }

  /// The lines of the table, titles first, for a file.
  var plainText: String {
    let widths = naturalWidths
    return ([titles] + rows).map { line($0, widths) }.joined()
  }

  private static let gap = 2

  private var naturalWidths: [Int] { widths { $0.count } }

  /// For each column, the greatest that `measure` makes of its cells.
  private func widths(_ measure: (String) -> Int) -> [Int] {
    titles.indices.map { column in ([titles] + rows).map { measure($0[column]) }.max() ?? 0 }
  }

  /// Widths that fit into `columns`, the widest columns folded first; nil where that would break words.
  private func widths(within columns: Int) -> [Int]? {
    var widths = naturalWidths
    let longestWords = self.widths { $0.split(separator: " ").map(\.count).max() ?? 0 }
    let room = columns - Self.gap * (widths.count - 1)
    while widths.reduce(0, +) > room {
      let foldable = widths.indices.filter {
        alignments[$0] == .left && widths[$0] > longestWords[$0]
      }
      guard let widest = foldable.max(by: { widths[$0] < widths[$1] }) else { return nil }
      widths[widest] -= 1
    }
    return widths
  }

  /// A row, which is several lines where a cell is wider than its column.
  private func line(_ cells: [String], _ widths: [Int]) -> String {
    let folded = cells.indices.map { TextFold.lines(cells[$0], within: widths[$0]) }
    return (0..<(folded.map(\.count).max() ?? 0)).map { index in
      let padded = folded.indices.map { column in
        let cell = index < folded[column].count ? folded[column][index] : ""
        let space = String(repeating: " ", count: widths[column] - cell.count)
        return alignments[column] == .right ? space + cell : cell + space
      }
      var line = padded.joined(separator: String(repeating: " ", count: Self.gap))
      while line.last == " " { line.removeLast() }
      return line + "\n"
    }.joined()
  }

  private func records(within columns: Int?) -> String {
    rows.map { row in
      Self.pairs(titles.indices.map { (titles[$0], row[$0]) }, within: columns)
    }.joined(separator: "\n")
  }

  /// Names and values, one pair a line, for standard output.
  static func pairs(_ pairs: [(name: String, value: String)]) -> String {
    self.pairs(pairs, within: Console.columns())
  }

  /// The same, with values folded in lines of at most `columns` characters; nil for as long as they are.
  static func pairs(_ pairs: [(name: String, value: String)], within columns: Int?) -> String {
    let indent = (pairs.map(\.name.count).max() ?? 0) + gap
    return pairs.map { name, value in
      name + String(repeating: " ", count: indent - name.count)
        + TextFold.text(Console.printable(value), indent: indent, within: columns) + "\n"
    }.joined()
  }
}

/// Breaks text into lines between words. A word that is too long stays whole, so that it can be copied.
enum TextFold {
  /// The least room for text beside its indent; in less it is not folded.
  private static let leastWidth = 20

  /// Lines of at most `width` characters; at least one.
  static func lines(_ text: String, within width: Int) -> [String] {
    guard text.count > width else { return [text] }
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ", omittingEmptySubsequences: false) {
      if line.isEmpty {
        line = String(word)
      } else if line.count + 1 + word.count <= width {
        line += " " + word
      } else {
        // Of spaces at the place of a break none is left.
        while line.last == " " { line.removeLast() }
        lines.append(line)
        line = String(word)
      }
    }
    return lines + [line]
  }

  /// `text`, which begins after `indent` characters of a line of standard output and goes on below that.
  static func text(_ text: String, indent: Int) -> String {
    self.text(text, indent: indent, within: Console.columns())
  }

  /// The same in lines of at most `columns` characters; nil for as long as they are.
  static func text(_ text: String, indent: Int, within columns: Int?) -> String {
    guard let columns, columns - indent >= leastWidth else { return text }
    return lines(text, within: columns - indent)
      .joined(separator: "\n" + String(repeating: " ", count: indent))
  }
}
