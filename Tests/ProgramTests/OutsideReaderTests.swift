import Testing

@testable import cadenas_dev

/// A reader in another language, written from the documentation alone, opens what the program has
/// written.
@Suite struct OutsideReaderTests {
  /// The folder of these tests, and the root of the repository.
  private static let folder =
    #filePath.split(separator: "/").dropLast().map { "/\($0)" }.joined()
  private static let root =
    #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()

  /// The command that runs the reader.
  private static func reader() throws -> String {
    let python = "\(root)/.build-python/bin/python"
    guard Files.exists(python) else {
      throw Stage.Failed(
        "\(python) is missing: run deploy/test, which installs it, or `source deploy/prepare.sh`")
    }
    return "'\(python)' '\(folder)/Reader/read_vault.py'"
  }

  /// Runs a command that has to end well, and gives what it printed.
  private static func run(_ command: String, _ runner: CommandLineRunner) throws -> String {
    let result = try runner.run(command)
    let text = result.lines.joined(separator: "\n")
    guard result.status == 0 else { throw Stage.Failed("$ \(command)\n\(text)") }
    return text
  }

  @Test func cardsAreReadWithTheKeyFileAlsoAfterRotations() throws {
    let reader = try Self.reader()
    try withScratchDirectory { directory in
      let runner = try CommandLineRunner(directory: "\(directory)/i")
      try runner.act("start")
      try runner.act("tokenize 4970105181818183")
      _ = try Self.run("cadenas keys rotate data --config cadenas.yaml", runner)
      try runner.act("tokenize 378282246310005")
      _ = try Self.run("cadenas keys rotate kek --config cadenas.yaml", runner)
      try runner.act("tokenize 5555555555554444")
      let keys = try Self.run("cadenas keys status --config cadenas.yaml --format json", runner)
      try runner.act("stop")
      let active = try #require(
        Self.run("ls keys", runner).split(separator: "\n").last { name in
          keys.contains("\"id\":\"\(name.prefix(8))\",\"role\":\"kek\",\"state\":\"active\"")
        })
      let text = try Self.run("\(reader) store --kek keys/\(active)", runner)
      for number in ["4970105181818183", "378282246310005", "5555555555554444"] {
        #expect(text.contains("\"number\": \"\(number)\", \"exp_month\": 12, \"exp_year\": 2099"))
      }
      #expect(text.ranges(of: "\"token\": \"tok_").count == 3)
      #expect(text.ranges(of: "\"role\": \"data\"").count == 2)
    }
  }

  @Test func theKeyringOpensWithSharesAndPassphrases() throws {
    let reader = try Self.reader()
    try withScratchDirectory { directory in
      let runner = try CommandLineRunner(directory: "\(directory)/i")
      // Makes the installation whose configuration is changed.
      try runner.act("start")
      try runner.act("stop")
      let ceremony = [
        "sed -e 's/source: file/source: custodians/' -e '/^  path: keys/d'",
        "-e 's/path: store/path: sealed/' cadenas.yaml > custodians.yaml",
        "&& printf 'vault: demo-vault\\nthreshold: 2\\ncustodians: [{name: a}, {name: b}, {name: c}]' >",
        "plan.yaml && printf 'passphrase of a\\npassphrase of b\\npassphrase of c\\n' | cadenas init",
        "--config custodians.yaml --ceremony plan.yaml --shares shares --passphrase-fd 0 --format json",
      ]
      let made = try Self.run(ceremony.joined(separator: " "), runner)
      let shares = "--share shares/c.share --share shares/a.share"
      let read = try Self.run(
        "printf 'passphrase of c\\npassphrase of a\\n' | \(reader) sealed \(shares)", runner)
      let value = try #require(
        read.firstMatch(of: /"kek": "([0-9a-f]{8})", "kek_check_value": "([0-9A-F]{10})"/))
      #expect(
        made.contains(
          "{\"id\":\"\(value.1)\",\"role\":\"kek\",\"check_value\":\"\(value.2)\"}"))
      #expect(read.ranges(of: "\"state\": \"active\"").count == 4)
      for (passphrases, shares, refusal) in [
        ("passphrase of a\\npassphrase of c\\n", shares, "does not open"),
        ("passphrase of c\\n", "--share shares/c.share", "more shares are needed"),
      ] {
        let result = try runner.run("printf '\(passphrases)' | \(reader) sealed \(shares)")
        #expect(result.lines == ["refused: \(refusal)"])
        #expect(result.status == 1)
      }
    }
  }
}
