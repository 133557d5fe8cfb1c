import Administration
import ArgumentParser

struct StoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "store", abstract: "Look at the store, verify it, back it up and restore it.",
    subcommands: [
      StoreStatsCommand.self, StoreVerifyCommand.self, StoreBackupCommand.self,
      StoreRestoreCommand.self, StoreCompactCommand.self, StoreRemoveDamagedCommand.self,
    ])
}

struct StoreStatsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats", abstract: "Show how large the store is and what is in it.")

  @OptionGroup var common: CommonOptions

  func run() throws {
    try common.show(ShowStore(), offline: true) { stats in
      let table = TextTable(
        [("TABLE", .left, "name"), ("ENTRIES", .right, "entries")], stats.rows("tables"))
      return TextTable.pairs([
        ("store", stats.text("store")), ("directory", stats.text("directory")),
        ("file", stats.size("file_bytes")), ("used", stats.size("used_bytes")),
        ("of that free", stats.size("free_bytes")), ("may grow to", stats.size("map_bytes")),
      ]) + "\n" + table.text
    }
  }
}

struct StoreVerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Open every record and count all of them against the audit log.",
    discussion: """
      First every page is read: what it is, in which order its keys stand, and, where no service \
      runs, that none is used twice. What was created and not deleted has to be there, every record \
      and every kept answer has to open under its key, and the index has to lead to each card up to \
      its mark and to nothing else. A card that has two tokens of one merchant is told, and is no damage. \
      Exit status 0 where all is well, 1 where something is not. It \
      works beside a running service, where the newest cards' entries may still be in memory.
      """)

  @OptionGroup var common: CommonOptions

  func run() throws {
    let document = try common.document(
      VerifyStore(), offline: true, showing: "opening records")
    try common.output.show(document, verdict: Self.text)
  }

  private static func text(_ result: DocumentView, _ isIntact: Bool) -> String {
    let verdict = isIntact ? Console.styled("intact", .green) : Console.styled("damaged", .red)
    var pairs = [
      ("records", result.text("records")),
      ("opened", result.text("opened")),
      ("created", result.text("created") + " by the audit log"),
      ("deleted", result.text("deleted") + " by the audit log"),
      // The newest cards: one before them that is missing there is wrong.
      ("not in index yet", result.text("missing_from_index")),
      ("wrong in index", result.text("wrong_in_index")),
    ]
    if result["restored"]?.integer ?? 0 > 0 {
      pairs.insert(("restored", result.text("restored") + " by the audit log"), at: 2)
    }
    return verdict + "\n" + TextTable.pairs(pairs)
      + result.rows("findings").map {
        Console.printable("\($0.text("name")): \($0.text("detail"))") + "\n"
      }.joined()
      + (result.texts("damaged_tokens") + result.texts("damaged_row_keys"))
      .map { "  \($0)\n" }.joined()
      + result.rows("second_token_pairs").map {
        "  two tokens: \($0.text("older")), then \($0.text("newer"))\n"
      }.joined()
  }
}
