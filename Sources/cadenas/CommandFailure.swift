import Administration
import Configuration
import Keyring
import RecordFormat
import Storage

/// Why a command ends without having done its work: what it says, and its exit status.
struct CommandFailure: Error {
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

  init(_ status: Status, _ message: String) {
    self.status = status
    self.message = message
  }

  init(_ error: ConfigurationError) {
    self.init(.invalid, error.diagnostics.map(\.description).joined(separator: "\n"))
  }

  init(_ error: StorageError) {
    switch error {
    case .alreadyInitialized: self.init(.refused, error.explanation)
    case .mapTooSmall: self.init(.invalid, error.explanation)
    default: self.init(.unavailable, error.explanation)
    }
  }

  init(_ error: KeyringError) {
    self.init(.unavailable, error.explanation)
  }

  /// The failure that an error of any of the parts below amounts to.
  init(_ error: any Error) {
    switch error {
    case let failure as CommandFailure: self = failure
    case let error as ConfigurationError: self.init(error)
    case let error as StorageError: self.init(error)
    case let error as KeyringError: self.init(error)
    default: self.init(.unavailable, "unexpected failure (\(type(of: error)): \(error))")
    }
  }
}

extension KeyringError {
  /// A sentence for an operator: what is wrong, and what helps.
  var explanation: String {
    switch self {
    case .keySource(let path, let errno):
      "the key source \(path) cannot be used: \(systemMessage(errno))"
    case .keyFileMode(let path, let mode):
      "\(path) has mode \(String(mode, radix: 8)), so others than its owner may use the key; "
        + "run: chmod 600 \(path)"
    case .keyFileSize(let path, let size): "\(path) has \(size) bytes; a key has 32"
    case .keyEncryptionKeyMissing(let identifier, let directory):
      "the keyring is wrapped under key \(identifier.text), and \(directory) has no "
        + "\(identifier.text).kek"
    case .keyFileExists(let path): "\(path) exists already, and a key is never replaced"
    case .noKeyring: "the store has no keyring"
    case .keyringDoesNotOpen(let identifier):
      "the keyring does not open under key \(identifier.text): the key file is another one's, or "
        + "the store is damaged"
    case .malformedKeyring: "the keyring opens and breaks its own rules; restore a backup"
    case .noActiveKey(let role): "no \(role.name) key is active"
    case .systemUnavailable:
      "the system gives no locked memory or no random bytes; raise LimitMEMLOCK (ulimit -l)"
    }
  }
}
