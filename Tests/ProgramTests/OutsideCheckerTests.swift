import Testing

@testable import cadenas_dev

/// A checker in another language, written from the standards, agrees with the program about logs and
/// proofs, in both directions.
@Suite struct OutsideCheckerTests {
  private static let folder =
    #filePath.split(separator: "/").dropLast().map { "/\($0)" }.joined()
  private static let root =
    #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()

  private static func checker() throws -> String {
    let python = "\(root)/.build-python/bin/python"
    guard Files.exists(python) else {
      throw Stage.Failed(
        "\(python) is missing: run deploy/test, which installs it, or `source deploy/prepare.sh`")
    }
    return "'\(python)' '\(folder)/Reader/check_log.py'"
  }

  /// Runs a command that has to end well, and gives what it printed.
  @discardableResult
  private static func run(_ command: String, _ runner: CommandLineRunner) throws -> String {
    let result = try runner.run(command)
    let text = result.lines.joined(separator: "\n")
    guard result.status == 0 else { throw Stage.Failed("$ \(command)\n\(text)") }
    return text
  }

  @Test func whatTheProgramGivesOutIsVerifiedOutside() throws {
    let checker = try Self.checker()
    try withScratchDirectory { directory in
      let runner = try CommandLineRunner(directory: "\(directory)/i")
      let config = "--config cadenas.yaml"
      try runner.act("start")
      try runner.act("tokenize 4970105181818183")
      // What is noted outside: the first key, and a checkpoint.
      try Self.run("cadenas keys public-key \(config) > first && test -s first", runner)
      try Self.run("cadenas audit checkpoint \(config) --to kept", runner)
      for number in ["378282246310005", "5555555555554444", "4970105181818183"] {
        try runner.act("tokenize \(number)")
      }
      try Self.run("cadenas keys rotate audit \(config)", runner)
      for _ in 0..<3 { try Self.run("cadenas keys status \(config)", runner) }
      try Self.run("cadenas audit export \(config) --to export", runner)
      try Self.run("cadenas keys public-key \(config) > published", runner)
      let found = try Self.run("\(checker) export export --key first", runner)
      #expect(found.hasSuffix(" entries, 0 archived"))
      try Self.run("cadenas audit prove 3 \(config) --to entry", runner)
      // The key of the proof is another than the first: what vouches for it comes along.
      try Self.run(
        "sed '/^#/d' first > trusted && sed -n '/succession/,$p' published >> trusted", runner)
      #expect(
        try Self.run("\(checker) entry entry --key trusted", runner).hasPrefix(#"{"seq":3,"#))
      try Self.run("cadenas audit prove --since kept \(config) --to growth", runner)
      try Self.run("\(checker) growth growth --since kept --key trusted", runner)
      for command in [
        "--proof entry --public-key trusted",
        "--proof entry --public-key first --succession published",
        "--proof growth --since kept --public-key trusted",
        "--export export --public-key first --since kept",
      ] {
        #expect(try runner.run("cadenas audit verify \(command)").status == 0, "\(command)")
      }
      #expect(
        try runner.run("cadenas audit verify --proof entry --public-key first").status == 1)
      try Self.run("sed -i 's/created/crEated/' export/entries.jsonl", runner)
      #expect(try runner.run("\(checker) export export --key first").status == 1)
      #expect(try runner.run("cadenas audit verify --export export").status == 1)
    }
  }

  @Test func whatIsMadeOutsideIsVerifiedByTheProgram() throws {
    let checker = try Self.checker()
    try withScratchDirectory { directory in
      let runner = try CommandLineRunner(directory: directory)
      for size in [1, 2, 3, 255, 256, 257, 700] {
        let made = "made\(size)"
        try Self.run("\(checker) make \(made) \(size)", runner)
        let key = "--public-key \(made)/key"
        let old = "--since \(made)/checkpoints/\(max(1, size * 2 / 3))"
        for command in [
          "--export \(made) \(key)", "--export \(made) \(key) \(old)",
          "--proof \(made)/entry.proof \(key)", "--proof \(made)/growth.proof \(key) \(old)",
        ] {
          let result = try runner.run("cadenas audit verify \(command)")
          #expect(result.status == 0, "\(command): \(result.lines)")
        }
      }
    }
  }
}
