import Administration
import ArgumentParser

struct KeysCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keys",
    abstract: "Look at the keys of the keyring, rotate and retire them, and prove it.",
    subcommands: [
      KeysStatusCommand.self, KeysHistoryCommand.self, KeysInventoryCommand.self,
      KeysRotateCommand.self, KeysReencryptCommand.self, KeysDeactivateCommand.self,
      KeysCompromiseCommand.self, KeysDestroyCommand.self, KeysCertificateCommand.self,
      KeysPublicKeyCommand.self, KeysCeremonyCommand.self,
    ])
}

struct KeysStatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "List every key: role, state, check value, cryptoperiod and the cards under it.",
    discussion: """
      The check value lets custodians compare a key without seeing it: the first five bytes of the \
      CMAC of a zero block; for an audit key, of the SHA-256 of its public key. --sign needs the running service.
      """)

  @OptionGroup var common: CommonOptions
  @OptionGroup var signing: SigningOption

  func run() throws {
    try signing.show(ShowKeys(isSigned: signing.sign != nil), common) { list in
      let keys = list.rows("keys")
      let table = TextTable(
        [
          ("ID", .left, "id"), ("ROLE", .left, "role"), ("STATE", .left, "state"),
          ("CHECK VALUE", .left, "check_value"), ("CREATED", .left, "created"),
          ("CRYPTOPERIOD END", .left, "cryptoperiod_end"), ("CARDS", .right, "cards"),
        ], keys)
      let warnings = keys.flatMap { key in
        key.texts("warnings").map {
          Console.styled("warning", .yellow) + " \(key.text("id")): \($0)\n"
        }
      }
      return table.text + warnings.joined()
    }
  }
}
