import Bytes
import RecordFormat
import SecretMemory
import TestSupport
import Testing

@testable import Keyring

/// The file of the independent generator, and what typing does to it.
@Suite struct ShareTextTests {
  private static let golden = String(decoding: PackageResources.custodian_2_share, as: UTF8.self)
  private static let lines = golden.split(separator: "\n").map(String.init)
  /// The groups of all four lines, in order.
  private static let groups = lines.suffix(4).flatMap {
    $0.split(separator: " ").dropFirst(2).map(String.init)
  }

  /// The golden text with other groups, those of each line.
  private static func text(groups: [[String]]) -> String {
    let last = groups.enumerated().map { "line \($0 + 1): \($1.joined(separator: " "))" }
    return (lines.dropLast(4) + last).joined(separator: "\n")
  }

  private static func text(groups: [String]) -> String {
    text(groups: (0..<4).map { Array(groups[$0 * 8..<$0 * 8 + 8]) })
  }

  @Test func `the golden share is read, and opens`() throws {
    let share = try parse(Self.golden)
    #expect(share.header.vault.text == "demo-vault")
    #expect(share.header.custodian.text == "custodian-2")
    #expect(share.header.keyIdentifier.text == "0a1b2c3d")
    #expect(share.header.checkValue == [0xA1, 0xB2, 0xC3, 0xD4, 0xE5])
    #expect((share.header.coordinate, share.header.threshold, share.header.count) == (2, 3, 5))
    #expect(share.header.createdMilliseconds == 1_795_459_405_123)
    let secret = try SecretBytes(copying: Array("correct horse battery staple".utf8).rawSpan)
    let opened = try share.open(passphrase: secret)
    #expect(opened.bytes.array == [UInt8](0..<32))
  }

  @Test func `writing gives the lines of the golden share`() throws {
    let written = try parse(Self.golden).text.split(separator: "\n").filter { !$0.hasPrefix("#") }
    let collapsed = written.map { $0.split(separator: " ").joined(separator: " ") }
    #expect(collapsed == Self.lines)
  }

  @Test func `what is written fits on paper and is plain ASCII`() throws {
    let text = try parse(Self.golden).text
    #expect(text.utf8.allSatisfy { $0 == 0x0A || (0x20...0x7E).contains($0) })
    #expect(text.split(separator: "\n").allSatisfy { $0.utf8.count <= 100 })
    #expect(try parse(text) == parse(Self.golden))
  }

  /// All 5,952 of them by the check alone, and one for each character by reading the text.
  @Test func `every wrong character in a group is found in that group`() throws {
    #expect(Self.groups.count == 32)
    for (index, group) in Self.groups.enumerated() {
      let digits = try group.utf8.map { try #require(TypedText.digit($0)) }
      for place in 0..<6 {
        for other: UInt8 in 0..<32 where other != digits[place] {
          var typed = digits
          typed[place] = other
          let check = TypedText.check(of: Array(typed.dropLast()), place: index)
          #expect(check != typed.last)
        }
        var groups = Self.groups
        var typed = digits
        typed[place] ^= UInt8((index + place) % 31 + 1)
        groups[index] = TypedText.text(typed)
        let found = problem(of: Self.text(groups: groups))
        #expect(found == .group(line: index / 8 + 1, group: index % 8 + 1, .check))
      }
    }
  }

  @Test func `characters that no share has are found in their group`() {
    for character in "U*~$=#!?".map(String.init) {
      var groups = Self.groups
      groups[19] = character + groups[19].dropFirst()
      #expect(problem(of: Self.text(groups: groups)) == .group(line: 3, group: 4, .character))
    }
  }

  @Test func `two characters of a group that have changed places are found`() throws {
    for (index, group) in Self.groups.enumerated() {
      let digits = try group.utf8.map { try #require(TypedText.digit($0)) }
      for first in 0..<6 {
        for second in (first + 1)..<6 where digits[first] != digits[second] {
          var typed = digits
          typed.swapAt(first, second)
          let check = TypedText.check(of: Array(typed.dropLast()), place: index)
          #expect(check != typed.last)
        }
      }
    }
  }

  @Test func `any two groups that have changed places are found, the first of them named`() {
    for first in 0..<32 {
      for second in (first + 1)..<32 {
        var groups = Self.groups
        groups.swapAt(first, second)
        let found = problem(of: Self.text(groups: groups))
        #expect(found == .group(line: first / 8 + 1, group: first % 8 + 1, .check))
      }
    }
  }

  @Test func `a group that is missing, doubled or too much is found where it is`() {
    for line in 0..<4 {
      for group in 0..<8 {
        var rows = (0..<4).map { Array(Self.groups[$0 * 8..<$0 * 8 + 8]) }
        let removed = rows[line].remove(at: group)
        let missing = problem(of: Self.text(groups: rows))
        #expect(
          missing
            == (group == 7
              ? .groupCount(line: line + 1, count: 7)
              : .group(line: line + 1, group: group + 1, .check)))
        rows[line].insert(contentsOf: [removed, removed], at: group)
        let doubled = problem(of: Self.text(groups: rows))
        #expect(
          doubled
            == (group == 7
              ? .groupCount(line: line + 1, count: 9)
              : .group(line: line + 1, group: group + 2, .check)))
      }
    }
  }

