import ArgumentParser
import Glibc
import Logging
import ServiceLog
import Storage
import SystemCalls

struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Run the service.",
    discussion: """
      Logs are JSON lines on standard error, also of why it does not start. SIGTERM and SIGINT stop \
      it: what was accepted is answered first. SIGHUP reads configuration, certificates and \
      revocation lists anew.
      """)

  @OptionGroup var config: ConfigurationOption

  func run() throws { throw ExitCode(ServiceProcess.run(configurationPath: config.path)) }
}

/// The process of a service, from its first thread to its last line.
enum ServiceProcess {
  /// How long the end waits for the one who reads the log.
  private static let lastLines = Duration.seconds(1)
  private static let failed: Logger.Message = "the service does not start"

  /// Runs the service until a signal ends it, and gives the exit status.
  static func run(configurationPath: String) -> Int32 {
    let log: LogQueue
    do throws(SystemFailure) {
      // Before anything is opened, so that an end on the way has nothing to leave behind.
      log = try LogQueue(to: STDERR_FILENO)
    } catch {
      let failure = StartRoom.failure(error)
      let line = JSONLogHandler.line(.critical, failed, ["reason": .whole(failure.message)])
      Console.write(line, to: STDERR_FILENO)
      return failure.status.rawValue
    }
    defer { log.finish(within: lastLines) }
    let logger = Logger(label: "cadenas") { _ in JSONLogHandler { log.add($0, $1) } }
    do {
      return try run(configurationPath, log, logger)
    } catch {
      let failure = CommandFailure(error)
      logger.log(.critical, failed, failure)
      return failure.status.rawValue
    }
  }

  private static func run(
    _ configurationPath: String, _ log: LogQueue, _ logger: Logger
  ) throws -> Int32 {
    if let warning = Hardening.warning { logger.warning("\(warning)") }
    do throws(SystemFailure) {
      try Signals.begin {
        logger.notice("stopped before it served")
        log.finish(within: lastLines)
        // As a crash would leave it: the other threads are in the middle of their work.
        _exit(0)
      }
    } catch {
      throw StartRoom.failure(error)
    }
    return try Service.run(configurationPath: configurationPath, log: log, logger: logger)
  }
}

extension Logger {
  /// Writes a line with each sentence of `failure`.
  func log(_ level: Level, _ message: Message, _ failure: CommandFailure) {
    for line in failure.message.split(separator: "\n") {
      log(level: level, message, metadata: ["reason": .whole(line)])
    }
  }
}

extension Logger.MetadataValue {
  /// A value that is not cut at the length of others.
  static func whole(_ text: some StringProtocol) -> Self {
    .stringConvertible(WholeValue(String(text)))
  }
}
