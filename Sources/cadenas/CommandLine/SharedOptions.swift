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
}
