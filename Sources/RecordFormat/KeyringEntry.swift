package import SecretMemory

/// What a key is for. The number is what stands in the keyring.
package enum KeyRole: UInt8, CaseIterable, Sendable {
  /// Wraps the keyring. The keyring names such a key and never holds it.
  case kek = 1
  /// Seals card records and stored answers.
  case data = 2
  /// Makes fingerprints and request digests.
  case fingerprint = 3
  /// Signs the audit log's checkpoints.
  case audit = 4

  /// Whether such keys wrap the keyring, which holds the secrets of all others.
  package var wrapsKeyring: Bool {
    switch self {
    case .kek: true
    case .data, .fingerprint, .audit: false
    }
  }

  /// Whether such keys seal cards: the cards under each are counted, and their seals are bounded.
  package var sealsCards: Bool {
    switch self {
    case .data: true
    case .kek, .fingerprint, .audit: false
    }
  }

  /// Whether such keys sign.
  package var signs: Bool {
    switch self {
    case .audit: true
    case .kek, .data, .fingerprint: false
    }
  }

  /// Whether a key stays active beside its successor, until that has seen every card.
  package var isReplacedCardByCard: Bool {
    switch self {
    case .fingerprint: true
    case .kek, .data, .audit: false
    }
  }

  /// The name in commands and reports.
  package var name: String {
    switch self {
    case .kek: "kek"
    case .data: "data"
    case .fingerprint: "fingerprint"
    case .audit: "audit"
    }
  }
}

/// Where a key is in its life. The number is what stands in the keyring.
///
/// - Source: NIST SP 800-57 part 1, section 7. `destroying` is the time between the decision and
///   the moment at which no page of the store holds the wrapped key any more.
package enum KeyState: UInt8, CaseIterable, Sendable {
  /// Protects and reads.
  case active = 1
  /// Reads what it protected, and protects nothing new.
  case deactivated = 2
  /// Reads what it protected; somebody else may read it too.
  case compromised = 3
  /// Its destruction has begun.
  case destroying = 4
  /// Gone; the entry stays.
  case destroyed = 5

  /// The name in commands and reports.
  package var name: String {
    switch self {
    case .active: "active"
    case .deactivated: "deactivated"
    case .compromised: "compromised"
    case .destroying: "destroying"
    case .destroyed: "destroyed"
    }
  }
}

/// The secret of a key, shared by whoever refers to it, wiped when nobody does.
package final class KeyMaterial: Sendable {
  private let secret: SecretBytes

  /// Takes over a secret.
  package init(_ secret: consuming SecretBytes) { self.secret = secret }

  /// How many bytes the secret has.
  package var count: Int { secret.count }

  /// Lends the secret to `body`, for example to key a cipher with it.
  package func withUnprotectedKeyBytes<Result: ~Copyable, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try KeyMaterial.lend(secret, to: body)
  }

  // The compiler follows the lifetime of a borrowed parameter, not yet that of a stored property.
  private static func lend<Result: ~Copyable, Failure: Error>(
    _ secret: borrowing SecretBytes, to body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(secret.bytes)
  }
}

/// Where a key comes from. The number is what stands in the keyring.
package enum KeyOrigin: UInt8, CaseIterable, Sendable {
  /// Made with the store.
  case initialization = 1
  /// Made by a rotation.
  case rotation = 2
  /// Made in a ceremony, and held by custodians.
  case ceremony = 3
  /// Brought by an operator.
  case installed = 4

  /// The name in commands and reports.
  package var name: String {
    switch self {
    case .initialization: "initialization"
    case .rotation: "rotation"
    case .ceremony: "ceremony"
    case .installed: "installed"
    }
  }
}

/// A key as the keyring keeps it. Times are milliseconds since 1970-01-01T00:00:00Z.
package struct KeyringEntry: Sendable {
  /// How many bytes a check value has.
  package static let checkValueByteCount = 5

  /// The key's name.
  package let identifier: KeyIdentifier
  /// What the key is for.
  package let role: KeyRole
  /// Where the key is in its life.
  package var state: KeyState
  /// Where the key comes from.
  package let origin: KeyOrigin
  /// The time at which the key was made, in Unix milliseconds.
  package let createdMilliseconds: UInt64
  /// For how long it should protect new data, in seconds.
  package let cryptoperiodSeconds: UInt64
  /// When it stopped to protect new data, or nil.
  package var deactivatedMilliseconds: UInt64?
  /// When it was known to be compromised, or nil.
  package var compromisedMilliseconds: UInt64?
  /// When its destruction was complete, or nil.
  package var destroyedMilliseconds: UInt64?
  /// The key that took its place, or nil.
  package var successor: KeyIdentifier?
  /// Five bytes by which people compare the key; nil in a keyring of version 1.
  package var checkValue: [UInt8]?
  /// The secret, 1 to 255 bytes; nil for a KEK and for a key that is destroyed.
  package var material: KeyMaterial?

  /// Puts an entry together.
  package init(
    identifier: KeyIdentifier, role: KeyRole, state: KeyState, origin: KeyOrigin = .initialization,
    createdMilliseconds: UInt64, cryptoperiodSeconds: UInt64,
    deactivatedMilliseconds: UInt64? = nil, compromisedMilliseconds: UInt64? = nil,
    destroyedMilliseconds: UInt64? = nil, successor: KeyIdentifier? = nil,
    checkValue: [UInt8]? = nil, material: KeyMaterial?
  ) {
    self.identifier = identifier
    self.role = role
    self.state = state
    self.origin = origin
    self.createdMilliseconds = createdMilliseconds
    self.cryptoperiodSeconds = cryptoperiodSeconds
    self.deactivatedMilliseconds = deactivatedMilliseconds
    self.compromisedMilliseconds = compromisedMilliseconds
    self.destroyedMilliseconds = destroyedMilliseconds
    self.successor = successor
    self.checkValue = checkValue
    self.material = material
  }

  /// When it should have been replaced.
  package var cryptoperiodEndMilliseconds: UInt64 {
    let (milliseconds, overflow) = cryptoperiodSeconds.multipliedReportingOverflow(by: 1_000)
    return overflow ? .max : createdMilliseconds.addingReportingOverflow(milliseconds).partialValue
  }

  /// Whether it is a fingerprint key whose successor has not seen every card yet: it finds cards, and
  /// fingerprints no new one.
  package var isBeingReplaced: Bool {
    role.isReplacedCardByCard && successor != nil && deactivatedMilliseconds == nil
      && (state == .active || state == .compromised)
  }

  /// Whether what is there fits together, and material is where it has to be and nowhere else.
  var isValid: Bool {
    let times = [deactivatedMilliseconds, compromisedMilliseconds, destroyedMilliseconds]
    guard !times.contains(0), successor != KeyIdentifier(0),
      checkValue.map({ $0.count == Self.checkValueByteCount }) ?? true
    else { return false }
    guard !role.wrapsKeyring else { return material == nil }
    switch state {
    case .active, .deactivated, .compromised: return hasMaterialThatFits
    case .destroying: return material == nil || hasMaterialThatFits
    case .destroyed: return material == nil
    }
  }

  private var hasMaterialThatFits: Bool {
    material.map { (1...255).contains($0.count) } ?? false
  }
}
