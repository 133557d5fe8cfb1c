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
      Who you are is known from the system. Nobody can approve twice, or what they asked for. What is done \
      is what "cadenas approvals" says, in the commit of the last approval; a ceremony is held afterwards, \
      with the command and plan that it was asked for with.
      """)

  @OptionGroup var common: CommonOptions
  @OptionGroup var why: ReasonOption
  @Argument(help: ArgumentHelp("The request; see: cadenas approvals.", valueName: "id"))
  var approval: KeyIdentifier

  func run() throws {
    let document = try common.document(
      Approve(approval.text, because: why.value), offline: false, showing: "working")
    if try DocumentView(document).text("operation") == "keys.destroy" {
      _ = try DestructionView.show(document, isDryRun: false, common.output)
    } else {
      try common.output.show(document, ApprovedView.text)
    }
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

/// That something waits for other persons.
enum WaitingView {
  /// What `what` waits for; nil where it waits for nobody.
  static func text(_ answer: DocumentView, _ what: String) -> String? {
    guard let missing = answer["missing"]?.integer, missing > 0 else { return nil }
    return "\(what) waits for \(missing) more of \(answer.text("persons")) persons:\n"
      + "  cadenas approve \(answer.text("approval"))\n"
  }
}

/// What an approval of anything but a destruction came to.
private enum ApprovedView {
  static func text(_ answer: DocumentView) -> String {
    if let waiting = WaitingView.text(answer, "the request") { return waiting }
    switch answer.text("operation") {
    case "store.backup.forget": return StoreBackupForgetCommand.text(answer)
    case "audit.archive": return TextTable.pairs(AuditArchiveCommand.pairs(answer))
    default:
      return
        "the ceremony may be held now, with the command and plan that it was asked for with\n"
    }
  }
}

private enum ApprovalTable {
  static func text(_ list: DocumentView) -> String {
    let waiting = list.rows("approvals")
    guard !waiting.isEmpty else { return "nothing waits for approval\n" }
    return TextTable(
      [
        ("ID", .left, "id"), ("REQUEST", .left, "asks"), ("REQUESTED BY", .left, "requested_by"),
        ("ENDS", .left, "ends"),
        ("APPROVED BY", .left, "approved_by"), ("MISSING", .right, "missing"),
        ("TICKET", .left, "ticket"), ("REASON", .left, "reason"),
      ], waiting
    ) { $1 == "approved_by" ? $0.list($1) : $0.text($1) }.text
  }
}
