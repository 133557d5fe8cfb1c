import Administration
import ArgumentParser
import ConfigurationReading
import Glibc
import SecretMemory
import VaultManagement

struct StoreRestoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore",
    abstract: "Make a store of a backup, where there is none.",
    discussion: """
      Run it as the user of the service, which must not run; "store.path" of the configuration must \
      not be there, or be empty. The key-encryption key that the backup names has to be in the key \
      source; where custodians hold it, enough of them name their shares with --share, and type their \
      passphrases one after the other. The backup is verified, its audit log recomputed, and every record of the new store \
      opened before it gets its name: after a failure there is none.

      The new store has an identifier and an audit log of its own. Its first entry names the log in \
      the backup, and with --last-known what is known of it from elsewhere; the entries themselves \
      stay in the backup, so keep it. Tokens, keys and remembered answers are those of the backup: \
      what came after it is lost. The index is built anew at the next start.
      """)

  @OptionGroup var common: CommonOptions

  @Option(help: ArgumentHelp("The backup.", valueName: "file"))
  var from: String

  @Option(
    help: ArgumentHelp(
      "The last that is known of the log: its size and root (base 64 or hexadecimal), or a file "
        + "with a checkpoint.", valueName: "size:root|file"))
  var lastKnown: String?

  @OptionGroup var why: ReasonOption
  @OptionGroup var passphrases: PassphraseOption

  @Option(
    name: .customLong("share"),
    help: ArgumentHelp(
      "The share of a custodian of the backup's key; once for each of them.", valueName: "file"))
  var shares: [String] = []

  func run() throws {
    let configuration = try common.config.load()
    if configuration.administration.ticketsRequired, why.value.ticket.isEmpty {
      throw CommandFailure(AdministrationError.ticketNeeded)
    }
    try Session.checkOwner(of: configuration.store.path)
    try Session.refuseService(at: configuration.administration.socketPath)
    let known = try lastKnown.map(Self.lastKnown)
    var progress = ProgressLine("restoring")
    let document = try Restoration(
      of: try AbsolutePath.of(from), to: configuration.store.path,
      mapSize: Int(configuration.store.mapSizeBytes), lastKnown: known,
      because: why.value, actor: HostUser.currentActor, clock: .machine,
      slots: try SecretPool(slots: Session.slots, slotSize: Session.slotBytes),
      permit: { try DevelopmentMark.check($0, configuration) },
      key: {
        try CopyKey(sharePaths: shares, passphrases: passphrases, configuration: configuration)
          .load($0, of: $1)
      }
    ).run { _, done, total in progress.show(done: done, total: total) }
    try common.output.show(document, Self.text)
  }

  /// Reads what the option names: the text itself, or a file with a checkpoint.
  private static func lastKnown(_ text: String) throws(CommandFailure) -> LastKnown {
    if let known = LastKnown(text) { return known }
    let bytes: [UInt8]
    do throws(ConfigurationFileProblem) {
      bytes = try ConfigurationFiles.read(text, maximumBytes: LastKnown.longestCheckpoint)
    } catch {
      throw CommandFailure(
        .invalid, "--last-known is neither SIZE:ROOT nor a checkpoint: \(text) \(error.text)")
    }
    guard let known = LastKnown(checkpoint: bytes) else {
      throw CommandFailure(.invalid, "--last-known: \(text) is no checkpoint of a store of Cadenas")
    }
    return known
  }

  private static func text(_ result: DocumentView) -> String {
    var text =
      Console.styled("restored", .green) + "\n"
      + TextTable.pairs([
        ("store", result.text("store")), ("directory", result.text("directory")),
        ("cards", result.text("cards")), ("made of the store", result.text("from_store")),
        ("entries of its log", result.text("log_size")), ("their root", result.text("log_root")),
      ])
    if let lost = result["lost_entries"]?.integer {
      text +=
        lost > 0
        ? Console.styled("warning", .yellow)
          + " \(lost) entries that were written after the backup are lost\n"
        : "Nothing that was known of the log is lost.\n"
    }
    return text + "Keep the backup: the audit log up to it is in it alone.\n"
  }
}

extension Session {
  /// Refuses what may not be done while a service runs: it would find its store replaced.
  static func refuseService(at socket: String) throws {
    do {
      try AdminClient(path: socket).run(ShowStatus()) { _ in }
    } catch AdminClient.Failure.socket(.noService(_)) {
      return
    } catch {
      throw CommandFailure(error)
    }
    throw CommandFailure(
      .refused, "the service is running; stop it before a backup is restored")
  }
}
