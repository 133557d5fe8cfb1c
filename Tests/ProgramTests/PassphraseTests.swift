import Testing

@testable import cadenas_dev

/// Passphrases at a terminal.
@Suite struct PassphraseTests {
  private static let folder =
    #filePath.split(separator: "/").dropLast().map { "/\($0)" }.joined()
  private static let root =
    #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()

  /// What the terminal has shown, and the last line, which says whether it shows what is typed.
  private static func run(
    _ steps: [String], _ command: String, _ runner: CommandLineRunner
  ) throws -> (shown: String, verdict: String) {
    let python = "\(root)/.build-python/bin/python"
    guard DevelopmentFiles.exists(python) else {
      throw Stage.Failed(
        "\(python) is missing: run deploy/test, which installs it, or `source deploy/prepare.sh`")
    }
    let quoted = steps.map { "'\($0)'" }.joined(separator: " ")
    let result = try runner.run(
      "'\(python)' '\(folder)/Reader/at_terminal.py' \(quoted) -- \(runner.vault) \(command)",
      as: .test)
    return (
      result.lines.dropLast().joined(separator: "\n"), result.lines.last ?? "nothing was printed"
    )
  }

  @Test func aCeremonyAtATerminalShowsNoPassphraseAndAsksAgain() throws {
    try withScratchDirectory { directory in
      let runner = try CommandLineRunner(directory: "\(directory)/i")
      try Self.prepare(runner)
      let ceremony = try Self.run(
        [
          "of a, 12 bytes or more: =short", "of a, 12 bytes or more: =first passphrase",
          "again: =not the same one", "of a, 12 bytes or more: =first passphrase",
          "again: =first passphrase", "of b, 12 bytes or more: =second passphrase",
          "again: =second passphrase",
        ], "init --config custodians.yaml --ceremony plan.yaml --shares shares", runner)
      #expect(ceremony.verdict == "echo 0 0 0 0 0 0 0 1 ended 0", "\(ceremony.shown)")
      #expect(
        ceremony.shown.contains("the passphrase of a has to have 12 to 1024 bytes; try again"))
      #expect(ceremony.shown.contains("these were not the same; try again"))
      for secret in ["short", "first passphrase", "not the same one", "second passphrase"] {
        #expect(!ceremony.shown.contains(secret))
      }

      let verify = "keys ceremony verify shares/a.share"
      let right = try Self.run(["of a: =first passphrase"], verify, runner)
      #expect(right.verdict == "echo 0 1 ended 0", "\(right.shown)")
      #expect(right.shown.contains("the passphrase is right"))
      let wrong = try Self.run(["of a: =second passphrase"], verify, runner)
      #expect(wrong.verdict == "echo 0 1 ended 256", "\(wrong.shown)")
      // A signal ends the program as it does others, and the terminal shows what is typed again.
      let interrupted = try Self.run(["of a: =^C"], verify, runner)
      #expect(interrupted.verdict == "echo 0 1 ended 2", "\(interrupted.shown)")
      let terminated = try Self.run(["of a: =TERM"], verify, runner)
      #expect(terminated.verdict == "echo 0 1 ended 15", "\(terminated.shown)")
    }
  }

  /// Between two custodians the key is derived, which takes a while.
  @Test func whatIsTypedAheadIsNeitherShownNorTaken() throws {
    try withScratchDirectory { directory in
      let runner = try CommandLineRunner(directory: "\(directory)/i")
      try Self.prepare(runner)
      let asked = [
        "of a, 12 bytes or more: =first passphrase\\nsomebody who is too fast",
        "again: =first passphrase\\nthe passphrase of the next", "\\r\\n=LOOK",
        "of b, 12 bytes or more: =second passphrase", "again: =second passphrase",
      ]
      let command = "init --config custodians.yaml --ceremony plan.yaml --shares shares"
      let ceremony = try Self.run(asked, command, runner)
      #expect(ceremony.verdict == "echo 0 0 0 0 0 1 ended 0", "\(ceremony.shown)")
      for secret in ["fast", "next", "first passphrase", "second passphrase"] {
        #expect(!ceremony.shown.contains(secret), "\(ceremony.shown)")
      }
    }
  }

  /// Whatever comes while nobody is asked.
  @Test func aSignalBetweenTwoCustodiansEndsTheCeremonyAndTheTerminalIsAsItWas() throws {
    try withScratchDirectory { directory in
      let runner = try CommandLineRunner(directory: "\(directory)/i")
      try Self.prepare(runner)
      for (word, status) in [("TERM", 15), ("^C", 2)] {
        let ended = try Self.run(
          [
            "of a, 12 bytes or more: =first passphrase", "again: =first passphrase",
            "\\r\\n=\(word)",
          ], "init --config custodians.yaml --ceremony plan.yaml --shares shares", runner)
        #expect(ended.verdict == "echo 0 0 0 1 ended \(status)", "\(ended.shown)")
        #expect(!ended.shown.contains("first passphrase"))
        #expect(try runner.run("ls sealed").status != 0)
      }
    }
  }

  /// A plan, and a configuration for a store that custodians open.
  private static func prepare(_ runner: CommandLineRunner) throws {
    try runner.act("start")
    try runner.act("stop")
    let plan = "vault: v\\nthreshold: 2\\ncustodians: [{name: a}, {name: b}]\\n"
    _ = try runner.run(
      "sed -e 's/source: file/source: custodians/' -e '/^  path: keys/d' -e 's/path: store/path: sealed/' "
        + "cadenas.yaml > custodians.yaml && printf '\(plan)' > plan.yaml")
  }
}
