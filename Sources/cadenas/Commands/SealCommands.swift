import Administration
import ArgumentParser
import Keyring
import RecordFormat
import VaultManagement

struct SealCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "seal",
    abstract: "Close the keyring: requests are answered 503 sealed, no key is left in memory.",
    discussion: """
      Nobody is waited for: payments that are under way are answered 504 outcome-unknown, and have \
      that outcome in the audit log, with the reason sealed. Administration and the audit log go on.
      """)

  @OptionGroup var common: CommonOptions
  @OptionGroup var why: ReasonOption

  func run() throws {
    try common.show(Seal(because: why.value), offline: false) {
      "the service is \($0.text("state"))\n"
    }
  }
}

struct UnsealCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unseal", abstract: "Open the keyring of a sealed service.",
    discussion: """
      Where custodians hold the key, each of them enters their own share with --share, at their own \
      terminal and in any order; the passphrase is asked for. When enough shares have been entered, \
      the service opens. Those that wait longer than keys.share_minutes are forgotten; --progress says \
      whose were entered, and how many are missing. Where the key source has the key whole, no share is \
      needed.
      """)

  @OptionGroup var common: CommonOptions
  @OptionGroup var why: ReasonOption
  @OptionGroup var share: ShareOption
  @Flag(help: "Show whose shares have been entered, and enter none.") var progress = false

  func validate() throws {
    guard !progress || share.file == nil else {
      throw ValidationError("--progress and --share do not go together")
    }
  }

  func run() throws {
    if progress { return try common.show(ShowShares(), offline: false, ShareOption.text) }
    if let file = share.file {
      return try share.enter(file, for: .unseal, because: why.value, common)
    }
    try common.show(Unseal(because: why.value), offline: false, showing: "records") {
      "the service is \($0.text("state"))\n"
    }
  }
}

/// A custodian's share, and its passphrase.
struct ShareOption: ParsableArguments {
  /// How long entered shares still wait.
  static func timeLeft(_ progress: DocumentView) -> String {
    let minutes = ((progress["seconds_left"]?.integer ?? 0) + 59) / 60
    return minutes == 1 ? "1 minute" : "\(minutes) minutes"
  }

  /// How far custodians are.
  fileprivate static func text(_ answer: DocumentView) -> String {
    let waiting = answer.rows("shares").map { progress in
      let entered = progress.texts("entered")
      return (progress.text("purpose") == "unseal" ? "to unseal" : "to replace the custodians")
        + ": \(entered.isEmpty ? "none" : progress.list("entered")); "
        + "\(progress.text("missing")) more within \(timeLeft(progress))\n"
    }
    return "the service is \(answer.text("state"))\n"
      + (waiting.isEmpty ? "no share has been entered\n" : waiting.joined())
  }

  @OptionGroup var passphrases: PassphraseOption

  @Option(
    name: .customLong("share"),
    help: ArgumentHelp(
      "A custodian's share, as it was written or typed in from paper.", valueName: "file"))
  var file: String?

  func enter(
    _ file: String, for purpose: ShareProgress.Purpose, because why: KeyReason,
    _ common: CommonOptions
  ) throws {
    let share = try CeremonyFiles.readShare(file)
    let passphrase = try passphrases.existing(of: share.header.custodian)
    let body = try ShareBody.make(passphrase: passphrase, text: Array(share.text.utf8))
    let operation: any AdminOperation =
      switch purpose {
      case .unseal: EnterUnsealShare(because: why)
      case .replacement: EnterCeremonyShare(because: why)
      }
    try common.show(operation, body: body, offline: false) { answer in
      let text = "entered: \(answer.texts("entered").joined(separator: ", "))\n"
      if let missing = answer["missing"]?.integer, missing > 0 {
        return text + "\(missing) more within \(Self.timeLeft(answer))\n"
      }
      return text
        + (purpose == .unseal
          ? "the service is \(answer.text("state"))\n" : "the new custodians are in place\n")
    }
  }
}
