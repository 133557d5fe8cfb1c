import ArgumentParser
import Logging
import ServiceLog

struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Run the service.",
    discussion: """
      Logs are JSON lines on standard error. SIGTERM and SIGINT stop it: what was accepted is \
      answered first. SIGHUP reads configuration, certificates and revocation lists anew.
      """)

  @OptionGroup var config: ConfigurationOption

  func run() throws {
    Signals.block()
    let status = try Service.run(
      configurationPath: config.path, logger: Logger(label: "cadenas") { _ in JSONLogHandler() })
    throw ExitCode(status)
  }
}
