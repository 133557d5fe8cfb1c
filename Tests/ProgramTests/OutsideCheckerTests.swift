import Testing

@testable import cadenas_dev

/// A checker in another language, written from the standards, agrees with the program about logs and
/// proofs, in both directions.
@Suite struct OutsideCheckerTests {
  @Test func whatTheProgramGivesOutIsVerifiedOutside() throws {
    let checker = try OutsideProgram.command("check_log.py")
    try withScratchDirectory { directory in
      let runner = try CommandLineRunner(directory: "\(directory)/i")
      let config = "--config cadenas.yaml"
      try runner.act("start")
      try runner.act("tokenize 4970105181818183")
      // What is noted outside: the first key, and a checkpoint.
      try runner.succeed("cadenas keys public-key \(config) > first && test -s first")
      try runner.succeed("cadenas audit checkpoint \(config) --to kept")
      for number in ["378282246310005", "5555555555554444", "4970105181818183"] {
        try runner.act("tokenize \(number)")
      }
      try runner.succeed("cadenas keys rotate audit \(config)")
      for _ in 0..<3 { try runner.succeed("cadenas keys status \(config)") }
      try runner.succeed("cadenas audit export \(config) --to export")
      try runner.succeed("cadenas keys public-key \(config) > published")
      let found = try runner.succeed("\(checker) export export --key first", as: .test)
      #expect(found.hasSuffix(" entries, 0 archived"))
      try runner.succeed("cadenas audit prove 3 \(config) --to entry")
      // The key of the proof is another than the first: what vouches for it comes along.
      try runner.succeed(
        "sed '/^#/d' first > trusted && sed -n '/succession/,$p' published >> trusted")
      #expect(
        try runner.succeed("\(checker) entry entry --key trusted", as: .test).hasPrefix(
          #"{"seq":3,"#))
      try runner.succeed("cadenas audit prove --since kept \(config) --to growth")
      try runner.succeed("\(checker) growth growth --since kept --key trusted", as: .test)
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
      try runner.succeed("sed -i 's/created/crEated/' export/entries.jsonl")
      #expect(try runner.run("\(checker) export export --key first", as: .test).status == 1)
      #expect(try runner.run("cadenas audit verify --export export").status == 1)
    }
  }

  @Test func theFiguresOfAReportAreWhatIsCountedOutside() throws {
    let counter = try OutsideProgram.command("count_report.py")
    try withScratchDirectory { directory in
      let runner = try CommandLineRunner(directory: "\(directory)/i")
      let config = "--config cadenas.yaml"
      try runner.act("start")
      for number in ["378282246310005", "5555555555554444", "5555555555554444"] {
        try runner.act("tokenize \(number)")
      }
      try runner.act("delete")
      try runner.succeed("cadenas keys rotate data \(config)")
      try runner.succeed("cadenas audit show --limit 1 \(config)")
      #expect(try runner.run("cadenas keys certificate 00000000 \(config)").status == 1)
      try runner.act("stop")
      try runner.act("start")
      try runner.succeed("cadenas audit export \(config) --to export")
      try runner.succeed("cadenas audit report --export export --html page")
      let found = try runner.succeed("\(counter) page export/entries.jsonl", as: .test)
      #expect(found.hasPrefix("equal: 8 figures, "), "\(found)")
      // One entry less, and it sees that the page tells of another log.
      try runner.succeed("sed '/\"tokenize\"/{x;s/^/x/;/^x$/{x;d};x}' export/entries.jsonl > fewer")
      #expect(try runner.run("\(counter) page fewer", as: .test).status == 1)
    }
  }

  @Test func whatIsMadeOutsideIsVerifiedByTheProgram() throws {
    let checker = try OutsideProgram.command("check_log.py")
    try withScratchDirectory { directory in
      let runner = try CommandLineRunner(directory: directory)
      for size in [1, 2, 3, 255, 256, 257, 700] {
        let made = "made\(size)"
        try runner.succeed("\(checker) make \(made) \(size)", as: .test)
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
