import Administration
import ArgumentParser

/// `cadenas seal`.
struct SealCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "seal",
    abstract: "Close the keyring: requests are answered 503 sealed, and no key is left in memory.",
    discussion: """
      Payments that are under way end first, for up to 45 seconds. Administration and the audit log \
      go on.
      """)

  @OptionGroup var config: ConfigurationOption
  @OptionGroup var output: FormatOption

  func run() throws {
    try SealView.show(.seal, config, output)
  }
}

/// `cadenas unseal`.
struct UnsealCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unseal",
    abstract: "Open the keyring of a sealed service, with what the key source has.")

  @OptionGroup var config: ConfigurationOption
  @OptionGroup var output: FormatOption

  func run() throws {
    try SealView.show(.unseal, config, output)
  }
}

private enum SealView {
  static func show(
    _ request: AdminRequest, _ config: ConfigurationOption, _ output: FormatOption
  ) throws {
    let document = try Session(config).document(request, offline: false, showing: "records")
    guard output.format == .table else { return Console.write(document + [UInt8(ascii: "\n")]) }
    Console.write("the service is \(try DocumentView(document).text("state"))\n")
  }
}
