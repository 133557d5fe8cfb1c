import ArgumentParser
import CScrub
import Glibc
import Storage
import SystemCalls

/// The program of operators and auditors.
@main
struct Cadenas: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cadenas",
    abstract: "An isolated card vault: tokens for shops, cards for acquirers only.",
    discussion: """
      While the service runs, every command asks it through its administration socket; who may ask \
      is set in "administration" of the configuration. While it does not, init, check, keys, audit \
      and store open the store themselves and have to be run as the user who owns it.

      Exit status: 0 done; 1 the check failed or the operation was refused; 2 usage or an invalid \
      configuration; 3 store or service unavailable.
      """,
    version: Version.full,
    subcommands: [
      InitCommand.self, ServeCommand.self, CheckCommand.self, StatusCommand.self,
      MetricsCommand.self, KeysCommand.self, AuditCommand.self, StoreCommand.self, SealCommand.self,
      UnsealCommand.self, ApprovalsCommand.self, ApproveCommand.self, RejectCommand.self,
      HoneytokenCommand.self, BrandsCommand.self, AcquirersCommand.self,
      AccessCommand.self,
    ])

  static func main() {
    StandardDescriptors.fill()
    let warning = Hardening.warning
    do {
      var command = try parseAsRoot()
      // A service says it in its log.
      if let warning, !(command is ServeCommand) {
        Console.complain("cadenas: warning: \(warning)")
      }
      FileFault.begin(isService: command is ServeCommand)
      try command.run()
      Console.finish()
    } catch let status as ExitCode where status.rawValue <= 3 {
      Glibc.exit(status.rawValue)
    } catch let error where exitCode(for: error) == .success {
      // Help and version are thrown too.
      Console.write(fullMessage(for: error) + "\n")
      Console.finish()
    } catch let error where isUsage(error) {
      Console.complain(fullMessage(for: error))
      Glibc.exit(CommandFailure.Status.invalid.rawValue)
    } catch {
      let failure = CommandFailure(error)
      Console.complain("cadenas: " + failure.message)
      Glibc.exit(failure.status.rawValue)
    }
  }

  /// Whether argument-parser made the error: its own exit status for usage is 64.
  private static func isUsage(_ error: any Error) -> Bool {
    exitCode(for: error) == .validationFailure
  }
}

/// Keeps secrets of the process in it. Whatever a command is, it may open keys of a store that no
/// service has open.
enum Hardening {
  /// What could not be done; nil where all could. Does it, when it is asked for first.
  static let warning: String? = {
    let failure = cadenas_harden()
    guard failure != 0 else { return nil }
    return "this process cannot be kept from leaving its memory in a core file: "
      + systemMessage(failure)
  }()
}
