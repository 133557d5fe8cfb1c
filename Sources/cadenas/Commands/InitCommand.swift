import ArgumentParser
import JSON
import Keyring
import RecordFormat

/// `cadenas init`.
struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Create the store, its keyring and the first keys.",
    discussion: """
      Run it once, as the user that will run the service. It makes the directory of "store" and, in \
      the directory of "keys", the key-encryption key. Copy that key to a safe place of its own at \
      once: without it, no card can ever be read again.
      """)

  @OptionGroup var config: ConfigurationOption
  @OptionGroup var output: FormatOption

  func run() throws {
    let outcome = try Initialization.run(try config.load())
    switch output.format {
    case .json:
      var json = JSONWriter()
      json.beginObject()
      json.member("store", string: outcome.store)
      json.member("key_file", string: outcome.keyFile)
      json.name("keys")
      json.beginArray()
      for key in outcome.keys {
        json.beginObject()
        json.member("id", string: key.identifier.text)
        json.member("role", string: key.role.name)
        json.member("check_value", string: key.checkValue)
        json.endObject()
      }
      json.endArray()
      json.endObject()
      json.endLine()
      Console.write(json.bytes)
    case .table:
      var table = TextTable([("ID", .left), ("ROLE", .left), ("CHECK VALUE", .left)])
      for key in outcome.keys {
        table.add([key.identifier.text, key.role.name, key.checkValue ?? "-"])
      }
      Console.write(
        TextTable.pairs([("store", outcome.store), ("key file", outcome.keyFile)]) + "\n"
          + table.text + "\nKeep a copy of the key file in a safe place of its own.\n")
    }
  }
}
