import ArgumentParser
import ConfigurationReading
import PaymentPage

struct StatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Say how the running page stands, as JSON.")

  @OptionGroup var config: ConfigurationOption

  @concurrent func run() async throws { print(try await ask("/status", config)) }
}

struct MetricsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "metrics", abstract: "Print the running page's metrics, for Prometheus.")

  @OptionGroup var config: ConfigurationOption

  @concurrent func run() async throws {
    print(try await ask("/metrics", config), terminator: "")
  }
}

struct PaymentsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "payments", abstract: "Look at payments.", subcommands: [Show.self])

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "show", abstract: "Show a payment and its attempts, as JSON.")

    @OptionGroup var config: ConfigurationOption
    @Argument(help: "The payment, pp_…") var payment: String

    @concurrent func run() async throws {
      guard payment.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x2F && $0 != 0x25 }) else {
        throw Failure.end(2, "this is not the name of a payment")
      }
      print(try await ask("/payments/\(payment)", config))
    }
  }
}

/// What the running page answers at its socket of administration.
private func ask(_ path: String, _ config: ConfigurationOption) async throws -> String {
  let settings: AdministrationSettings
  do throws(ConfigurationError) {
    settings = try AdministrationSettings.load(path: config.path)
  } catch {
    throw Failure.end(2, error.diagnostics.map(\.description).joined(separator: "\n"))
  }
  switch await PageQuestion.ask(path, at: settings.socketPath) {
  case .answer(let text): return text
  case .refused(let why): throw Failure.end(1, why)
  case .noService:
    throw Failure.end(3, "no page answers at \(settings.socketPath): start it with \"serve\"")
  }
}
