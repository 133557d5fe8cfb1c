import Foundation
import JSON
import Testing

@Suite struct JSONFuzzTests {
  /// The corpus: each line of `verdicts.txt` is a verdict and a text in hexadecimal.
  private static func corpus() throws -> [(isAccepted: Bool, text: [UInt8])] {
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Corpus/verdicts.txt")
    return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").compactMap { line in
      guard !line.hasPrefix("#") else { return nil }
      let parts = line.split(separator: " ")
      let digits = try #require(parts.last).compactMap(\.hexDigitValue)
      let text = stride(from: 0, to: digits.count, by: 2).map {
        UInt8(digits[$0] << 4 | digits[$0 + 1])
      }
      return (parts.first == "accept:", text)
    }
  }

  @Test func theReaderJudgesTheCorpusAsAnotherStrictReaderDoes() throws {
    let corpus = try Self.corpus()
    #expect(corpus.count >= 1_000)
    for (isAccepted, text) in corpus where (refusal(text) == nil) != isAccepted {
      Issue.record("\(isAccepted ? "refused" : "accepted"): \(text)")
    }
  }

  @Test func whateverIsAcceptedHasACanonicalFormThatStaysTheSame() throws {
    var random = Mutator(seed: 0x9E37_79B9_7F4A_7C15)
    let seeds = try Self.corpus().filter(\.isAccepted).map(\.text)
    var acceptedCount = 0
    for _ in 0..<20_000 {
      let text = random.mutate(seeds[random.below(seeds.count)])
      guard let sample = try? Sample(text) else { continue }
      acceptedCount += 1
      walk(sample, sample.root)
      let canonical = sample.canonical()
      guard let again = try? Sample(canonical), again.canonical() == canonical else {
        Issue.record("not stable: \(text)")
        continue
      }
    }
    #expect(acceptedCount > 1_000)
  }

  /// Touches every value by every accessor; a wrong offset traps or decodes to a repaired string.
  private func walk(_ sample: Sample, _ node: JSONTape.Node) {
    _ = sample.integer(node)
    if let string = sample.string(node) {
      #expect(Array(string.utf8) == sample.eachByte(node))
      #expect(sample.isString(node, equalTo: string))
    }
    for key in sample.keys(of: node) {
      #expect(sample.member(key, of: node) != nil)
    }
    for child in sample.document.members(of: node) { walk(sample, child) }
    for child in sample.document.elements(of: node) { walk(sample, child) }
  }
}

/// Changes bytes by a seeded sequence (SplitMix64), so that a failure can be seen again.
struct Mutator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }

  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

  private static let frequent = Array("\"\\{}[]:,-+.eE019 untrfalse\u{0}/".utf8)

  mutating func mutate(_ original: [UInt8]) -> [UInt8] {
    var bytes = original
    for _ in 0...below(3) {
      let position = below(bytes.count + 1)
      let byte =
        below(2) == 0
        ? Self.frequent[below(Self.frequent.count)] : UInt8(truncatingIfNeeded: next())
      switch below(4) {
      case 0: bytes.insert(byte, at: position)
      case 1 where position < bytes.count: bytes[position] = byte
      case 2 where position < bytes.count: bytes.remove(at: position)
      default:
        let end = min(bytes.count, position + below(8))
        bytes.insert(contentsOf: Array(bytes[position..<end]), at: position)
      }
    }
    return bytes
  }
}
