import ArgumentParser
import Glibc
import Storage

/// What a developer needs around a vault, and production never: certificates, an acquirer, load.
@main
struct CadenasDev: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cadenas-dev",
    abstract: "A throwaway vault, its certificates, an acquirer that pretends, and load.",
    discussion: "Nothing that this program makes or does belongs in production.",
    subcommands: [
      UpCommand.self, PKICommand.self, AcquirerCommand.self, FillCommand.self, BenchCommand.self,
      CompareCommand.self, RelayCommand.self,
      DemoCommand.self, ShopCommand.self, PayPalCommand.self,
    ])

  /// Exit status: 0 done, 1 failed, 2 usage (argument-parser's own 64 is mapped).
  static func main() {
    StandardDescriptors.fill()
    // A reader that goes away shows as a failed write, not as a death without a message.
    signal(SIGPIPE, SIG_IGN)
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let error as DevelopmentError {
      Terminal.complain("cadenas-dev: \(error)")
      Glibc.exit(1)
    } catch {
      let status = exitCode(for: error)
      let message = fullMessage(for: error)
      if status.isSuccess {
        Terminal.say(message)
      } else {
        Terminal.complain(message)
      }
      Glibc.exit(status == .validationFailure ? 2 : status.rawValue)
    }
  }
}
