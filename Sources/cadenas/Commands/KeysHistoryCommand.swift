import Administration
import ArgumentParser
import RecordFormat

/// `cadenas keys history`.
struct KeysHistoryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history",
    abstract: "Tell what happened to each key, from the audit log.",
    discussion: """
      Every line is an entry of the audit log, or, for the key that another one replaced, the other \
      half of one: --format json names its sequence, which audit show prints and audit prove proves.
      """)

  @OptionGroup var config: ConfigurationOption
  @OptionGroup var output: FormatOption

  @Argument(help: ArgumentHelp("The key; every key where it is left out.", valueName: "key"))
  var key: KeyIdentifier?

  func run() throws {
    let document = try Session(config).document(
      ShowKeyHistory(key), offline: true, showing: "reading the log")
    try output.show(document) { view in
      var table = TextTable([
        ("TIME", .left), ("KEY", .left), ("ROLE", .left), ("EVENT", .left), ("ACTOR", .left),
        ("APPROVED BY", .left), ("REASON", .left),
      ])
      for event in view["events"]?.elements ?? [] {
        let approvers = (event["approved_by"]?.elements ?? []).map(\.text)
        table.add([
          event.text("time"), event.text("key"), event.text("role"), event.text("event"),
          event.text("actor"), approvers.isEmpty ? "-" : approvers.joined(separator: ", "),
          event.text("reason"),
        ])
      }
      guard let omitted = view["omitted"]?.integer, omitted > 0 else { return table.text }
      return table.text
        + "\(omitted) older events are left out; audit show --key has them all.\n"
    }
  }
}
