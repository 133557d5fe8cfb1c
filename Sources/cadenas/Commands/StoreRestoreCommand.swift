import Administration
import ArgumentParser
import CScrub
import Configuration
import Glibc
import Keyring
import RecordFormat
import SecretMemory
import Storage

/// `cadenas store restore`.
struct StoreRestoreCommand: ParsableCommand {
  /// The longest file that can be a checkpoint, read whole.
  private static let longestCheckpoint = LastKnown.longestCheckpoint

  static let configuration = CommandConfiguration(
    commandName: "restore",
    abstract: "Make a store of a backup, where there is none.",
    discussion: """
      Run it as the user of the service, which must not run; "store.path" of the configuration must \
      not be there, or be empty. The key-encryption key that the backup names has to be in the key \
      source; where custodians held it, enough of their shares are named with --share. The backup is verified, its audit log recomputed, and every record of the new store \
      opened before it gets its name: after a failure there is none.

      The new store has an identifier and an audit log of its own. Its first entry names the log in \
      the backup, and with --last-known what is known of it from elsewhere; the entries themselves \
      stay in the backup, so keep it. Tokens, keys and remembered answers are those of the backup: \
      what came after it is lost. The index is built anew at the next start.
      """)

  @OptionGroup var config: ConfigurationOption
  @OptionGroup var output: FormatOption

  @Option(help: ArgumentHelp("The backup.", valueName: "file"))
  var from: String

  @Option(
    help: ArgumentHelp(
      "The last that is known of the log: its size and root (base 64 or hexadecimal), or a file "
        + "with a checkpoint.", valueName: "size:root|file"))
  var lastKnown: String?

  @Option(
    name: .customLong("share"),
    help: ArgumentHelp("A custodian's share; once for each that it takes.", valueName: "file"))
  var shares: [String] = []

  @OptionGroup var passphrases: PassphraseOption

  func run() throws {
    let configuration = try config.load()
    try Session.checkOwner(of: configuration.store.path)
    try Session.refuseService(at: configuration.administration.socketPath)
    let known = try lastKnown.map(Self.lastKnown)
    var progress = ProgressLine("restoring")
    let document = try Restoration(
      of: try AbsolutePath.of(from), to: configuration.store.path,
      mapSize: Int(configuration.store.mapSizeBytes), lastKnown: known,
      actor: HostUser.current.actor, clock: Clocks.vault,
      slots: try SecretPool(slots: Session.slots, slotSize: Session.slotBytes),
      permit: { try KeyOpening.checkDevelopment($0, configuration) },
      key: { header, backup in
        if let key = try key(of: header, heldByCustodiansOf: backup) { return key }
        let source = try KeyOpening.source(configuration.keys)
        return KeyEncryptionKey(header.kekIdentifier, try source.load(header.kekIdentifier))
      }
    ).run { _, done, total in progress.show(done: done, total: total) }
    switch output.format {
    case .json: Console.write(document + [UInt8(ascii: "\n")])
    case .table: Console.write(Self.text(try DocumentView(document)))
    }
  }

  /// The KEK that the named shares rebuild; nil where the backup knows of no custodians of it.
  private func key(
    of header: KeyringHeader, heldByCustodiansOf backup: Store
  ) throws -> KeyEncryptionKey? {
    guard let set = try CustodianSet.read(in: backup), set.keyIdentifier == header.kekIdentifier
    else { return nil }
    _ = cadenas_harden()
    guard shares.count >= set.threshold else {
      throw CommandFailure(
        .refused,
        "custodians hold the key \(header.kekIdentifier.text) of this backup: name "
          + "\(set.threshold) of their shares, each with --share FILE")
    }
    var collection = ShareCollection(for: set)
    for file in shares.prefix(set.threshold) {
      let share = try CeremonyFiles.readShare(file)
      try collection.check(share)
      let passphrase = try passphrases.existing(of: share.header.custodian)
      try collection.add(share, passphrase: passphrase)
    }
    return try collection.keyEncryptionKey()
  }

  /// Reads what the option names: the text itself, or a file with a checkpoint.
  private static func lastKnown(_ text: String) throws(CommandFailure) -> LastKnown {
    if let known = LastKnown(text) { return known }
    let bytes: [UInt8]
    do throws(ConfigurationFileProblem) {
      bytes = try ConfigurationFiles.read(text, maximumBytes: longestCheckpoint)
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
      try AdminClient(path: socket).run(.status) { _ in }
    } catch AdminClient.Failure.socket(.noService(_)) {
      return
    } catch {
      throw CommandFailure(error)
    }
    throw CommandFailure(
      .refused, "the service is running; stop it before a backup is restored")
  }
}
