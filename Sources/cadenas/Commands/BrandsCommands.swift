import ArgumentParser
import Cards
import ConfigurationReading
import Glibc

struct BrandsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "brands",
    abstract: "The table that tells a card's brands by its first digits.",
    discussion: """
      Neither command asks the service, or needs one: both read files.
      """,
    subcommands: [BrandsCheckCommand.self, BrandsShowCommand.self])
}

/// Which table is in force.
struct BrandsInForce: ParsableArguments {
  @Option(
    name: .customLong("config"),
    help: ArgumentHelp(
      "The configuration file (default: /etc/cadenas/cadenas.yaml, or none where that is not there).",
      valueName: "file"))
  var path: String?

  /// The table that the configuration names; where there is no configuration, the one built into the vault.
  func load() throws -> BrandSettings {
    if let path { return try BrandSettings.load(path: path) }
    let standard = ConfigurationOption.standardPath
    if unsafe access(standard, F_OK) != 0, errno == ENOENT { return .builtIn }
    return try BrandSettings.load(path: standard)
  }
}

extension FormatOption {
  /// Prints what this process knows itself, as a document or as text, whichever is asked for.
  fileprivate func write(_ document: @autoclosure () -> [UInt8], _ text: @autoclosure () -> String)
  {
    switch format {
    case .json: Console.write(document() + [UInt8(ascii: "\n")])
    case .table: Console.write(text())
    }
  }
}

struct BrandsCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Look for mistakes in a file of ranges, and say what it would change.",
    discussion: """
      What it would change is told against the table that the configuration names, or the one built \
      into the vault. Put the file in its place and reload the service (SIGHUP) to have it in force. \
      Exit status 1 where the file has mistakes.
      """)

  @OptionGroup var inForce: BrandsInForce
  @OptionGroup var output: FormatOption

  @Argument(help: ArgumentHelp("The file of ranges, YAML.", valueName: "file"))
  var file: String

  func run() throws {
    let current = try inForce.load()
    let diagnostics = Diagnostics()
    let table = BrandTable.read(file, diagnostics)
    let report = BrandReport(
      file: file, table: table, mistakes: diagnostics.all, current: current)
    output.write(report.json, report.text)
    if table == nil { throw ExitCode(CommandFailure.Status.refused.rawValue) }
  }
}

struct BrandsShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Say what cards are whose numbers begin with a prefix.",
    discussion: """
      A prefix has 6 to 11 digits. Never give a whole card number: command lines are seen by others and \
      kept in histories.
      """)

  @OptionGroup var inForce: BrandsInForce
  @OptionGroup var output: FormatOption

  // All that is there, so that what looks like more than a prefix is not repeated in a message.
  @Argument(
    parsing: .remaining,
    help: ArgumentHelp("The first 6 to 11 digits of a number.", valueName: "number-prefix"))
  var prefix: [String] = []

  func validate() throws { _ = try parsed() }

  /// Whatever else was given in its place is not repeated.
  private func parsed() throws -> BrandRange {
    guard prefix.count == 1, (6...11).contains(prefix[0].utf8.count),
      let range = try? BrandRange(low: prefix[0], high: prefix[0], kind: nil)
    else {
      throw ValidationError(
        "a prefix is the first 6 to 11 digits of a number, without spaces: never a whole number")
    }
    return range
  }

  func run() throws {
    let current = try inForce.load()
    let shown = BrandsOfPrefix(prefix: try parsed(), current: current)
    output.write(shown.json, shown.text)
  }
}
