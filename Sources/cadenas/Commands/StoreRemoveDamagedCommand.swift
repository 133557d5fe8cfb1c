import Administration
import ArgumentParser
import VaultCore

struct StoreRemoveDamagedCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove-damaged",
    abstract: "Give up records and kept answers that do not open.",
    discussion: """
      A restore brings back what a disk has damaged; this is for what no backup has. The card is lost, its \
      token is unknown from then on, and its number is new when it comes again: tell the merchant. Of a \
      kept answer (row_…) the vault forgets that it was given: a request that comes again with its \
      Idempotency-Key is done again, so look at the acquirer before a payment is repeated. \
      Afterwards store verify and backups are sound again, and nothing keeps the data key any more.

      What opens is never removed, nor what stands under a key that the keyring lacks although cards are \
      counted under it. Without --execute it says which stay and why, and changes nothing; with it, all are removed \
      or none, each with an entry. It takes an operator; auditors may run it dry. Exit status 0 where all \
      can be removed, or were, 1 otherwise.
      """)

  @OptionGroup var common: CommonOptions
  @OptionGroup var why: ReasonOption

  @Argument(
    help: ArgumentHelp(
      "The tokens of the records, or the keys of records and kept answers, as store verify names them.",
      valueName: "token"))
  var records: [String]

  @Flag(help: "Do it.") var execute = false

  func validate() throws { _ = try entries() }

  /// Whatever else was given is not repeated.
  private func entries() throws -> [DamagedEntry] {
    let entries = records.compactMap { DamagedEntry($0) }
    guard entries.count == records.count else { throw ValidationError(RemoveDamaged.nameRule) }
    return entries
  }

  func run() throws {
    let reason = execute ? try why.required() : why.value
    let document = try common.document(
      RemoveDamaged(entries(), because: reason, execute: execute), offline: false)
    let isPossible = try DocumentView(document).rows("records").allSatisfy {
      $0["stays_because"]?.text ?? "-" == "-"
    }
    try common.output.show(document) { Self.text($0, isPossible) }
    if !isPossible { throw ExitCode(CommandFailure.Status.refused.rawValue) }
  }

  private static func text(_ result: DocumentView, _ isPossible: Bool) -> String {
    let isDone = result["removed"]?.isTrue == true
    let lines = result.rows("records").map { record in
      let stays = record.text("stays_because")
      let what = isDone ? "is removed" : stays == "-" ? "does not open" : "stays: \(stays)"
      return Console.printable("\(record.text("record")) \(what)") + "\n"
    }
    let hint =
      isDone || !isPossible ? "" : "nothing has been changed; to remove them, add --execute\n"
    return lines.joined() + hint
  }
}
