import Administration
import CardStore
import Configuration
import Keyring
import Storage
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

  init(_ error: ConfigurationError) {
    self.init(.invalid, error.diagnostics.map(\.description).joined(separator: "\n"))
  }

  init(_ error: StorageError) {
    switch error {
    case .alreadyInitialized, .alreadyExists: self.init(.refused, error.explanation)
    case .mapTooSmall: self.init(.invalid, error.explanation)
    default: self.init(.unavailable, error.explanation)
    }
  }

  init(_ error: KeyringError) {
    switch error {
    case .custody(.malformedSet), .custody(.rebuiltKeyDiffers):
      self.init(.unavailable, error.explanation)
    case .custody: self.init(.refused, error.explanation)
    default: self.init(.unavailable, error.explanation)
    }
  }

  /// The failure that an error of any of the parts below amounts to.
  init(_ error: any Error) {
    switch error {
    case let failure as CommandFailure: self = failure
    case let error as ConfigurationError: self.init(error)
    case let error as StorageError: self.init(error)
    case CardStoreError.keys(.store(let error)), CardStoreError.store(let error),
      KeyringError.store(let error):
      self.init(error)
    case CardStoreError.keys(let error): self.init(error)
    case let error as KeyringError: self.init(error)
    case let error as AdminSocketError: self.init(.unavailable, error.explanation)
    case let failure as AdminClient.Failure: self.init(failure)
    case let error as AdministrationError: self.init(error)
    case let error as VaultServerError: self.init(error)
    default: self.init(.unavailable, "unexpected failure (\(type(of: error)): \(error))")
    }
  }
}

extension CommandFailure {
  /// What an operation that this process did itself failed for.
  init(_ error: AdministrationError) {
    switch error {
    case .malformedRequest: self.init(.invalid, error.detail)
    case .refused, .notReplaced, .notPermitted, .operatorNeeded, .notFound:
      self.init(.refused, error.detail)
    case .store(let error): self.init(error)
    case .busy, .audit, .keyring, .unavailable, .abandoned:
      self.init(.unavailable, error.detail)
    }
  }
}

extension CommandFailure {
  /// Why the server does not start.
  init(_ error: VaultServerError) {
    switch error {
    case .unusableCertificate(let file, let cause):
      self.init(.invalid, "the server's certificate or key \(file) cannot be used: \(cause)")
    case .unusableAuthorities(let cause):
      self.init(.invalid, "the clients' authorities cannot be used: \(cause)")
    case .cannotListen(let host, let port, let cause):
      self.init(.unavailable, "nothing can listen on \(host):\(port): \(cause)")
    case .noSecretMemory:
      self.init(
        .unavailable, "the system gives no locked memory; raise LimitMEMLOCK (ulimit -l)")
    }
  }
}
