import ArgumentParser
import Cryptography
import JSON
import Keyring
import RecordFormat

struct KeysCeremonyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ceremony", abstract: "Look after custodians' shares of the key-encryption key.",
    discussion: """
      The first ceremony is held by: cadenas init --ceremony PLAN --shares DIR
      """,
    subcommands: [
      KeysCeremonyCreateCommand.self, KeysCeremonyReplaceCommand.self,
      KeysCeremonyAuthorizeCommand.self, KeysCeremonyVerifyCommand.self,
    ])
}

struct KeysCeremonyVerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check one's own share and its passphrase, alone.",
    discussion: """
      Needs no configuration, no store and no service, and changes nothing. FILE is the share as it \
      was written, or as it was typed in from paper; a mistake is told with its line and group. \
      Nothing of the share itself is shown: its check value is compared with the transcript.
      """)

  @OptionGroup var passphrases: PassphraseOption
  @OptionGroup var output: FormatOption

  @Argument(help: ArgumentHelp("The share.", valueName: "file"))
  var file: String

  func run() throws {
    let share = try CeremonyFiles.readShare(file)
    let header = share.header
    let passphrase = try passphrases.existing(of: header.custodian)
    let opened = try share.open(passphrase: passphrase)
    let checkValue = share.checkValue(ofOpened: opened)
    try output.show(Self.json(header, checkValue)) { _ in
      TextTable.pairs([
        ("vault", header.vault.text), ("key", header.keyIdentifier.text),
        ("key's check value", KeyCheckValue.text(header.checkValue)),
        ("custodian", header.custodian.text),
        (
          "share",
          "\(header.coordinate) of \(header.count), any \(header.threshold) rebuild the key"
        ),
        ("share's check value", checkValue), ("made", Self.time(header)),
      ])
        + "\nThe share is whole, and the passphrase is right. Compare both check values with the "
        + "transcript.\n"
    }
  }

  private static func time(_ header: ShareHeader) -> String {
    RFC3339.string(
      unixMilliseconds: Int64(clamping: header.createdMilliseconds), precision: .milliseconds)
  }

  private static func json(_ header: ShareHeader, _ checkValue: String) -> [UInt8] {
    JSONWriter.document { json in
      json.member("vault", string: header.vault.text)
      json.member("key", string: header.keyIdentifier.text)
      json.member("key_check_value", string: KeyCheckValue.text(header.checkValue))
      json.member("custodian", string: header.custodian.text)
      json.member("share", integer: header.coordinate)
      json.member("shares", integer: header.count)
      json.member("threshold", integer: header.threshold)
      json.member("share_check_value", string: checkValue)
      json.member("created", string: time(header))
    }
  }
}
