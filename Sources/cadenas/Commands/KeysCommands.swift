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
    let document = try Session(config).document(ShowKeys(), offline: true)
    switch output.format {
    case .json: Console.write(document + [UInt8(ascii: "\n")])
    case .table:
      var table = TextTable([
        ("ID", .left), ("ROLE", .left), ("STATE", .left), ("CHECK VALUE", .left),
        ("CREATED", .left), ("CRYPTOPERIOD END", .left), ("CARDS", .right),
      ])
      for key in try DocumentView(document)["keys"]?.elements ?? [] {
        table.add(
          ["id", "role", "state", "check_value", "created", "cryptoperiod_end", "cards"]
            .map(key.text(_:)))
      }
      Console.write(table.text)
      for key in try DocumentView(document)["keys"]?.elements ?? [] {
        for warning in key["warnings"]?.elements ?? [] {
          Console.write(
            Console.styled("warning", .yellow) + " \(key.text("id")): \(warning.text)\n")
        }
      }
    }
  }
}
