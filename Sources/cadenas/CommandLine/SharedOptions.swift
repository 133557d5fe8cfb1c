import ArgumentParser
import Configuration

/// Where the configuration is.
struct ConfigurationOption: ParsableArguments {
  @Option(
    name: .customLong("config"),
    help: ArgumentHelp("The configuration file.", valueName: "file"))
  var path = "/etc/cadenas/cadenas.yaml"

  /// Reads and checks the whole configuration.
  func load() throws -> ServiceConfiguration { try ServiceConfiguration.load(path: path) }
}

/// How data is printed.
struct FormatOption: ParsableArguments {
  /// The forms that data is printed in.
  enum Format: String, ExpressibleByArgument, CaseIterable {
    case table
    case json
  }

  @Option(help: ArgumentHelp("table for people, json for programs.", valueName: "format"))
  var format = Format.table

  /// Prints a document: as it is for programs, as `text` tells it for people.
  func show(_ document: [UInt8], _ text: (DocumentView) throws -> String) throws {
    switch format {
    case .json: Console.write(document + [UInt8(ascii: "\n")])
    case .table: Console.write(try text(DocumentView(document)))
    }
  }
}
