import Administration
import ArgumentParser
import RecordFormat

struct KeysHistoryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history",
    abstract: "Tell what happened to each key, from the audit log.",
    discussion: """
      Every line is an entry of the audit log, or, for the key that another one replaced, the other \
      half of one: --format json names its sequence, which audit show prints and audit prove proves.
      """)

  @OptionGroup var common: CommonOptions

  @Argument(help: ArgumentHelp("The key; every key where it is left out.", valueName: "key"))
  var key: KeyIdentifier?

  func run() throws {
    try common.show(ShowKeyHistory(key), offline: true, showing: "reading the log") { view in
      let table = TextTable(
        [
          ("TIME", .left, "time"), ("KEY", .left, "key"), ("ROLE", .left, "role"),
          ("EVENT", .left, "event"), ("ACTOR", .left, "actor"),
          ("APPROVED BY", .left, "approved_by"), ("REASON", .left, "reason"),
        ], view.rows("events")
      ) { $1 == "approved_by" ? $0.list($1) : $0.text($1) }.text
      guard let omitted = view["omitted"]?.integer, omitted > 0 else { return table }
      return table + "\(omitted) older events are left out; audit show --key has them all.\n"
    }
  }
}
