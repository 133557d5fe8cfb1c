package import Cards

extension ConfigurationLoader {
  /// The table of the file under `brands`, or the standard one where none is named.
  func brands(_ reader: MappingReader) -> BrandTable? {
    guard reader.has("brands") else { return .standard }
    guard let path = file(reader, "brands") else { return nil }
    return BrandTable.read(path, diagnostics)
  }
}

extension BrandTable {
  /// The bounds of a brands file.
  package enum Bounds {
    /// The bytes of a file: twice what the most ranges take, with prefixes of ten digits.
    package static let fileBytes = 16 << 20
    /// The mistakes that are reported; what follows is not looked at.
    package static let mistakes = 100
  }

  /// Reads a file of ranges; nil where it has a mistake, which has been reported.
  ///
  /// The file is a mapping with one key, `ranges`: a list of mappings with `prefixes` (a list of
  /// `4970` or `4970-4979`) and either `excluded: true`, or `lengths` (a list of `16` or `12-19`),
  /// `brand` and, where they apply, `co_brands` and `luhn: false`. Ranges come out in the file's order.
  /// - Parameters:
  ///   - path: the file.
  ///   - name: what diagnostics call it; the path where nil.
  package static func read(
    _ path: String, called name: String? = nil, _ diagnostics: Diagnostics
  ) -> BrandTable? {
    let tree = ConfigurationTree.read(
      path, called: name, atMostBytes: Bounds.fileBytes, diagnostics)
    guard let tree, let reader = MappingReader(tree, name: "", diagnostics) else { return nil }
    let before = diagnostics.count
    let elements = reader.requiredTree("ranges")
    reader.finish()
    guard let elements else { return nil }
    guard case .sequence(let entries) = elements.value, !entries.isEmpty else {
      diagnostics.report("\"ranges\" expects a list of ranges", at: elements.position)
      return nil
    }
    var list = RangeList()
    for entry in entries where diagnostics.count - before < Bounds.mistakes {
      guard let one = MappingReader(entry, name: "ranges", diagnostics) else { continue }
      let content = RangeEntry(one)
      one.finish()
      if let content { list.add(content, diagnostics) }
    }
    guard diagnostics.count == before else { return nil }
    return list.table(at: elements.position, diagnostics)
  }
}

/// The ranges of a file, and where each of them stands.
private struct RangeList {
  private var ranges: [BrandRange] = []
  private var positions: [ConfigurationTree.Position] = []
  /// One object for each kind, however many entries say the same.
  private var kinds: Set<CardKind> = []

  mutating func add(_ entry: RangeEntry, _ diagnostics: Diagnostics) {
    let kind = entry.kind.map { kinds.insert($0).memberAfterInsert }
    for prefix in entry.prefixes {
      do throws(CardError) {
        ranges.append(try BrandRange(low: prefix.low, high: prefix.high, kind: kind))
        positions.append(prefix.position)
      } catch {
        diagnostics.report(
          "\(quoted(prefix.low == prefix.high ? prefix.low : "\(prefix.low)-\(prefix.high)")) "
            + "is not a range: prefixes are 1 to 12 digits, ascending and of one length",
          at: prefix.position)
      }
    }
  }

  /// The table of all ranges; nil where they make none, which has been reported.
  func table(at position: ConfigurationTree.Position, _ diagnostics: Diagnostics) -> BrandTable? {
    guard ranges.count <= BrandTable.mostRanges else {
      diagnostics.report(
        "has \(ranges.count) ranges, more than \(BrandTable.mostRanges)", at: position)
      return nil
    }
    for overlap in BrandTable.overlaps(of: ranges).prefix(BrandTable.Bounds.mistakes) {
      let (one, other) = (min(overlap.earlier, overlap.later), max(overlap.earlier, overlap.later))
      diagnostics.report(
        "the prefixes \(ranges[other].name) and \(ranges[one].name) on line "
          + "\(positions[one].line) have the same length and share numbers", at: positions[other])
    }
    return try? BrandTable(ranges: ranges)
  }
}

/// One entry of a ranges file: several prefixes with the same content.
private struct RangeEntry {
  typealias Span = (low: String, high: String, position: ConfigurationTree.Position)

  let prefixes: [Span]
  /// nil where the numbers are excluded.
  let kind: CardKind?

