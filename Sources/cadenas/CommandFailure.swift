import Administration
import ConfigurationReading
import Glibc
import Keyring
import SystemCalls
import VaultServer

/// Why a command ends without having done its work: what it says, and its exit status.
struct CommandFailure: Error, CustomStringConvertible {
  /// The exit statuses of DESIGN 6.
  enum Status: Int32, Sendable {
    /// The check failed, or the operation was refused.
    case refused = 1
    /// Usage, or an invalid configuration.
    case invalid = 2
    /// The store or the service is unavailable.
    case unavailable = 3
  }

  /// One sentence, or several lines; without an end.
  let message: String
  let status: Status

  var description: String { message }

  init(_ status: Status, _ message: String) {
    self.status = status
    self.message = message
  }

  /// What the system said when something was done with `path`.
  static func system(_ path: String, _ number: Int32 = errno) -> CommandFailure {
    CommandFailure(.unavailable, "\(path): \(systemExplanation(number))")
  }

  init(_ error: ConfigurationError) {
    self.init(.invalid, error.diagnostics.map(\.description).joined(separator: "\n"))
  }

  /// What an operation that this process did itself failed for.
  init(_ error: AdministrationError) { self.init(Status(error.kind), error.detail) }

  /// The failure that an answer of the service, or none, amounts to.
  init(_ failure: AdminClient.Failure) {
    switch failure {
    case .socket(.permissionDenied(let path)):
      self.init(.refused, AdminSocketError.permissionDenied(path).explanation)
    case .socket(let error): self.init(.unavailable, error.explanation)
    case .problem(let status, _, let detail):
      self.init(Status(FailureKind(httpStatus: status)), detail)
    }
  }

  /// The failure that an error of any of the parts below amounts to.
  init(_ error: any Error) {
    switch error {
    case let failure as CommandFailure: self = failure
    case let error as ConfigurationError: self.init(error)
    case let failure as AdminClient.Failure: self.init(failure)
    case let error as AdminSocketError: self.init(AdminClient.Failure.socket(error))
    case let error as VaultServerError: self.init(error)
    default:
      guard let error = AdministrationError(known: error) else {
        self.init(.unavailable, "unexpected failure (\(type(of: error)): \(error))")
        return
      }
      self.init(error)
    }
  }
}

extension CommandFailure.Status {
  /// The exit status of a command that failed in this way.
  init(_ kind: FailureKind) {
    switch kind {
    case .malformed, .misconfigured: self = .invalid
    case .notPermitted, .notFound, .refused, .notReplaced: self = .refused
    case .busy, .unavailable: self = .unavailable
    }
  }
}

extension AdministrationError {
  /// What a failure of the program's own parts amounts to for whoever asks through ``Operations``.
  init(_ failure: CommandFailure) {
    switch failure.status {
    case .refused: self = .refused(failure.message)
    case .invalid: self = .misconfigured(failure.message)
    case .unavailable: self = .unavailable(failure.message)
    }
  }
}

extension CommandFailure {
  /// Why the server does not start.
  init(_ error: VaultServerError) {
    switch error {
    case .unusableCertificate(let file, let cause):
      self.init(
        .invalid,
        "the server's certificate or key \(file) cannot be used by the TLS library (\(cause)); keys "
          + "are RSA, P-256, P-384, P-521 or Ed25519")
    case .unusableAuthorities(let cause):
      self.init(
        .invalid, "the clients' authorities cannot be used by the TLS library (\(cause))")
    case .cannotListen(let host, let port, let cause):
      self.init(.unavailable, "nothing can listen on \(host):\(port): \(cause)")
    case .noSecretMemory:
      self.init(
        .unavailable,
        AdministrationError.keyring(.systemUnavailable).detail)
    }
  }
}
