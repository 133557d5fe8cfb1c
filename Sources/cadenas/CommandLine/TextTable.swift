/// Rows under titles, in columns as wide as what is in them.
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

  /// The lines of the table, titles first, for a terminal.
  var text: String { Console.styled(lines[0], .bold) + lines.dropFirst().joined() }

  /// The lines of the table, titles first, for a file.
  var plainText: String { lines.joined() }

  private var lines: [String] {
    let widths = titles.indices.map { column in
      ([titles] + rows).map { $0[column].count }.max() ?? 0
    }
    func line(_ cells: [String]) -> String {
      let padded = cells.indices.map { column in
        let space = String(repeating: " ", count: widths[column] - cells[column].count)
        return alignments[column] == .right ? space + cells[column] : cells[column] + space
      }
      var line = padded.joined(separator: "  ")
      while line.last == " " { line.removeLast() }
      return line + "\n"
    }
    return ([titles] + rows).map(line)
  }

  /// Names and values, one pair a line.
  static func pairs(_ pairs: [(name: String, value: String)]) -> String {
    let width = pairs.map(\.name.count).max() ?? 0
    return pairs.map { name, value in
      name + String(repeating: " ", count: width - name.count + 2) + Console.printable(value) + "\n"
    }.joined()
  }
}