  /// Reads an entry; nil where a part of it is wrong, which has been reported.
  init?(_ reader: MappingReader) {
    let before = reader.diagnostics.count
    prefixes = RangeEntry.spans(reader, "prefixes")
    let isExcluded = reader.boolean("excluded") ?? false
    kind = isExcluded ? RangeEntry.nothingElse(reader) : RangeEntry.kind(reader)
    guard reader.diagnostics.count == before else { return nil }
  }

  /// Reports what an excluded range has no use for.
  private static func nothingElse(_ reader: MappingReader) -> CardKind? {
    for key in ["lengths", "brand", "co_brands", "luhn"] where reader.has(key) {
      reader.diagnostics.report(
        "\(quoted(reader.path(key))) stands beside \"excluded: true\"",
        at: reader.position(of: key),
        suggestion: "numbers that are excluded are refused whatever they are; remove one of the two"
      )
    }
    return nil
  }

  private static func kind(_ reader: MappingReader) -> CardKind? {
    let before = reader.diagnostics.count
    let lengths = lengths(reader)
    let brand = reader.requiredString("brand").flatMap {
      self.brand($0, at: reader.position(of: "brand"), reader.diagnostics)
    }
    let coBrands = (reader.strings("co_brands") ?? []).compactMap {
      self.brand($0.text, at: $0.position, reader.diagnostics)
    }
    let hasCheckDigit = reader.boolean("luhn") ?? true
    guard let brand, reader.diagnostics.count == before else { return nil }
    let kind = CardKind(
      lengths: lengths, brand: brand, coBrands: coBrands, hasCheckDigit: hasCheckDigit)
    if kind == nil {
      reader.diagnostics.report(
        "\(quoted(reader.path("co_brands"))) names a brand twice",
        at: reader.position(of: "co_brands"))
    }
    return kind
  }

  private static func lengths(_ reader: MappingReader) -> Set<Int> {
    var lengths: Set<Int> = []
    for span in spans(reader, "lengths") {
      guard let low = Int(span.low), let high = Int(span.high), low <= high,
        PAN.lengths.contains(low), PAN.lengths.contains(high)
      else {
        reader.diagnostics.report("a length is 12 to 19", at: span.position)
        continue
      }
      lengths.formUnion(low...high)
    }
    return lengths
  }

  /// The list under a key, each element `N` or `N-N`. Digits are text here: a prefix may begin
  /// with 0.
  private static func spans(_ reader: MappingReader, _ key: String) -> [Span] {
    guard let tree = reader.requiredTree(key) else { return [] }
    guard case .sequence(let elements) = tree.value, !elements.isEmpty else {
      reader.diagnostics.report(
        "\(quoted(reader.path(key))) expects a list, found \(tree.kind)", at: tree.position)
      return []
    }
    var spans: [Span] = []
    var mistakes = 0
    for element in elements where mistakes < BrandTable.Bounds.mistakes {
      if case .scalar(let text, _) = element.value, let ends = ends(of: text) {
        spans.append((ends.low, ends.high, element.position))
      } else {
        mistakes += 1
        reader.diagnostics.report(
          // What was written is not told: it may be a whole card number.
          "\(quoted(reader.path(key))) expects 1 to 12 digits or a range of them",
          at: element.position)
      }
    }
    return spans
  }

  /// The ends of `N-N`, or of `N`, of 1 to 12 digits; nil for another text.
  private static func ends(of text: String) -> (low: String, high: String)? {
    let bytes = text.utf8
    guard let hyphen = bytes.firstIndex(of: UInt8(ascii: "-")) else {
      return isPrefix(text[...]) ? (text, text) : nil
    }
    let (low, high) = (text[..<hyphen], text[bytes.index(after: hyphen)...])
    return isPrefix(low) && isPrefix(high) ? (String(low), String(high)) : nil
  }

  private static func isPrefix(_ text: Substring) -> Bool {
    BrandRange.prefixLengths.contains(text.utf8.count)
      && text.utf8.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
  }

  private static func brand(
    _ name: String, at position: ConfigurationTree.Position, _ diagnostics: Diagnostics
  ) -> Brand? {
    if let brand = Brand(name) { return brand }
    diagnostics.report(
      "\(quoted(name)) cannot name a brand: 1 to 15 of a-z, 0-9 and underscore", at: position)
    return nil
  }
}
