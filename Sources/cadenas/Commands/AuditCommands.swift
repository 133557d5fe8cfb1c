import Administration
import ArgumentParser

/// `cadenas audit`.
struct AuditCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit", abstract: "Read and verify the audit log.",
    subcommands: [AuditShowCommand.self, AuditVerifyCommand.self, AuditReportCommand.self])
}

/// `cadenas audit verify`.
struct AuditVerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Recompute the whole log and find the first entry that was changed.",
    discussion: """
      Every line, its noted hash and the Merkle tree over all of them are recomputed, while the \
      service goes on. Exit status 0 where nothing was changed, 1 where something was. Note the \
      root elsewhere: it is what a later verification can be compared with.
      """)

  @OptionGroup var config: ConfigurationOption
  @OptionGroup var output: FormatOption

  func run() throws {
    let document = try Session(config).document(
      .auditVerify, offline: true, showing: "verifying the log")
    let result = try DocumentView(document)
    let isIntact = result["intact"]?.isTrue == true
    switch output.format {
    case .json: Console.write(document + [UInt8(ascii: "\n")])
    case .table:
      if isIntact {
        Console.write(
          Console.styled("intact", .green) + "\n"
            + TextTable.pairs([
              ("entries", result.text("size")), ("root", result.text("root")),
            ]))
      } else {
        Console.write(
          Console.styled("changed", .red) + "\n"
            + TextTable.pairs([
              ("first bad sequence", result.text("first_bad_sequence")),
              ("reason", "\(result.text("reason")): \(result.text("detail"))"),
              ("entries", result.text("size")),
            ]))
      }
    }
    if !isIntact { throw ExitCode(CommandFailure.Status.refused.rawValue) }
  }
}
