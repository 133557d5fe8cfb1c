import Administration
import ArgumentParser

/// `cadenas keys`.
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

/// `cadenas keys status`.
struct KeysStatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "List every key: role, state, check value, cryptoperiod and the cards under it.",
    discussion: """
      The check value lets custodians compare a key without seeing it: the first five bytes of the \
      CMAC of a zero block; for an audit key, of the SHA-256 of its public key.
      """)

  @OptionGroup var config: ConfigurationOption
  @OptionGroup var output: FormatOption

  func run() throws {
    try output.show(Session(config).document(ShowKeys(), offline: true)) { list in
      let keys = list["keys"]?.elements ?? []
      var table = TextTable([
        ("ID", .left), ("ROLE", .left), ("STATE", .left), ("CHECK VALUE", .left),
        ("CREATED", .left), ("CRYPTOPERIOD END", .left), ("CARDS", .right),
      ])
      for key in keys {
        table.add(
          ["id", "role", "state", "check_value", "created", "cryptoperiod_end", "cards"]
            .map(key.text(_:)))
      }
      let warnings = keys.flatMap { key in
        (key["warnings"]?.elements ?? []).map {
          Console.styled("warning", .yellow) + " \(key.text("id")): \($0.text)\n"
        }
      }
      return table.text + warnings.joined()
    }
  }
}
