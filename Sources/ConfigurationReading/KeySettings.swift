import Glibc
package import Keyring

/// Where the key-encryption key comes from.
package enum KeySource: Equatable, Sendable {
  /// Files `KEYID.kek` in the directory with this absolute path.
  case directory(String)
  /// Files `KEYID.kek` among the credentials that systemd hands to the unit, in the directory that
  /// the environment names as `CREDENTIALS_DIRECTORY`. Looked up when the keys are needed, since
  /// commands that use the running service read the same configuration without having it.
  case credentials
  /// Shares that custodians hold, and enter to unseal the vault; those that were entered are
  /// forgotten when the others do not follow within so many minutes.
  /// A key of before the custodians is a file `KEYID.kek` in the directory `formerPath`.
  case custodians(shareMinutes: Int, formerPath: String?)

  /// The kinds of sources, by their names in a configuration.
  enum Kind: String, CaseIterable {
    case file
    case credential
    case custodians
  }

  /// How many minutes entered shares may wait.
  package static let allowedShareMinutes = 1...120
  /// How many minutes they wait where the configuration does not say.
  package static let standardShareMinutes = 15
}

extension KeySource {
  /// For how many minutes entered shares wait.
  package var shareMinutes: Int {
    switch self {
    case .custodians(let minutes, _): minutes
    case .directory, .credentials: Self.standardShareMinutes
    }
  }

  /// The source itself.
  package var source: any KeyEncryptionKeySource {
    switch self {
    case .directory(let path): FileKeySource(directory: path)
    case .credentials:
      CredentialKeySource(
        directory: unsafe getenv("CREDENTIALS_DIRECTORY").map { unsafe String(cString: $0) })
    case .custodians(_, let formerPath): CustodianKeySource(formerPath: formerPath)
    }
  }
}

extension KeyRules {
  /// How long a cryptoperiod may be: from a day to ten years.
  static let allowedPeriodSeconds: ClosedRange<UInt64> = 86_400...3_650 * 86_400
  /// How long before a cryptoperiod's end a warning may begin: an hour to a year.
  static let allowedWarningSeconds: ClosedRange<UInt64> = 3_600...365 * 86_400
  /// How often one data key may seal: 100 to 2^48 times.
  static let allowedSeals = 100...1 << 48
}
