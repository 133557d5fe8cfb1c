import ArgumentParser
import CScrub
import Glibc

/// The program of whoever runs the payment page.
@main
struct CadenasPage: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cadenas-page",
    abstract: "A payment page between shopper and vault: the shop never sees the card.",
    discussion: """
      Exit status: 0 done; 1 the operation was refused; 2 usage or an invalid configuration; 3 the \
      page or its store is not available.
      """,
    subcommands: [
      ServeCommand.self, CheckCommand.self, StatusCommand.self, PaymentsCommand.self,
      MetricsCommand.self,
    ])

  /// Keeps this process from leaving its memory in a file; what could not be done.
  static func harden() -> String? {
    let failure = cadenas_harden()
    guard failure != 0 else { return nil }
    return "this process cannot be kept from leaving its memory in a core file (errno \(failure))"
  }
}

struct ConfigurationOption: ParsableArguments {
  @Option(
    name: .customLong("config"),
    help: ArgumentHelp("The configuration file.", valueName: "file"))
  var path = "/etc/cadenas-page/page.yaml"
}

/// The exit status of a command that has said why it failed.
enum Failure {
  static func end(_ status: Int32, _ message: String) -> ExitCode {
    for line in message.split(separator: "\n") { complain("cadenas-page: \(line)") }
    return ExitCode(status)
  }

  static func complain(_ line: String) {
    let bytes = Array("\(line)\n".utf8)
    _ = unsafe bytes.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}
