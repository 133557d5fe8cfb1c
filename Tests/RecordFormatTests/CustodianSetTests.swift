import Bytes
import Cryptography
import RecordFormat
import TestSupport
import Testing

@Suite struct CustodianSetTests {
  private static let golden = GoldenFile(PackageResources.custodian_set_txt)

  private static func set(_ entry: GoldenFile.Entry) throws -> CustodianSet {
    let key = try entry.keyIdentifier("key id")
    let custodians = try (1...Int(entry.number("count"))).map { coordinate in
      let share = try entry.bytes("share \(coordinate)")
      return CustodianSet.Custodian(
        name: try entry.name("name \(coordinate)"),
        commitment: CustodianSet.commitment(to: share.rawSpan, of: key, coordinate: coordinate))
    }
    let set = CustodianSet(
      keyIdentifier: key, checkValue: try entry.bytes("check value"),
      createdMilliseconds: try entry.number("created"),
      threshold: Int(try entry.number("threshold")), vault: try entry.name("vault"),
      custodians: custodians)
    return try #require(set)
  }

  @Test func `writing gives the golden rows`() throws {
    #expect(Self.golden.entries.count == 3)
    for entry in Self.golden.entries {
      let row = try entry.bytes("row")
      #expect(try Self.set(entry).encode() == row)
    }
  }

  @Test func `reading the golden rows gives what they were made of`() throws {
    for entry in Self.golden.entries {
      let row = try entry.bytes("row")
      #expect(try CustodianSet(of: row.rawSpan) == Self.set(entry))
    }
  }

  @Test func `a row that is cut off or longer is refused`() throws {
    let row = try Self.golden.entries[0].bytes("row")
    for count in row.indices {
      #expect(throws: RecordError.malformed) { try CustodianSet(of: row[..<count].array.rawSpan) }
    }
    #expect(throws: RecordError.malformed) { try CustodianSet(of: (row + [0]).rawSpan) }
  }

  @Test func `another version is named`() throws {
    var row = try Self.golden.entries[0].bytes("row")
    row[0] = 2
    #expect(throws: RecordError.unsupportedVersion(2)) { try CustodianSet(of: row.rawSpan) }
  }

  @Test func `thresholds and numbers out of bounds are refused`() throws {
    let row = try Self.golden.entries[0].bytes("row")
    for (offset, value) in [(18, 0), (18, 1), (18, 6), (19, 4), (19, 6), (19, 0), (19, 255)] {
      var changed = row
      changed[offset] = UInt8(value)
      #expect(throws: RecordError.malformed) { try CustodianSet(of: changed.rawSpan) }
    }
  }

  @Test func `names that are none, and names that occur twice, are refused`() throws {
    let set = try Self.set(Self.golden.entries[0])
    let row = set.encode()
    let place = try #require(row.firstRange(of: "custodian-2".utf8))
    for replacement in ["custodian-1", "Custodian-1", "custodian/2", " ustodian-2", "custodian- "] {
      var changed = row
      changed.replaceSubrange(place, with: replacement.utf8)
      #expect(throws: RecordError.malformed) { try CustodianSet(of: changed.rawSpan) }
    }
  }

  @Test func `whatever is read is written the same`() throws {
    var random = SeededGenerator(seed: 23)
    let rows = try Self.golden.entries.map { try $0.bytes("row") }
    var readCount = 0
    for round in 0..<6_000 {
      let row = random.mutate(rows[round % rows.count])
      guard let set = try? CustodianSet(of: row.rawSpan) else { continue }
      readCount += 1
      #expect(set.encode() == row)
    }
    #expect(readCount > 100, "the mutations hit nothing but the frame")
  }

  @Test func `a commitment depends on key, coordinate and share`() {
    let share = [UInt8](0..<32)
    let commitments = [
      CustodianSet.commitment(to: share.rawSpan, of: KeyIdentifier(1), coordinate: 1),
      CustodianSet.commitment(to: share.rawSpan, of: KeyIdentifier(1), coordinate: 2),
      CustodianSet.commitment(to: share.rawSpan, of: KeyIdentifier(2), coordinate: 1),
      CustodianSet.commitment(to: [UInt8](1..<33).rawSpan, of: KeyIdentifier(1), coordinate: 1),
    ]
    #expect(Set(commitments).count == 4)
    #expect(CustodianSet.checkValue(of: commitments[0]) == Array(commitments[0].bytes[..<5]))
  }
}

@Suite struct CustodyNameTests {
  @Test(arguments: ["a", "Z9", "custodian-1", "a.b_c-d e", String(repeating: "x", count: 64)])
  func `a name of letters, digits and a few signs is taken`(text: String) {
    #expect(CustodyName(text)?.text == text)
  }

  @Test(arguments: [
    "", " a", "a ", "a  b", "-a", "a.", "a/b", "a\tb", "é", "a\u{0}", ":",
    String(repeating: "x", count: 65),
  ])
  func `anything else is none`(text: String) {
    #expect(CustodyName(text) == nil)
  }
}

extension ArraySlice<UInt8> {
  fileprivate var array: [UInt8] { Array(self) }
}
