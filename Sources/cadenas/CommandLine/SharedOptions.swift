import Administration
import ArgumentParser
import ConfigurationReading
import VaultManagement

/// Where the configuration is.
struct ConfigurationOption: ParsableArguments {
  /// The file that is read where none is named.
  static let standardPath = "/etc/cadenas/cadenas.yaml"

  @Option(
    name: .customLong("config"),
    help: ArgumentHelp("The configuration file.", valueName: "file"))
  var path = ConfigurationOption.standardPath

  /// Reads and checks the whole configuration.
  func load() throws -> ServiceConfiguration { try ServiceConfiguration.load(path: path) }
}

/// What commands have in common that ask something and print it.
struct CommonOptions: ParsableArguments {
  @OptionGroup var config: ConfigurationOption
  @OptionGroup var output: FormatOption

  /// Does `operation`, and gives its one document; see ``Session``.
  func document(
    _ operation: any AdminOperation, body: AdminBody? = nil, offline isOffline: Bool,
    showing what: String = ""
  ) throws -> [UInt8] {
    try Session(config).document(operation, body: body, offline: isOffline, showing: what)
  }

  /// Does `operation`, and prints its document.
  func show(
    _ operation: any AdminOperation, body: AdminBody? = nil, offline isOffline: Bool,
    showing what: String = "", _ text: (DocumentView) throws -> String
  ) throws {
    try output.show(document(operation, body: body, offline: isOffline, showing: what), text)
  }
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

  /// The same with a verdict, the member `intact`, on which the exit status depends.
  func show(_ document: [UInt8], verdict text: (DocumentView, Bool) -> String) throws {
    let isIntact = try DocumentView(document)["intact"]?.isTrue == true
    try show(document) { text($0, isIntact) }
    if !isIntact { throw ExitCode(CommandFailure.Status.refused.rawValue) }
  }
}

/// Why something is changed: with every command that changes something.
struct ReasonOption: ParsableArguments {
  @Option(help: ArgumentHelp("The number of the change or incident.", valueName: "ticket"))
  var ticket = ""

  @Option(help: ArgumentHelp("Why, in a few words; it stands in the audit log.", valueName: "text"))
  var reason = ""

  func validate() throws {
    guard KeyReason(ticket: ticket, text: reason) != nil else {
      throw ValidationError(KeyReason.rules)
    }
  }

  /// The reason; it has been validated.
  var value: KeyReason { KeyReason(ticket: ticket, text: reason) ?? .none }

  /// - Throws: where nothing was said.
  func required() throws -> KeyReason {
    guard value != .none else {
      throw ValidationError("say why: --ticket or --reason, which stands in the audit log")
    }
    return value
  }
}

/// Where a signed copy of what is shown goes.
struct SigningOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Write what is shown to a file, signed by the audit key; keys certificate --verify reads it.",
      valueName: "file"))
  var sign: String?

  /// Prints the document of `operation`, and writes its note where that was asked for.
  func show(
    _ operation: any AdminOperation, _ common: CommonOptions,
    _ text: (DocumentView) throws -> String
  ) throws {
    if let sign { try OutputFile.checkIsNew(sign) }
    let document = try common.document(operation, offline: sign == nil)
    if let sign {
      try OutputFile.create(sign, with: Array(try DocumentView(document).text("note").utf8))
    }
    try common.output.show(document, text)
  }
}
