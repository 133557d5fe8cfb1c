package import Cryptography
package import RecordFormat

/// What may be told of a key: everything but the key. Times are Unix milliseconds.
package struct KeyStatus: Equatable, Sendable {
  package let identifier: KeyIdentifier
  package let role: KeyRole
  package let state: KeyState
  package let origin: KeyOrigin
  /// Ten upper-case hexadecimal digits; nil where a keyring of version 1 did not keep it.
  package let checkValue: String?
  package let createdMilliseconds: UInt64
  /// When the key should have been replaced.
  package let cryptoperiodEndMilliseconds: UInt64
  package let deactivatedMilliseconds: UInt64?
  package let compromisedMilliseconds: UInt64?
  package let destroyedMilliseconds: UInt64?
  /// The key that took its place, or is about to.
  package let successor: KeyIdentifier?
  /// Cards that stand under the key; nil for roles that seal no card.
  package let cards: UInt64?
  /// How often the key protected something.
  package let uses: UInt64
  /// What somebody should do about the key, most urgent first.
  package var warnings: [KeyWarning]
  /// The public key of an audit key that still signs or has signed, while its secret is there.
  package let publicKey: Ed25519PublicKey?
}

/// What somebody should do about a key.
package enum KeyWarning: Equatable, Sendable {
  /// It may be known to somebody else, and cards still stand under it, or it is not yet destroyed.
  case compromised(cards: UInt64?)
  /// Its cryptoperiod has ended, and it still protects what is new.
  case cryptoperiodEnded
  /// Its cryptoperiod ends soon.
  case cryptoperiodEnds(inDays: UInt64)
  /// It comes near the number of uses that its policy allows.
  case nearlyUsedUp(percent: UInt64)
  /// Its destruction has begun and is not complete.
  case destructionIncomplete
  /// It is being replaced, and that does not end: so many records do not open, and have their fingerprints
  /// under it alone.
  case replacementHeldUp(records: Int)
  /// Its source does not give it, so that nothing but the process that has it now opens the keyring.
  case notAtSource(KeyringError)
}

/// How long keys of each role should be used before they are rotated.
package struct Cryptoperiods: Equatable, Sendable {
  /// Seconds, of the roles that somebody chose a period for.
  private var seconds: [KeyRole: UInt64]

  /// The periods where nobody chose any.
  package static let standard = Cryptoperiods(seconds: [:])

  /// Periods in seconds; a role that is not named has its standard one.
  package init(seconds: [KeyRole: UInt64]) { self.seconds = seconds }

  /// These periods, but for the roles that `seconds` names.
  package func replacing(_ seconds: [KeyRole: UInt64]) -> Cryptoperiods {
    Cryptoperiods(seconds: self.seconds.merging(seconds) { $1 })
  }

  /// The period of a role, in seconds.
  package subscript(role: KeyRole) -> UInt64 {
    seconds[role] ?? role.standardCryptoperiodSeconds
  }
}

extension KeyRole {
  /// One year for the KEK and data keys, two for fingerprint and audit keys (SP 800-57 part 1, 5.3.6, as
  /// upper bounds that auditors know).
  fileprivate var standardCryptoperiodSeconds: UInt64 {
    switch self {
    case .kek, .data: 365 * 86_400
    case .fingerprint, .audit: 2 * 365 * 86_400
    }
  }
}

/// What keys are judged by.
package struct KeyRules: Equatable, Sendable {
  /// Percent of the seals that are allowed from which on it is told.
  private static let warningPercent: UInt64 = 80

  /// The periods that new keys get.
  package var cryptoperiods = Cryptoperiods.standard
  /// Seconds before a cryptoperiod's end from which on it is told.
  package var warningSeconds: UInt64 = 30 * 86_400
  /// Seals under one data key beyond which it seals nothing any more.
  package var sealBound = LiveKeyring.mostSeals

  /// The rules where the policy says nothing.
  package init() {}

  /// What to tell about a key, most urgent first.
  package func warnings(
    about key: KeyringEntry, cards: UInt64?, uses: UInt64, atMilliseconds now: UInt64
  ) -> [KeyWarning] {
    switch key.state {
    case .compromised: return [.compromised(cards: cards)]
    case .destroying: return [.destructionIncomplete]
    case .deactivated, .destroyed: return []
    case .active: break
    }
    var warnings: [KeyWarning] = []
    let end = key.cryptoperiodEndMilliseconds
    if end <= now {
      warnings.append(.cryptoperiodEnded)
    } else if end - now <= warningSeconds * 1_000 {
      warnings.append(.cryptoperiodEnds(inDays: (end - now) / 86_400_000))
    }
    if key.role.sealsCards, uses >= sealBound / 100 * Self.warningPercent {
      warnings.append(.nearlyUsedUp(percent: uses / max(1, sealBound / 100)))
    }
    return warnings
  }
}

extension Keyring {
  /// What may be told of every key, in the order of their creation.
  ///
  /// - Parameters:
  ///   - cards: how many cards stand under each data key.
  ///   - uses: how often each key protected something.
  package func status(
    cards: [KeyIdentifier: UInt64], uses: [KeyIdentifier: UInt64] = [:],
    rules: KeyRules = KeyRules(), atMilliseconds now: UInt64
  ) throws(KeyringError) -> [KeyStatus] {
    var found: [KeyStatus] = []
    for entry in entries {
      let count = entry.role.sealsCards ? cards[entry.identifier] ?? 0 : nil
      let used = uses[entry.identifier] ?? 0
      found.append(
        KeyStatus(
          identifier: entry.identifier, role: entry.role, state: entry.state,
          origin: entry.origin, checkValue: entry.checkValue.map(KeyCheckValue.text),
          createdMilliseconds: entry.createdMilliseconds,
          cryptoperiodEndMilliseconds: entry.cryptoperiodEndMilliseconds,
          deactivatedMilliseconds: entry.deactivatedMilliseconds,
          compromisedMilliseconds: entry.compromisedMilliseconds,
          destroyedMilliseconds: entry.destroyedMilliseconds, successor: entry.successor,
          cards: count, uses: used,
          warnings: rules.warnings(about: entry, cards: count, uses: used, atMilliseconds: now),
          publicKey: try entry.signingKey()?.publicKey))
    }
    return found
  }
}
