import Administration
import ArgumentParser
import RecordFormat

struct ApprovalsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "approvals",
    abstract: "List the requests that wait for another person.",
    discussion: "A request ends by itself after seven days.")

  @OptionGroup var common: CommonOptions

  func run() throws {
    try common.show(ListApprovals(), offline: false, ApprovalTable.text)
  }
}

struct ApproveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "approve",
    abstract: "Approve what another person has asked for; the last one who is missing has it done.",
    discussion: """
      Who you are is known from the system. Nobody can approve twice, or what they asked for.
      """)

  @OptionGroup var common: CommonOptions
  @Argument(help: ArgumentHelp("The request; see: cadenas approvals.", valueName: "id"))
  var approval: KeyIdentifier

  func run() throws {
    let document = try common.document(
      Approve(approval.text), offline: false, showing: "compacting")
    _ = try DestructionView.show(document, isDryRun: false, common.output)
  }
}

struct RejectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reject",
    abstract: "Reject a request that waits, or take your own back.")

  @OptionGroup var common: CommonOptions
  @OptionGroup var why: ReasonOption
  @Argument(help: ArgumentHelp("The request; see: cadenas approvals.", valueName: "id"))
  var approval: KeyIdentifier

  func run() throws {
    try common.show(
      Reject(approval.text, because: why.value), offline: false, ApprovalTable.text)
  }
}

private enum ApprovalTable {
  static func text(_ list: DocumentView) -> String {
    let waiting = list.rows("approvals")
    guard !waiting.isEmpty else { return "nothing waits for approval\n" }
    return TextTable(
      [
        ("ID", .left, "id"), ("OPERATION", .left, "operation"), ("KEY", .left, "key"),
        ("REQUESTED BY", .left, "requested_by"), ("ENDS", .left, "ends"),
        ("APPROVED BY", .left, "approved_by"), ("MISSING", .right, "missing"),
        ("TICKET", .left, "ticket"), ("REASON", .left, "reason"),
      ], waiting
    ) { $1 == "approved_by" ? $0.list($1) : $0.text($1) }.text
  }
}
