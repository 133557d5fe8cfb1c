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

  /// How many minutes entered shares may wait.
  package static let allowedShareMinutes = 1...120
  /// How many minutes they wait where the configuration does not say.
  package static let standardShareMinutes = 15
}

/// For how long keys protect what is new, in seconds; nil where the configuration does not say.
package struct KeyPeriods: Equatable, Sendable {
  /// From a day to ten years.
  package static let allowed: ClosedRange<UInt64> = 86_400...3_650 * 86_400

  /// Of the key-encryption key.
  package var kekSeconds: UInt64?
  /// Of keys that seal cards.
  package var dataSeconds: UInt64?
  /// Of keys that make fingerprints.
  package var fingerprintSeconds: UInt64?
  /// Of keys that sign the audit log.
  package var auditSeconds: UInt64?

  /// Names periods.
  package init(
    kekSeconds: UInt64? = nil, dataSeconds: UInt64? = nil, fingerprintSeconds: UInt64? = nil,
    auditSeconds: UInt64? = nil
  ) {
    self.kekSeconds = kekSeconds
    self.dataSeconds = dataSeconds
    self.fingerprintSeconds = fingerprintSeconds
    self.auditSeconds = auditSeconds
  }
}

/// What keys are judged by; nil where the configuration does not say.
package struct KeyRuleSettings: Equatable, Sendable {
  /// How long before a cryptoperiod's end a warning may begin: an hour to a year.
  package static let allowedWarning: ClosedRange<UInt64> = 3_600...365 * 86_400
  /// How often one data key may seal: 100 to 2^48 times.
  package static let allowedSeals = 100...1 << 48

  /// The periods that new keys get.
  package var periods: KeyPeriods
  /// Seconds before a cryptoperiod's end from which on it is told.
  package var warningSeconds: UInt64?
  /// Seals under one data key beyond which it seals nothing any more.
  package var mostSeals: Int?

  /// Names rules.
  package init(
    periods: KeyPeriods = KeyPeriods(), warningSeconds: UInt64? = nil, mostSeals: Int? = nil
  ) {
    self.periods = periods
    self.warningSeconds = warningSeconds
    self.mostSeals = mostSeals
  }
}
