import Testing

@testable import cadenas_dev

/// A reader in another language, written from the documentation alone, opens what the program has
/// written.
@Suite struct OutsideReaderTests {
  @Test func cardsAreReadWithTheKeyFileAlsoAfterRotations() throws {
    let reader = try OutsideProgram.command("read_vault.py")
    try withScratchDirectory { directory in
      let runner = try CommandLineRunner(directory: "\(directory)/i")
      try runner.act("start")
      try runner.act("tokenize 4970105181818183")
      try runner.succeed("cadenas keys rotate data --config cadenas.yaml")
      try runner.act("tokenize 378282246310005")
      try runner.succeed("cadenas keys rotate kek --config cadenas.yaml")
      try runner.act("tokenize 5555555555554444")
      let keys = try runner.succeed("cadenas keys status --config cadenas.yaml --format json")
      try runner.act("stop")
      let active = try #require(
        runner.succeed("ls keys").split(separator: "\n").last { name in
          keys.contains("\"id\":\"\(name.prefix(8))\",\"role\":\"kek\",\"state\":\"active\"")
        })
      let text = try runner.succeed("\(reader) store --kek keys/\(active)", as: .test)
      for number in ["4970105181818183", "378282246310005", "5555555555554444"] {
        #expect(text.contains("\"number\": \"\(number)\", \"exp_month\": 12, \"exp_year\": 2099"))
      }
      #expect(text.ranges(of: "\"token\": \"tok_").count == 3)
      #expect(text.ranges(of: "\"role\": \"data\"").count == 2)
    }
  }

  @Test func theKeyringOpensWithSharesAndPassphrases() throws {
    let reader = try OutsideProgram.command("read_vault.py")
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
      let made = try runner.succeed(ceremony.joined(separator: " "))
      let shares = "--share shares/c.share --share shares/a.share"
      let read = try runner.succeed(
        "printf 'passphrase of c\\npassphrase of a\\n' | \(reader) sealed \(shares)", as: .test)
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
        let result = try runner.run(
          "printf '\(passphrases)' | \(reader) sealed \(shares)", as: .test)
        #expect(result.lines == ["refused: \(refusal)"])
        #expect(result.status == 1)
      }
    }
  }
}
