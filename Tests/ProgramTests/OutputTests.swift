import ArgumentParser
import Testing

@testable import cadenas
@testable import cadenas_dev

/// Standard output that cannot be written: no command that prints says that all is well.
@Suite struct OutputTests {
  /// Commands that have nothing to print, or whose way of printing another one shows.
  private static let others: Set<String> = [
    "serve",
    // Takes a second person, and prints as `keys destroy` does.
    "approve",
    // Takes the present custodians, and prints as `create` and `unseal --share` do.
    "keys ceremony replace", "keys ceremony authorize",
  ]

  /// The id of the key of a role that is in a state.
  private static func key(_ role: String, _ state: String = "active") -> String {
    "$(cadenas keys status --config cadenas.yaml | awk '$2 == \"\(role)\" && $3 == \"\(state)\" "
      + "{id = $1} END {print id}')"
  }

  /// With a service that runs, in this order, since each finds what the one before left. The last word of
  /// a name is that of a command.
  private static let running: [(name: String, arguments: String)] = [
    ("status", ""), ("metrics", ""), ("check", ""), ("keys status", ""), ("keys history", ""),
    ("keys inventory", ""), ("keys public-key", ""), ("keys rotate", "data"),
    ("keys reencrypt", ""), ("keys certificate", key("data", "deactivated")),
    ("keys compromise", key("data", "deactivated") + " --ticket T-1"),
    ("keys deactivate", key("audit") + " --ticket T-1"),
    ("keys destroy", key("data", "compromised") + " --execute --ticket T-1"),
    ("approvals", ""),
    (
      "reject",
      "$(cadenas approvals --config cadenas.yaml --format json | sed 's/.*\"id\":\"\\([^\"]*\\)\".*/\\1/')"
    ),
    ("audit show", ""), ("audit show", "--format json"), ("audit verify", ""),
    ("audit prove", "0"), ("audit checkpoint", ""), ("audit export", "--to exported"),
    ("audit archive", "--before 2099-01-01 --to archived"), ("audit report", "--html report.html"),
    ("store stats", ""), ("store verify", ""), ("store backup create", "--to b.mdb"),
    ("store backup list", ""),
    (
      "store backup forget",
      "$(cadenas store backup list --config cadenas.yaml --format json | "
        + "sed 's/.*\"id\":\"\\([^\"]*\\)\".*/\\1/') --reason gone"
    ),
    ("store compact", ""), ("store remove-damaged", "tok_01kax3zv5ye8bvkp2mszn9fqxw"),
    ("honeytoken add", "--merchant shop"), ("honeytoken list", ""),
    (
      "honeytoken remove",
      "$(cadenas honeytoken list --config cadenas.yaml --format json | "
        + "sed 's/.*\"token\":\"\\([^\"]*\\)\".*/\\1/')"
    ),
    ("audit evidence", "--to folder"), ("access", ""), ("acquirers show", ""),
    ("acquirers test", "credit-du-nord"),
    ("brands show", "497010"),
    (
      "brands check",
      "$(echo 'ranges: [{prefixes: [4], lengths: [16], brand: visa}]' > b.yaml; echo b.yaml)"
    ),
    ("seal", ""), ("unseal", ""),
  ]

  @Test func everyCommandThatPrintsFailsWhereItCannot() throws {
    try withScratchDirectory { directory in
      let runner = try CommandLineRunner(directory: "\(directory)/i")
      try runner.act("start")
      try runner.act("stop")
      _ = try runner.run(
        #"sed -i 's/^  operators:/  approvals: {destroy: 2}\n  operators:/; "#
          + #"s/^merchants:/audit: {keep_at_hand: 0d}\nmerchants:/' cadenas.yaml"#)
      try runner.act("start")
      try runner.act("tokenize 4970105181818183")
      var seen = Self.others
      func expectFailure(_ name: String, _ line: String) throws {
        let result = try runner.run(line)
        #expect(result.status == 3, "\(line)\n\(result.lines)")
        #expect(
          result.lines.last
            == "cadenas: standard output cannot be written: No space left on device",
          "\(line)\n\(result.lines)")
        seen.insert(name)
      }
      for (name, arguments) in Self.running {
        try expectFailure(name, "cadenas \(name) \(arguments) --config cadenas.yaml > /dev/full")
      }
      try runner.act("stop")
      try ceremony(runner, expectFailure)
      try expectFailure("store restore", restore)
      for text in ["cadenas --version", "cadenas keys --help"] {
        try expectFailure("", text + " > /dev/full")
      }
      let all = Set(Self.commands(of: Cadenas.self))
      #expect(all.subtracting(seen) == [], "commands that nobody has tried")
    }
  }

  private let restore =
    "mv store before; cadenas store restore --from b.mdb --config cadenas.yaml > /dev/full"

  /// Those with passphrases; of a ceremony for a service that runs nothing is left.
  private func ceremony(
    _ runner: CommandLineRunner, _ expectFailure: (String, String) throws -> Void
  ) throws {
    _ = try runner.run(
      #"printf 'vault: v\nthreshold: 2\ncustodians: [{name: a}, {name: b}]\n' > plan.yaml; "#
        + #"printf 'passphrase of a\npassphrase of b\n' > words; "#
        + "sed -e 's/source: file/source: custodians/' -e '/^  path: keys/d' "
        + "-e 's/path: store/path: sealed/' cadenas.yaml > custodians.yaml")
    try expectFailure(
      "init",
      "cadenas init --config custodians.yaml --ceremony plan.yaml --shares shares --passphrase-fd 0 "
        + "< words > /dev/full")
    try expectFailure(
      "keys ceremony verify",
      "cadenas keys ceremony verify shares/a.share --passphrase-fd 0 < words > /dev/full")
    try runner.act("start")
    try expectFailure(
      "keys ceremony create",
      "cadenas keys ceremony create plan.yaml --shares none --passphrase-fd 0 "
        + "--config cadenas.yaml < words > /dev/full")
    #expect(try runner.run("ls none").lines == [])
    try runner.act("stop")
  }

  /// The names of all commands that do something, from the root.
  private static func commands(of command: any ParsableCommand.Type) -> [String] {
    command.configuration.subcommands.flatMap { subcommand in
      let name = subcommand.configuration.commandName ?? ""
      let below = commands(of: subcommand)
      return below.isEmpty ? [name] : below.map { "\(name) \($0)" }
    }
  }
}
