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

  func run() throws {
    try common.show(Seal(), offline: false) {
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
      the service opens. Those that wait longer than keys.share_minutes are forgotten. Where the key \
      source has the key whole, no share is needed.
      """)

  @OptionGroup var common: CommonOptions
  @OptionGroup var share: ShareOption

  func run() throws {
    if let file = share.file {
      return try share.enter(file, for: .unseal, common)
    }
    try common.show(Unseal(), offline: false, showing: "records") {
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

  @OptionGroup var passphrases: PassphraseOption

  @Option(
    name: .customLong("share"),
    help: ArgumentHelp(
      "A custodian's share, as it was written or typed in from paper.", valueName: "file"))
  var file: String?

  func enter(
    _ file: String, for purpose: ShareProgress.Purpose, _ common: CommonOptions
  ) throws {
    let share = try CeremonyFiles.readShare(file)
    let passphrase = try passphrases.existing(of: share.header.custodian)
    let body = try ShareBody.make(passphrase: passphrase, text: Array(share.text.utf8))
    let operation: any AdminOperation =
      switch purpose {
      case .unseal: EnterUnsealShare()
      case .replacement: EnterCeremonyShare()
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
