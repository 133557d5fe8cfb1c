import Cards
import ConfigurationReading
import JSON

/// What a file of ranges is, and what it would change.
struct BrandReport {
  /// The changes that are printed for people.
  private static let mostRows = 40

  let file: String
  /// nil where the file has mistakes.
  let table: BrandTable?
  let mistakes: [Diagnostic]
  let current: BrandSettings
  /// What the file would change; nothing where it has mistakes.
  private let changes: [BrandChange]

  init(file: String, table: BrandTable?, mistakes: [Diagnostic], current: BrandSettings) {
    self.file = file
    self.table = table
    self.mistakes = mistakes
    self.current = current
    changes = table.map { current.table.changes(to: $0) } ?? []
  }

  private var added: [Brand] { (table?.brands ?? []).filter { !current.table.brands.contains($0) } }
  private var removed: [Brand] {
    guard let table else { return [] }
    let brands = table.brands
    return current.table.brands.filter { !brands.contains($0) }
  }

  /// `{"file","valid","mistakes":[{"line","message","suggestion"}],"ranges","brands","hidden","against":
  /// {"file","ranges"},"brands_added","brands_removed","changes":[{"prefixes","before","after"}]}`; before
  /// and after are null where the numbers are refused, else as ``write(_:named:to:)`` has it.
  var json: [UInt8] {
    JSONWriter.document { json in
      json.member("file", string: file)
      json.member("valid", boolean: table != nil)
      json.member("mistakes", objects: mistakes) { json, mistake in
        json.member("line", integer: mistake.line)
        json.member("message", string: mistake.message)
        json.member("suggestion", string: mistake.suggestion)
      }
      json.member("ranges", integer: table?.ranges.count)
      json.member("brands", strings: table?.brands.map(\.name) ?? [])
      json.member("hidden", strings: table?.hiddenRanges.map(\.name) ?? [])
      json.name("against")
      json.beginObject()
      json.member("file", string: current.path)
      json.member("ranges", integer: current.table.ranges.count)
      json.endObject()
      json.member("brands_added", strings: added.map(\.name))
      json.member("brands_removed", strings: removed.map(\.name))
      json.member("changes", objects: changes) { json, change in
        json.member("prefixes", string: prefixes(of: change.numbers))
        Self.write(change.before, named: "before", to: &json)
        Self.write(change.after, named: "after", to: &json)
      }
    }
  }

  /// `{"brand","brands","lengths","luhn"}`, or null.
  static func write(_ kind: CardKind?, named name: JSONName, to json: inout JSONWriter) {
    json.name(name)
    guard let kind else { return json.null() }
    json.beginObject()
    write(kind, to: &json)
    json.endObject()
  }

  static func write(_ kind: CardKind, to json: inout JSONWriter) {
    json.member("brand", string: kind.match.brand.name)
    json.member("brands", strings: kind.match.brands.map(\.name))
    json.name("lengths")
    json.beginArray()
    for length in kind.lengths.sorted() { json.integer(length) }
    json.endArray()
    json.member("luhn", boolean: kind.hasCheckDigit)
  }

  /// The same for people.
  var text: String {
    guard let table else {
      return mistakes.map { Console.printable($0.description) + "\n" }.joined()
    }
    let hidden = table.hiddenRanges
    var text =
      "\(file) has \(table.ranges.count) ranges and no mistake; brands: \(Self.list(table.brands))\n"
    if !hidden.isEmpty {
      text +=
        "\(hidden.count) of them decide about no number, since longer prefixes hold all of theirs: "
        + hidden.prefix(10).map(\.name).joined(separator: ", ")
        + (hidden.count > 10 ? ", …\n" : "\n")
    }
    text += "compared with \(current.words), \(current.table.ranges.count) ranges:\n"
    text += "brands added: \(Self.list(added)); removed: \(Self.list(removed))\n"
    guard !changes.isEmpty else { return text + "no card would be of another brand\n" }
    var rows = TextTable([("PREFIXES", .left), ("BEFORE", .left), ("AFTER", .left)])
    for change in changes.prefix(Self.mostRows) {
      rows.add([
        prefixes(of: change.numbers), Self.words(change.before), Self.words(change.after),
      ])
    }
    text += "\n" + rows.text
    let rest = changes.count - Self.mostRows
    return rest > 0 ? text + "\(rest) more changes: --format json has them all\n" : text
  }

  private static func list(_ brands: [Brand]) -> String {
    brands.isEmpty ? "none" : brands.map(\.name).joined(separator: ", ")
  }

  private static func words(_ kind: CardKind?) -> String {
    guard let kind else { return "refused" }
    return kind.match.brands.map(\.name).joined(separator: "+")
      + ", \(lengths(kind.lengths)) digits" + (kind.hasCheckDigit ? "" : ", no check digit")
  }

  /// `13, 16, 19` or `12-19`.
  static func lengths(_ lengths: Set<Int>) -> String {
    var spans: [ClosedRange<Int>] = []
    for length in lengths.sorted() {
      if let last = spans.last, last.upperBound + 1 == length {
        spans[spans.count - 1] = last.lowerBound...length
      } else {
        spans.append(length...length)
      }
    }
    return spans.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
      .joined(separator: ", ")
  }
}

extension BrandSettings {
  /// What messages call the table.
  var words: String { path ?? "the table built into the vault" }
}

/// What a table says of the numbers that begin with a prefix.
struct BrandsOfPrefix {
  /// The rows that are printed for people.
  private static let mostRows = 100

  /// The prefix, as a range of one.
  let prefix: BrandRange
  let current: BrandSettings
  private var stretches: [BrandTable.Stretch] { current.table.stretches(in: prefix.numbers) }

  init(prefix: BrandRange, current: BrandSettings) {
    self.prefix = prefix
    self.current = current
  }

  /// `{"prefix","file","numbers":[{"prefixes","range","excluded","brand","brands","lengths","luhn"}]}`; `range`
  /// is null where none holds the numbers, and the last four members are missing where no card has them.
  var json: [UInt8] {
    JSONWriter.document { json in
      json.member("prefix", string: prefix.low)
      json.member("file", string: current.path)
      json.member("numbers", objects: stretches) { json, stretch in
        json.member("prefixes", string: prefixes(of: stretch.numbers))
        json.member("range", string: stretch.range?.name)
        json.member("excluded", boolean: stretch.range.map { $0.kind == nil } ?? false)
        if let kind = stretch.kind { BrandReport.write(kind, to: &json) }
      }
    }
  }

  /// The same for people.
  var text: String {
    var table = TextTable([
      ("NUMBERS", .left), ("RANGE", .left), ("BRAND", .left), ("CO-BRANDS", .left),
      ("LENGTHS", .left), ("LUHN", .left),
    ])
    let stretches = stretches
    for stretch in stretches.prefix(Self.mostRows) {
      var row = [prefixes(of: stretch.numbers), stretch.range?.name ?? "-"]
      if let kind = stretch.kind {
        let coBrands = kind.match.brands.dropFirst().map(\.name).joined(separator: ", ")
        row += [
          kind.match.brand.name, coBrands.isEmpty ? "-" : coBrands,
          BrandReport.lengths(kind.lengths), kind.hasCheckDigit ? "yes" : "no",
        ]
      } else {
        row += [stretch.range == nil ? "refused" : "refused (excluded)", "-", "-", "-"]
      }
      table.add(row)
    }
    let rest = stretches.count - Self.mostRows
    return table.text + (rest > 0 ? "\(rest) more: --format json has them all\n" : "")
  }
}
