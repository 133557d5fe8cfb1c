import Administration
import ArgumentParser

/// `cadenas store`.
struct StoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "store", abstract: "Look at the store, verify it, back it up and restore it.",
    subcommands: [
      StoreStatsCommand.self, StoreVerifyCommand.self, StoreBackupCommand.self,
      StoreRestoreCommand.self, StoreCompactCommand.self,
    ])
}

/// `cadenas store stats`.
struct StoreStatsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats", abstract: "Show how large the store is and what is in it.")

  @OptionGroup var config: ConfigurationOption
  @OptionGroup var output: FormatOption

  func run() throws {
    try output.show(Session(config).document(ShowStore(), offline: true)) { stats in
      var table = TextTable([("TABLE", .left), ("ENTRIES", .right)])
      for row in stats["tables"]?.elements ?? [] {
        table.add([row.text("name"), row.text("entries")])
      }
      return TextTable.pairs([
        ("store", stats.text("store")), ("directory", stats.text("directory")),
        ("file", stats.size("file_bytes")), ("used", stats.size("used_bytes")),
        ("of that free", stats.size("free_bytes")), ("may grow to", stats.size("map_bytes")),
      ]) + "\n" + table.text
    }
  }
}

/// `cadenas store verify`.
struct StoreVerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Open every record and count all of them against the audit log.",
    discussion: """
      What was created and not deleted has to be there, every record has to open under its key, and \
      the file has to have its length. Exit status 0 where all is well, 1 where something is not. \
      While the service runs, its index is not compared; stop it for that.
      """)

  @OptionGroup var config: ConfigurationOption
  @OptionGroup var output: FormatOption

  func run() throws {
    let document = try Session(config).document(
      VerifyStore(), offline: true, showing: "opening records")
    let isIntact = try DocumentView(document)["intact"]?.isTrue == true
    try output.show(document) { Self.text($0, isIntact: isIntact) }
    if !isIntact { throw ExitCode(CommandFailure.Status.refused.rawValue) }
  }

  private static func text(_ result: DocumentView, isIntact: Bool) -> String {
    let verdict = isIntact ? Console.styled("intact", .green) : Console.styled("damaged", .red)
    let findings = result["findings"]?.elements ?? []
    var pairs = [
      ("records", result.text("records")),
      ("opened", result.text("opened")),
      ("created", result.text("created") + " by the audit log"),
      ("deleted", result.text("deleted") + " by the audit log"),
      ("missing from index", result.text("missing_from_index")),
    ]
    if result["restored"]?.integer ?? 0 > 0 {
      pairs.insert(("restored", result.text("restored") + " by the audit log"), at: 2)
    }
    return verdict + "\n" + TextTable.pairs(pairs)
      + findings.map { Console.printable("\($0.text("name")): \($0.text("detail"))") + "\n" }
      .joined()
      + (result["damaged_tokens"]?.elements ?? []).map { "  \($0.text)\n" }.joined()
  }
}
