import Administration
import ArgumentParser
import RecordFormat
import VaultManagement

struct StoreBackupCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backup",
    abstract: "Copy the store to a file while the service goes on, and keep account of it.",
    discussion: """
      Without a word after it, "cadenas store backup" is "cadenas store backup create".
      """,
    subcommands: [
      StoreBackupCreateCommand.self, StoreBackupListCommand.self, StoreBackupForgetCommand.self,
    ], defaultSubcommand: StoreBackupCreateCommand.self)
}

struct StoreBackupCreateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create",
    abstract: "Copy the store to a new file.",
    discussion: """
      The copy is one moment of the store, without its index. It is durable, compared with the store \
      entry by entry, and opened: every record and the whole audit log are verified before it is \
      called done (while the keyring is closed, records are counted only). The file belongs to the \
      user of the service, mode 0600; relative paths start at the working directory of this command.

      Cards in it are encrypted under the store's keys, which are in it too, wrapped under the \
      key-encryption key: keep a copy of that elsewhere. As long as a backup is on record, no key \
      that it needs is destroyed; see "cadenas store backup forget".

      Exit status 0 where it is done, 1 where it is refused or does not verify: the file stays then, \
      on record as unfinished.
      """)

  @OptionGroup var common: CommonOptions

  @Option(help: ArgumentHelp("The file, which must not be there.", valueName: "file"))
  var to: String

  @Option(help: ArgumentHelp("What to note about it.", valueName: "text"))
  var note = ""

  func validate() throws {
    guard noted != nil else { throw ValidationError(BackUpStore.noteRule) }
  }

  @OptionGroup var why: ReasonOption

  private var noted: FreeText? { FreeText(note, longest: BackupRecord.longestNote) }

  func run() throws {
    let document = try common.document(
      BackUpStore(to: AbsolutePath.of(to), note: noted ?? .none, because: why.value),
      offline: true,
      showing: "backing up")
    try common.output.show(document, verdict: Self.text)
  }

  private static func text(_ result: DocumentView, _ isIntact: Bool) -> String {
    var text =
      (isIntact ? Console.styled("done", .green) : Console.styled("not sound", .red)) + "\n"
    text += TextTable.pairs([
      ("backup", result.text("id")), ("state", result.text("state")),
      ("file", result.text("path")), ("size", result.size("bytes")),
      ("SHA-256", result.text("sha256")), ("log entries", result.text("log_size")),
      ("log root", result.text("log_root")), ("opens under", result.text("kek")),
    ])
    for finding in result.rows("findings") {
      text += Console.printable("\(finding.text("name")): \(finding.text("detail"))") + "\n"
    }
    if result["records_verified"]?.isTrue != true {
      text +=
        "The keyring is closed: records were counted and not opened, and the backup "
        + "counts as needing every key.\n"
    } else if result.text("keys") == "-" {
      text += "What keys it needs is not known, so it counts as needing every key.\n"
    }
    return text
  }
}

struct StoreBackupListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List the backups on record: where, when, of what size, and under which key.",
    discussion: """
      "unfinished" is one that was cut off, or did not verify: its file may be there, and a draft \
      beside it that begins with its name and ends in .new. It counts as kept. A restored store knows the backup that it was \
      made of as unfinished, since that is what it was when it was copied.
      """)

  @OptionGroup var common: CommonOptions

  func run() throws {
    try common.show(ListBackups(), offline: true) { list in
      TextTable(
        [
          ("ID", .left, "id"), ("STATE", .left, "state"), ("CREATED", .left, "created"),
          ("SIZE", .right, "bytes"), ("KEK", .left, "kek"), ("BY", .left, "actor"),
          ("FILE", .left, "path"), ("NOTE", .left, "note"),
        ], list.rows("backups")
      ) { $1 == "bytes" ? $0.size($1) : $0.text($1) }.text
    }
  }
}

struct StoreBackupForgetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forget",
    abstract: "Note that a backup is destroyed, so that it needs no key any more.",
    discussion: """
      This deletes no file. Destroy the file and every copy of it first, wherever they are: keys that \
      only forgotten backups need can be destroyed afterwards, and what is left of a backup cannot \
      be read then.
      """)

  @OptionGroup var common: CommonOptions

  @Argument(help: ArgumentHelp("The backup, as the list names it.", valueName: "id"))
  var backup: KeyIdentifier

  @OptionGroup var why: ReasonOption

  func validate() throws { _ = try why.required() }

  func run() throws {
    try common.show(ForgetBackup(backup, because: why.value), offline: true) { result in
      WaitingView.text(result, "to forget the backup \(backup.text)") ?? Self.text(result)
    }
  }

  static func text(_ result: DocumentView) -> String {
    let path = Console.printable(result.text("path"))
    return "The backup \(result.text("id")) is forgotten: no key is kept for it any more.\n"
      + (result["file_exists"]?.isTrue == true
        ? Console.styled("warning", .yellow)
          + " \(path) is still there: nothing was deleted; destroy it, and every copy\n"
        : "No file was deleted: \(path) and every copy of it have to be destroyed by now.\n")
  }
}
