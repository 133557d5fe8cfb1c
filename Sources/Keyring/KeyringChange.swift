import Cryptography
package import RecordFormat

/// A change of a keyring: what the keyring after it is made of.
///
/// Each step keeps to the states of SP 800-57 part 1, section 7, and throws where it would not.
package struct KeyringChange {
  /// How often a key of one role is rotated in twenty-four hours at most.
  package static let mostRotationsInADay = 32
  /// How many times as often, where a key is compromised.
  private static let urgentFactor = 4
  /// Places in the keyring that only a KEK may take.
  private static let placesForKeyEncryptionKeys = 64

  private let generation: UInt64
  private var entries: [KeyringEntry]
  private var keyEncryptionKey: KeyEncryptionKey

  /// Begins with what `keyring` is.
  package init(_ keyring: Keyring) {
    generation = keyring.generation + 1
    entries = keyring.entries
    keyEncryptionKey = keyring.keyEncryptionKey
  }

  /// Begins the first keyring of a store with a KEK.
  init(firstUnder key: KeyEncryptionKey, _ entry: KeyringEntry) {
    generation = 1
    entries = [entry]
    keyEncryptionKey = key
  }

  /// The keyring after the change.
  package func keyring() throws(KeyringError) -> Keyring {
    try Keyring(entries: entries, keyEncryptionKey: keyEncryptionKey, generation: generation)
  }

  /// Makes a new key of `role`, which takes the place of the active one.
  ///
  /// The one before is deactivated; a fingerprint key stays active, with its successor noted, until
  /// ``endFingerprintRotation(atMilliseconds:)``.
  /// - Parameter isUrgent: whether the one before is compromised.
  /// - Returns: the new key's identifier.
  /// - Throws: ``KeyringError/rotationUnderWay(_:)``, ``KeyringError/rotatedTooOften(_:)``,
  ///   ``KeyringError/tooManyKeys``, ``KeyringError/systemUnavailable``.
  @discardableResult
  package mutating func rotate(
    _ role: KeyRole, cryptoperiodSeconds: UInt64, isUrgent: Bool = false,
    atMilliseconds now: UInt64
  ) throws(KeyringError) -> KeyIdentifier {
    precondition(!role.wrapsKeyring, "a KEK comes from its source")
    let active = entries.indices.filter { entries[$0].role == role && entries[$0].state == .active }
    try checkPace(of: role, isUrgent: isUrgent, atMilliseconds: now)
    guard !role.isReplacedCardByCard || !entries.contains(where: \.isBeingReplaced) else {
      throw .rotationUnderWay(role)
    }
    let new = try add(
      role, origin: active.isEmpty ? .initialization : .rotation,
      cryptoperiodSeconds: cryptoperiodSeconds, atMilliseconds: now)
    if let index = active.first {
      entries[index].successor = new
      if !role.isReplacedCardByCard { deactivate(at: index, now) }
    }
    return new
  }

  /// Makes the first key of each role of which the keyring has none, not even one that is destroyed: it
  /// is of a version that did not know the role, and nothing is protected by it yet.
  ///
  /// - Returns: the new keys' identifiers.
  @discardableResult
  package mutating func addMissingRoles(
    cryptoperiods: Cryptoperiods, atMilliseconds now: UInt64
  ) throws(KeyringError) -> [KeyIdentifier] {
    var new: [KeyIdentifier] = []
    for role in KeyRole.missing(in: entries) {
      new.append(try rotate(role, cryptoperiodSeconds: cryptoperiods[role], atMilliseconds: now))
    }
    return new
  }

  /// Refuses what would fill the keyring: nobody needs so many keys, and a key that is compromised has to
  /// be replaced at any time.
  private func checkPace(
    of role: KeyRole, isUrgent: Bool, atMilliseconds now: UInt64
  ) throws(KeyringError) {
    let recent = entries.filter {
      $0.role == role && $0.origin == .rotation
        && $0.createdMilliseconds.addingReportingOverflow(86_400_000).partialValue > now
    }
    let most = Self.mostRotationsInADay * (isUrgent ? Self.urgentFactor : 1)
    guard recent.count < most else { throw .rotatedTooOften(role) }
  }

  /// Deactivates the fingerprint key that its successor has replaced everywhere.
  ///
  /// - Returns: its identifier; nil where no rotation is under way.
  package mutating func endFingerprintRotation(atMilliseconds now: UInt64) -> KeyIdentifier? {
    guard let index = entries.firstIndex(where: \.isBeingReplaced) else { return nil }
    entries[index].deactivatedMilliseconds = now
    if entries[index].state == .active { entries[index].state = .deactivated }
    return entries[index].identifier
  }

  /// Puts a KEK in the place of the one before: the next keyring is wrapped under it.
  package mutating func replaceKeyEncryptionKey(
    by key: KeyEncryptionKey, origin: KeyOrigin, cryptoperiodSeconds: UInt64,
    atMilliseconds now: UInt64
  ) throws(KeyringError) {
    guard !entries.contains(where: { $0.identifier == key.identifier }) else {
      throw .keyKnownAlready(key.identifier)
    }
    try KeyEncryptionKeyRules.check(key, against: entries)
    guard entries.count < KeyringBlob.mostEntries else { throw .tooManyKeys }
    if let index = entries.firstIndex(where: { $0.role.wrapsKeyring && $0.state == .active }) {
      entries[index].successor = key.identifier
      deactivate(at: index, now)
    }
    entries.append(
      try .keyEncryptionKey(
        key, origin: origin, cryptoperiodSeconds: cryptoperiodSeconds, atMilliseconds: now))
    keyEncryptionKey = key
  }

  /// The entry of a key.
  ///
  /// - Throws: ``KeyringError/unknownKey(_:)``.
  package func entry(_ identifier: KeyIdentifier) throws(KeyringError) -> KeyringEntry {
    entries[try index(of: identifier)]
  }

  /// Notes that a key may be known to somebody else. It opens what it sealed, and seals nothing.
  ///
  /// - Throws: ``KeyringError/unknownKey(_:)``; ``KeyringError/wrongState(_:_:)`` for one that is
  ///   active (it has to be rotated first) and for one that is destroyed.
  package mutating func compromise(
    _ identifier: KeyIdentifier, atMilliseconds now: UInt64
  ) throws(KeyringError) {
    let index = try index(of: identifier)
    switch entries[index].state {
    case .active where !entries[index].isBeingReplaced:
      throw .wrongState(identifier, .active)
    case .active, .deactivated:
      entries[index].state = .compromised
      entries[index].compromisedMilliseconds = now
    case .compromised: break
    case .destroying, .destroyed: throw .wrongState(identifier, entries[index].state)
    }
  }

  /// Begins a key's destruction: its secret is in no keyring from the next one on.
  ///
  /// - Throws: ``KeyringError/unknownKey(_:)``, ``KeyringError/wrongState(_:_:)``,
  ///   ``KeyringError/rotationUnderWay(_:)``.
  package mutating func beginDestruction(_ identifier: KeyIdentifier) throws(KeyringError) {
    let index = try index(of: identifier)
    guard !entries[index].isBeingReplaced else { throw .rotationUnderWay(entries[index].role) }
    switch entries[index].state {
    case .deactivated, .compromised:
      entries[index].state = .destroying
      entries[index].material = nil
    case .destroying: break
    case .active, .destroyed: throw .wrongState(identifier, entries[index].state)
    }
  }

  /// Ends destructions that have begun: no page of the store holds the keys any more.
  package mutating func endDestructions(
    of identifiers: [KeyIdentifier], atMilliseconds now: UInt64
  ) {
    for index in entries.indices
    where entries[index].state == .destroying && identifiers.contains(entries[index].identifier) {
      entries[index].state = .destroyed
      entries[index].destroyedMilliseconds = now
    }
  }

  private mutating func deactivate(at index: Int, _ now: UInt64) {
    entries[index].state = .deactivated
    entries[index].deactivatedMilliseconds = now
  }

  private func index(of identifier: KeyIdentifier) throws(KeyringError) -> Int {
    guard let index = entries.firstIndex(where: { $0.identifier == identifier }) else {
      throw .unknownKey(identifier)
    }
    return index
  }

  private mutating func add(
    _ role: KeyRole, origin: KeyOrigin, cryptoperiodSeconds: UInt64, atMilliseconds now: UInt64
  ) throws(KeyringError) -> KeyIdentifier {
    guard entries.count < KeyringBlob.mostEntries - Self.placesForKeyEncryptionKeys else {
      throw .tooManyKeys
    }
    let identifier = try KeyIdentifier.fresh(besides: entries.map(\.identifier))
    let material = KeyMaterial(try KeyEncryptionKey.makeSecret())
    var entry = KeyringEntry(
      identifier: identifier, role: role, state: .active, origin: origin,
      createdMilliseconds: now, cryptoperiodSeconds: cryptoperiodSeconds, material: material)
    entry.checkValue = try entry.computeCheckValue(keyEncryptionKey)
    entries.append(entry)
    return identifier
  }
}

extension KeyIdentifier {
  /// A random identifier that is none of `known`, and not zero, which stands for none.
  package static func fresh(besides known: [KeyIdentifier]) throws(KeyringError) -> KeyIdentifier {
    do {
      var random = try RandomPool()
      while true {
        let candidate = KeyIdentifier(UInt32(truncatingIfNeeded: try random.next()))
        if candidate.value != 0, !known.contains(candidate) { return candidate }
      }
    } catch {
      throw .systemUnavailable
    }
  }
}

extension KeyringEntry {
  /// The entry of a KEK that is in use, without its secret.
  static func keyEncryptionKey(
    _ key: KeyEncryptionKey, origin: KeyOrigin, cryptoperiodSeconds: UInt64,
    atMilliseconds now: UInt64
  ) throws(KeyringError) -> KeyringEntry {
    var entry = KeyringEntry(
      identifier: key.identifier, role: .kek, state: .active, origin: origin,
      createdMilliseconds: now, cryptoperiodSeconds: cryptoperiodSeconds, material: nil)
    entry.checkValue = try entry.computeCheckValue(key)
    return entry
  }
}