  @Test func `a character that is missing or too much is found in its group`() {
    for (index, group) in Self.groups.enumerated() {
      var groups = Self.groups
      groups[index] = String(group.dropLast())
      let place = (line: index / 8 + 1, group: index % 8 + 1)
      #expect(
        problem(of: Self.text(groups: groups))
          == .group(line: place.line, group: place.group, .length(5)))
      groups[index] = group + "0"
      #expect(
        problem(of: Self.text(groups: groups))
          == .group(line: place.line, group: place.group, .length(7)))
    }
  }

  @Test func `lines that have changed places are found`() {
    for (first, second) in [(0, 1), (0, 3), (1, 2), (2, 3)] {
      var rows = (0..<4).map { Array(Self.groups[$0 * 8..<$0 * 8 + 8]) }
      rows.swapAt(first, second)
      #expect(problem(of: Self.text(groups: rows)) == .group(line: first + 1, group: 1, .check))
    }
  }
}

/// How freely a share may be typed, and what is said of lines.
@Suite struct ShareTypingTests {
  private static let golden = String(decoding: PackageResources.custodian_2_share, as: UTF8.self)
  private static let lines = golden.split(separator: "\n").map(String.init)

  private static func replacing(_ start: String, with line: String?) -> String {
    lines.compactMap { $0.hasPrefix(start) ? line : $0 }.joined(separator: "\n")
  }

