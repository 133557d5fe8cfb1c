import Administration
import ArgumentParser
import RecordFormat

/// `cadenas approvals`.
struct ApprovalsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "approvals",
    abstract: "List the requests that wait for another person.",
    discussion: "A request ends by itself after seven days.")

  @OptionGroup var config: ConfigurationOption
  @OptionGroup var output: FormatOption

  func run() throws {
    try output.show(
      Session(config).document(ListApprovals(), offline: false), ApprovalTable.text)
  }
}

/// `cadenas approve`.
struct ApproveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "approve",
    abstract: "Approve what another person has asked for; the last one who is missing has it done.",
    discussion: """
      Who you are is known from the system. Nobody can approve twice, or what they asked for.
      """)

  @OptionGroup var config: ConfigurationOption
  @OptionGroup var output: FormatOption
  @Argument(help: ArgumentHelp("The request; see: cadenas approvals.", valueName: "id"))
  var approval: KeyIdentifier

  func run() throws {
    let document = try Session(config).document(
      Approve(approval.text), offline: false, showing: "compacting")
    _ = try DestructionView.show(document, isDryRun: false, output)
  }
}

/// `cadenas reject`.
struct RejectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reject",
    abstract: "Reject a request that waits, or take your own back.")

  @OptionGroup var config: ConfigurationOption
  @OptionGroup var output: FormatOption
  @OptionGroup var why: ReasonOption
  @Argument(help: ArgumentHelp("The request; see: cadenas approvals.", valueName: "id"))
  var approval: KeyIdentifier

  func run() throws {
    let document = try Session(config).document(
      Reject(approval.text, because: why.value), offline: false)
    try output.show(document, ApprovalTable.text)
  }
}

private enum ApprovalTable {
  static func text(_ list: DocumentView) -> String {
    let waiting = list["approvals"]?.elements ?? []
    guard !waiting.isEmpty else { return "nothing waits for approval\n" }
    var table = TextTable([
      ("ID", .left), ("OPERATION", .left), ("KEY", .left), ("REQUESTED BY", .left),
      ("ENDS", .left), ("APPROVED BY", .left), ("MISSING", .right), ("TICKET", .left),
      ("REASON", .left),
    ])
    for approval in waiting {
      let approvers = approval["approved_by"]?.elements.map(\.text) ?? []
      table.add([
        approval.text("id"), approval.text("operation"), approval.text("key"),
        approval.text("requested_by"), approval.text("ends"),
        approvers.isEmpty ? "-" : approvers.joined(separator: ", "), approval.text("missing"),
        approval.text("ticket"), approval.text("reason"),
      ])
    }
    return table.text
  }
}
