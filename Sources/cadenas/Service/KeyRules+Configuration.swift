import Configuration
import Keyring
import RecordFormat

extension KeyRules {
  /// The rules of a configuration; what it does not say is as the program has it.
  init(_ settings: KeyRuleSettings) {
    self.init()
    cryptoperiods = Cryptoperiods(settings.periods, else: .standard)
    if let seconds = settings.warningSeconds { warningSeconds = seconds }
    if let seals = settings.mostSeals { sealBound = UInt64(seals) }
  }
}

extension Cryptoperiods {
  /// The periods that are named; of the other roles, those of `other`.
  init(_ periods: KeyPeriods, else other: Cryptoperiods) {
    self.init(seconds: [
      .kek: periods.kekSeconds ?? other[.kek], .data: periods.dataSeconds ?? other[.data],
      .fingerprint: periods.fingerprintSeconds ?? other[.fingerprint],
      .audit: periods.auditSeconds ?? other[.audit],
    ])
  }
}
