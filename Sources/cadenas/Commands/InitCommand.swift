import ArgumentParser
import ConfigurationReading
import JSON
import Keyring
import RecordFormat

struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Create the store, its keyring and the first keys.",
    discussion: """
      Run it once, as the user that will run the service. It makes the directory of "store" and, in \
      the directory of "keys", the key-encryption key. Copy that key to a safe place of its own at \
      once: without it, no card can ever be read again.

      Where "keys" names custodians, it holds the key ceremony of the plan (a plan to begin with is \
      keys/ceremony.yaml): each custodian types a passphrase, and DIR then holds a share for each, \
      NAME.share, and the transcript to sign.
      """)

  @OptionGroup var common: CommonOptions
  @OptionGroup var passphrases: PassphraseOption

  @Option(help: ArgumentHelp("The plan of the key ceremony.", valueName: "plan"))
  var ceremony: String?

  @Option(
    help: ArgumentHelp(
      "Where shares and transcript are written; made if need be.", valueName: "dir"))
  var shares: String?

  func validate() throws {
    guard (ceremony == nil) == (shares == nil) else {
      throw ValidationError("--ceremony and --shares go together")
    }
    guard ceremony != nil || passphrases.descriptor == nil else {
      throw ValidationError("--passphrase-fd goes with --ceremony")
    }
  }

  func run() throws {
    let configuration = try common.config.load()
    guard let ceremony, let shares else {
      return try show(Initialization.run(configuration))
    }
    guard configuration.keys.source.isHeldByCustodians else {
      throw CommandFailure(
        .invalid,
        "--ceremony goes with \"keys: {source: custodians}\", and \(configuration.file) says "
          + "another source")
    }
    let outcome = try Initialization.run(
      configuration,
      Initialization.CeremonyOrder(
        planPath: ceremony, files: CeremonyFiles(directory: shares), passphrases: passphrases))
    try show(outcome)
  }

  private func show(_ outcome: Initialization.Outcome) throws {
    let document = JSONWriter.document { json in
      json.member("store", string: outcome.store)
      json.member("key_file", string: outcome.keyFile)
      Self.add(outcome.keys, to: &json)
    }
    try common.output.show(document) { _ in
      TextTable.pairs([("store", outcome.store), ("key file", outcome.keyFile)]) + "\n"
        + Self.table(outcome.keys) + "\nKeep a copy of the key file in a safe place of its own.\n"
    }
  }

  private func show(_ outcome: Initialization.CeremonyOutcome) throws {
    let transcript = outcome.transcript
    let document = JSONWriter.document { json in
      json.member("store", string: outcome.store)
      json.member("vault", string: transcript.set.vault.text)
      json.member("threshold", integer: transcript.set.threshold)
      json.member("transcript", string: outcome.files.transcriptPath)
      json.member("custodians", objects: transcript.set.custodians.enumerated()) { json, each in
        json.member("name", string: each.element.name.text)
        json.member("share", integer: each.offset + 1)
        json.member("check_value", string: Transcript.checkValue(of: each.element))
        json.member("file", string: outcome.files.path(of: each.element.name))
      }
      Self.add(transcript.keys, to: &json)
    }
    try common.output.show(document) { _ in
      TextTable.pairs(
        [("directory", outcome.store)] + transcript.facts
          + [("transcript", outcome.files.transcriptPath)])
        + "\n" + transcript.custodians.text + "\n" + Self.table(transcript.keys)
        + "\nHave the transcript signed. Each custodian takes their own share; remove the rest.\n"
    }
  }

  private static func add(_ keys: [KeyStatus], to json: inout JSONWriter) {
    json.member("keys", objects: keys) { json, key in
      json.member("id", string: key.identifier.text)
      json.member("role", string: key.role.name)
      json.member("check_value", string: key.checkValue)
    }
  }

  private static func table(_ keys: [KeyStatus]) -> String {
    var table = TextTable([("ID", .left), ("ROLE", .left), ("CHECK VALUE", .left)])
    for key in keys { table.add([key.identifier.text, key.role.name, key.checkValue ?? "-"]) }
    return table.text
  }
}
