import Logging
import Testing

@testable import VaultServer

@Suite("Lines that anybody can bring about")
struct SeldomLinesTests {
  private let line = SeldomLines.Line(level: .info, message: "m", metadata: ["cause": "c"])
  private var lines = SeldomLines()

  @Test func `the first of a minute is written, and then how many more there were`() {
    var lines = lines
    #expect(lines.note(line, of: "a", at: 100)?.metadata == ["cause": "c"])
    for second in 0..<59 as Range<Int64> {
      #expect(lines.note(line, of: "a", at: 100 + second) == nil)
      #expect(lines.ended(at: 100 + second).isEmpty)
    }
    #expect(lines.ended(at: 160).map(\.metadata) == [["cause": "c", "count": "59"]])
    // As long as they come, there is one line a minute; then the first is written again.
    #expect(lines.note(line, of: "a", at: 161) == nil)
    #expect(lines.ended(at: 220).map(\.metadata) == [["cause": "c", "count": "1"]])
    #expect(lines.ended(at: 280).isEmpty)
    #expect(lines.note(line, of: "a", at: 281) != nil)
  }

  @Test func `kinds are told apart, and beyond some of them counted as one`() {
    var lines = lines
    for kind in 0..<SeldomLines.mostKinds {
      #expect(lines.note(line, of: "\(kind)", at: 0)?.metadata == ["cause": "c"])
    }
    #expect(lines.note(line, of: "one more", at: 0)?.metadata == [:])
    for kind in 0..<1_000 { #expect(lines.note(line, of: "x\(kind)", at: 1) == nil) }
    #expect(lines.note(line, of: "0", at: 1) == nil)
    let other = SeldomLines.Line(level: .info, message: "other", metadata: [:])
    #expect(lines.note(other, of: "x", at: 1) != nil)
    let counts = lines.ended(at: 60).compactMap { $0.metadata["count"].map { "\($0)" } }
    #expect(Set(counts) == ["1000", "1"])
  }

  @Test func `a clock that is set back, and the end, keep no count`() {
    var lines = lines
    _ = lines.note(line, of: "a", at: 1_000)
    _ = lines.note(line, of: "a", at: 1_000)
    #expect(lines.ended(at: 10).count == 1)
    _ = lines.note(line, of: "a", at: 11)
    #expect(lines.ended(at: .max).count == 1)
  }
}