  @Test func `case, spaces, hyphens, comments and look-alikes do not matter`() throws {
    let share = try parse(Self.golden)
    let head = Self.lines.dropLast(4)
    let body = Self.lines.suffix(4).map { line in
      let value = String(line.drop { $0 != ":" }.dropFirst())
      let typed = value.replacing("0", with: "o").replacing("1", with: "l")
      return String(line.prefix { $0 != ":" }) + ":" + typed
    }
    let tight = body.map { "\t" + $0.replacing(" ", with: "").replacing("line", with: "LINE ") }
    let hyphens = Self.lines.suffix(4).map {
      $0.replacing(" ", with: "-").replacing("line-", with: "line")
    }
    let variants: [String] = [
      (head + body.map { $0.lowercased() }).joined(separator: "\n"),
      (head + body.map { $0.replacing("l", with: "I") }).joined(separator: "\r\n")
        .replacing("Iine", with: "line"),
      (head + tight).joined(separator: "\n\n# a note\n"),
      Self.golden.replacing(" ", with: "   ") + "\n\n",
      (head + hyphens).joined(separator: "\n"),
      Self.lines.reversed().joined(separator: "\n"),
      Self.golden.replacing("key: 0a1b2c3d CHR", with: "KEY : OA1B2C3D  chr"),
      Self.golden.replacing("check value: A1B2C3D4E5 1KR", with: "checkvalue: aLb2c3d4e5 LKR"),
      Self.golden.replacing("created: 2026-11-23T18", with: "created: 2026-11-23t18"),
    ]
    for text in variants { #expect(try parse(text) == share, "\(text)") }
  }

  @Test func `every wrong character in a line of the header is found in that line`() {
    for line in Self.lines.dropLast(4) {
      let name = String(line.prefix { $0 != ":" })
      let start = name.utf8.count + 2
      for place in start..<line.utf8.count {
        for byte: UInt8 in 0x21...0x7E where byte != UInt8(ascii: "#") {
          var bytes = Array(line.utf8)
          bytes[place] = byte
          let typed = String(decoding: bytes, as: UTF8.self)
          guard let found = problem(of: Self.replacing(name + ":", with: typed)) else {
            // The same after all: another case, or a look-alike.
            #expect(isSame(bytes[place], Array(line.utf8)[place]), "\(typed)")
            continue
          }
          #expect(found == .lineCheck(name), "\(typed)")
        }
      }
    }
  }

  private func isSame(_ first: UInt8, _ second: UInt8) -> Bool {
    func folded(_ byte: UInt8) -> UInt8 {
      switch byte {
      case UInt8(ascii: "O"), UInt8(ascii: "o"): UInt8(ascii: "0")
      case UInt8(ascii: "I"), UInt8(ascii: "i"), UInt8(ascii: "L"), UInt8(ascii: "l"):
        UInt8(ascii: "1")
      default: (0x61...0x7A).contains(byte) ? byte - 0x20 : byte
      }
    }
    return folded(first) == folded(second)
  }

  @Test func `neighbours that have changed places in a header are found`() {
    for line in Self.lines.dropLast(4) {
      let name = String(line.prefix { $0 != ":" })
      let bytes = Array(line.utf8)
      for place in (name.utf8.count + 2)..<(bytes.count - 5) where bytes[place] != bytes[place + 1]
      {
        var changed = bytes
        changed.swapAt(place, place + 1)
        guard !changed.contains(0x20) || bytes[place] != 0x20 && bytes[place + 1] != 0x20 else {
          continue
        }
        let typed = String(decoding: changed, as: UTF8.self)
        #expect(problem(of: Self.replacing(name + ":", with: typed)) == .lineCheck(name))
      }
    }
  }

  @Test func `lines that are missing, doubled, unknown or of another's name are named`() {
    for line in Self.lines {
      let name = String(line.prefix { $0 != ":" })
      #expect(problem(of: Self.replacing(name + ":", with: nil)) == .missingLine(name))
      #expect(problem(of: Self.golden + line) == .repeatedLine(name))
    }
    #expect(problem(of: "lime 1: 000000\n") == .unknownLine(lineNumber: 1))
    #expect(problem(of: "# x\n\n0451P9 B1X08D\n") == .unknownLine(lineNumber: 3))
    let swapped = Self.golden.replacing("vault:", with: "x").replacing("custodian:", with: "vault:")
      .replacing("x", with: "custodian:")
    #expect(problem(of: swapped) == .lineCheck("vault"))
    #expect(problem(of: "") == .missingLine("format"))
    #expect(problem(of: Self.replacing("format:", with: "format:")) == .lineForm("format"))
  }

  @Test func `a header that fits its check and is none is refused`() {
    for (name, value) in [
      ("format", "cadenas-share-2"), ("vault", "a/b"), ("custodian", "-x"), ("key", "0a1b2c3"),
      ("check value", "A1B2C3D4"), ("share", "0 of 5"), ("share", "6 of 5"), ("share", "1 of 16"),
      ("share", "02 of 5"), ("share", "2 5"), ("threshold", "1"), ("threshold", "6"),
      ("created", "2026-11-23"), ("created", "1969-11-23T18:43:25.123Z"),
    ] {
      let check = TypedText.check(of: "\(name): \(value)")
      let text = Self.replacing(name + ":", with: "\(name): \(value) \(check)")
      #expect(problem(of: text) == .lineForm(name), "\(name): \(value)")
    }
  }

  @Test func `a header that says something else than the groups is altered`() {
    for (name, value) in [
      ("key", "0a1b2c3e"), ("share", "3 of 5"), ("share", "2 of 6"), ("threshold", "2"),
    ] {
      let check = TypedText.check(of: "\(name): \(value)")
      let text = Self.replacing(name + ":", with: "\(name): \(value) \(check)")
      #expect(problem(of: text) == .contradiction(name), "\(name): \(value)")
    }
  }

  @Test func `what is no text is refused`() {
    #expect(problem(of: "a\u{0}") == .notText(lineNumber: 1))
    #expect(problem(of: "# x\nvault: caf\u{E9}\n") == .notText(lineNumber: 2))
    #expect(problem(of: String(repeating: "#\n", count: 4_097)) == .tooLong)
  }

  @Test func `mutated texts never give another share`() throws {
    let share = try parse(Self.golden)
    var random = SeededGenerator(seed: 99)
    for _ in 0..<4_000 {
      let bytes = random.mutate(Array(Self.golden.utf8))
      do throws(KeyringError) {
        let read = try CustodianShare(parsing: bytes.rawSpan)
        // Only the header's time and names are not in the groups; a CRC is no proof, the tag is.
        #expect(read.sealed == share.sealed)
      } catch {
        guard case .custody = error else {
          Issue.record("\(error)")
          return
        }
      }
    }
  }
}

extension SeededGenerator {
  fileprivate mutating func mutate(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    for _ in 0...Int.random(in: 0...2, using: &self) {
      let place = Int.random(in: 0..<max(1, bytes.count), using: &self)
      let end = min(bytes.count, place + Int.random(in: 0...30, using: &self))
      switch Int.random(in: 0...3, using: &self) {
      case 0: bytes.insert(UInt8.random(in: 0...255, using: &self), at: place)
      case 1: bytes.removeSubrange(place..<end)
      case 2: bytes.insert(contentsOf: bytes[place..<end], at: place)
      default: if place < bytes.count { bytes[place] = UInt8.random(in: 0x20...0x7E, using: &self) }
      }
    }
    return bytes
  }
}
