import ArgumentParser
import ConfigurationReading
import Glibc
import Logging
import NIOCore
import PaymentPage
import PaymentStore
import ServiceLog
import SystemCalls

struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Run the page.",
    discussion: """
      Logs are JSON lines on standard error, also of why it does not start. SIGTERM and SIGINT stop \
      it: what was accepted is answered first. SIGHUP reads certificates, brands and merchants anew.
      """)

  @OptionGroup var config: ConfigurationOption

  @concurrent func run() async throws {
    umask(0o077)
    let warning = CadenasPage.harden()
    ResourceLimit.openFiles.raise()
    let log = try LogQueue(to: STDERR_FILENO)
    defer { log.finish(within: .seconds(1)) }
    var logger = Logger(label: "cadenas-page") { _ in JSONLogHandler { log.add($0, $1) } }
    logger.logLevel = .info
    if let warning { logger.warning("\(warning)") }
    do {
      let configuration = try PageConfiguration.load(path: config.path)
      try await PageService(configuration, logger: logger).run()
    } catch let error as ConfigurationError {
      for diagnostic in error.diagnostics { failed(logger, "\(diagnostic)") }
      throw ExitCode(2)
    } catch let error as PaymentStoreError {
      failed(logger, error.explanation)
      throw ExitCode(3)
    } catch let error as ExitCode {
      throw error
    } catch let error as IOError where error.errnoCode == EADDRINUSE {
      failed(logger, "another program listens on one of the configured addresses")
      throw ExitCode(3)
    } catch {
      failed(logger, "\(error)")
      throw ExitCode(3)
    }
  }

  private func failed(_ logger: Logger, _ reason: String) {
    logger.critical("the page does not start", metadata: ["reason": "\(reason)"])
  }
}

extension PaymentStoreError {
  var explanation: String {
    switch self {
    case .cannotOpen(let reason): "the store cannot be opened: \(reason)"
    case .inUse: "another page has the store open: stop that one"
    case .newer: "a later version of this program has written the store: use that one"
    case .formUsed: "a form was used twice"
    }
  }
}

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Read configuration and certificates, and say what is wrong.",
    discussion: "Nothing is started and nothing is changed.")

  @OptionGroup var config: ConfigurationOption

  func run() throws {
    do throws(ConfigurationError) {
      let configuration = try PageConfiguration.load(path: config.path)
      print("configuration \(configuration.file): no mistakes")
      print("public        \(configuration.publicURL)")
      for merchant in configuration.merchants {
        let notified = merchant.notify.map { $0.url.description } ?? "not notified"
        print(
          "merchant      \(merchant.name): \(merchant.methods.joined(separator: ", ")); \(notified)"
        )
      }
    } catch {
      throw Failure.end(2, error.diagnostics.map(\.description).joined(separator: "\n"))
    }
  }
}
