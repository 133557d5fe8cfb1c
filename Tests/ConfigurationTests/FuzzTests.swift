import AuditLog
import ConfigurationReading
import TestSupport
import Testing

/// Bytes that nobody meant to be a configuration never end the process.
@Suite struct FuzzTests {
  /// What YAML gives a meaning to, and what breaks text.
  static let splices: [[UInt8]] =
    [
      "&a ", "*a ", "!!int ", "<<: ", "? ", "- ", ": ", "{", "}", "[", "]", "|\n", ">-\n", "'",
      "\"",
      "\\x00", "\\uD800", "%YAML 9.9\n", "---\n", "...\n", "\t", "\r", "~", "#", "\u{FEFF}",
      "\u{2028}", "99999999999999999999",
    ].map { Array($0.utf8) }
    + [[0], [0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80]]

  static func mutate(_ bytes: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...6, using: &generator) {
      guard let at = bytes.indices.randomElement(using: &generator) else { return bytes }
      let end = min(bytes.endIndex, at + Int.random(in: 0...24, using: &generator))
      switch Int.random(in: 0..<5, using: &generator) {
      case 0: bytes[at] = UInt8.random(in: .min ... .max, using: &generator)
      case 1: bytes.removeSubrange(at..<end)
      case 2: bytes.insert(contentsOf: bytes[at..<end], at: at)
      case 3: bytes.insert(contentsOf: splices.randomElement(using: &generator) ?? [], at: at)
      default: bytes.removeSubrange(at...)
      }
    }
    return bytes
  }

  @Test(arguments: 0..<8 as Range<UInt64>)
  func `mutated configurations are read or refused`(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let directory = try MistakeTests.directory()
    for one in MistakeTests.cases {
      for _ in 0..<20 {
        let bytes = Self.mutate(Array(one.configuration.utf8), &generator)
        let path = try directory.write("cadenas.yaml", bytes: bytes)
        do throws(ConfigurationError) {
          _ = try ServiceConfiguration.load(path: path).policy(generation: 1)
        } catch {
          #expect(!error.diagnostics.isEmpty)
        }
      }
    }
  }

  @Test(arguments: 0..<4 as Range<UInt64>)
  func `mutated samples give a tree or a diagnostic, never both`(seed: UInt64) {
    var generator = SeededGenerator(seed: 1_000 + seed)
    let samples = [PackageResources.cadenas_yaml, PackageResources.brands_yaml]
    for round in 0..<200 {
      let diagnostics = Diagnostics()
      let bytes = Self.mutate(samples[round % samples.count], &generator)
      let tree = ConfigurationTree.parse(bytes, file: "f", diagnostics)
      #expect((tree == nil) != diagnostics.isEmpty)
    }
  }

  @Test(arguments: 0..<4 as Range<UInt64>)
  func `mutated alarm files are read or refused, and what is read can be used`(seed: UInt64) throws
  {
    var generator = SeededGenerator(seed: 2_000 + seed)
    let directory = try MistakeTests.directory()
    let one = try #require(MistakeTests.cases.first)
    let path = try directory.write("cadenas.yaml", one.configuration + "alarms: alarms.yaml\n")
    var read = 0
    for _ in 0..<200 {
      let bytes = Self.mutate(PackageResources.alarms_yaml, &generator)
      try directory.write("alarms.yaml", bytes: bytes)
      do throws(ConfigurationError) {
        let rules = try ServiceConfiguration.load(path: path).alarms
        _ = AlarmRuleSet(rules)
        read += 1
      } catch {
        #expect(!error.diagnostics.isEmpty)
      }
    }
    #expect(read > 0)
  }
}
