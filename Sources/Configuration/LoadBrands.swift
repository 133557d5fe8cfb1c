internal import Bytes
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
  /// Reads a file of ranges; nil where it has a mistake, which has been reported.
  ///
  /// The file is a mapping with one key, `ranges`: a list of mappings with `prefixes` (a list of
  /// `4970` or `4970-4979`), `lengths` (a list of `16` or `12-19`), `brand` and, for co-badged
  /// cards, `co_brands`. Ranges come out in the file's order.
  package static func read(_ path: String, _ diagnostics: Diagnostics) -> BrandTable? {
    guard let tree = ConfigurationTree.read(path, diagnostics),
      let reader = MappingReader(tree, name: "", diagnostics)
    else { return nil }
    let before = diagnostics.count
    let elements = reader.requiredTree("ranges")
    reader.finish()
    guard let elements else { return nil }
    guard case .sequence(let entries) = elements.value, !entries.isEmpty else {
      diagnostics.report("\"ranges\" expects a list of ranges", at: elements.position)
      return nil
    }
    var ranges: [BrandRange] = []
    for entry in entries {
      guard let one = MappingReader(entry, name: "ranges", diagnostics) else { continue }
      ranges += RangeEntry(one)?.ranges(diagnostics) ?? []
      one.finish()
    }
    guard diagnostics.count == before else { return nil }
    do throws(CardError) {
      return try BrandTable(ranges: ranges)
    } catch {
      let message =
        switch error {
        case .overlappingRanges(let one, let other):
          "the prefixes \(one) and \(other) have the same length and share numbers"
        case .tooManyRanges: "has more than \(BrandTable.mostRanges) ranges"
        default: "is not a table of ranges"
        }
      diagnostics.report(message, at: elements.position)
      return nil
    }
  }
}

/// One entry of a ranges file: several prefixes with the same lengths and brands.
private struct RangeEntry {
  let prefixes: [(low: String, high: String, position: ConfigurationTree.Position)]
  let lengths: Set<Int>
  let brand: Brand
  let coBrands: [Brand]

  /// Reads an entry; nil where a part of it is wrong, which has been reported.
  init?(_ reader: MappingReader) {
    let before = reader.diagnostics.count
    prefixes = RangeEntry.spans(reader, "prefixes")
    var lengths: Set<Int> = []
    for span in RangeEntry.spans(reader, "lengths") {
      guard let low = Int(span.low), let high = Int(span.high), low <= high,
        PAN.lengths.contains(low), PAN.lengths.contains(high)
      else {
        reader.diagnostics.report("a length is 12 to 19", at: span.position)
        continue
      }
      lengths.formUnion(low...high)
    }
    self.lengths = lengths
    let brand = reader.requiredString("brand").flatMap {
      RangeEntry.brand($0, at: reader.position(of: "brand"), reader.diagnostics)
    }
    coBrands = (reader.strings("co_brands") ?? []).compactMap {
      RangeEntry.brand($0.text, at: $0.position, reader.diagnostics)
    }
    guard let brand, reader.diagnostics.count == before else { return nil }
    self.brand = brand
  }

  func ranges(_ diagnostics: Diagnostics) -> [BrandRange] {
    prefixes.compactMap { prefix in
      do throws(CardError) {
        return try BrandRange(
          low: prefix.low, high: prefix.high, lengths: lengths, brand: brand, coBrands: coBrands)
      } catch {
        diagnostics.report(
          "\(quoted(prefix.low == prefix.high ? prefix.low : "\(prefix.low)-\(prefix.high)")) "
            + "is not a range: prefixes are 1 to 12 digits, ascending and of one length, lengths "
            + "are 12 to 19, and each brand is named once", at: prefix.position)
        return nil
      }
    }
  }

  /// The list under a key, each element `N` or `N-N`. Digits are text here: a prefix may begin
  /// with 0.
  private static func spans(
    _ reader: MappingReader, _ key: String
  ) -> [(low: String, high: String, position: ConfigurationTree.Position)] {
    guard let tree = reader.requiredTree(key) else { return [] }
    guard case .sequence(let elements) = tree.value, !elements.isEmpty else {
      reader.diagnostics.report(
        "\(quoted(reader.path(key))) expects a list, found \(tree.kind)", at: tree.position)
      return []
    }
    return elements.compactMap { element in
      if case .scalar(let text, _) = element.value {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        let isDigits = parts.allSatisfy { part in
          (1...12).contains(part.utf8.count) && part.utf8.allSatisfy(isDigit)
        }
        if isDigits, let low = parts.first, let high = parts.last, parts.count <= 2 {
          return (String(low), String(high), element.position)
        }
      }
      reader.diagnostics.report(
        "\(quoted(reader.path(key))) expects digits or a range of them, found \(element.kind)",
        at: element.position)
      return nil
    }
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
