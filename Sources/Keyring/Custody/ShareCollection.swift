import Cryptography
package import RecordFormat
package import SecretMemory

/// Shares as custodians enter them, until there are enough to rebuild the KEK.
///
/// For one thread at a time. It has no clock: whoever holds it decides how long entered shares may
/// wait, and calls ``forget()``, which happens by itself when the value ends.
package struct ShareCollection: ~Copyable, Sendable {
  /// How far the collection is.
  package struct Progress: Equatable, Sendable {
    /// Whose shares have been entered, in the order in which they were.
    package let entered: [CustodyName]
    /// How many are still needed.
    package let missing: Int

    /// Whether the key can be rebuilt.
    package var isComplete: Bool { missing == 0 }
  }

  /// The custodians whose shares are taken.
  package let set: CustodianSet
  private var shares: [(coordinate: Int, share: KeyMaterial)] = []

  /// An empty collection.
  package init(for set: CustodianSet) { self.set = set }

  /// The custodians who have entered theirs, and how many are missing.
  package var progress: Progress {
    Progress(
      entered: shares.map { set.custodians[$0.coordinate - 1].name },
      missing: max(0, set.threshold - shares.count))
  }

  /// Whether `share` would be taken if it opened: for before ``CustodianShare/open(passphrase:)``, which
  /// takes its time.
  ///
  /// - Throws: ``CustodyProblem/shareOfAnotherKey(_:custodian:)``,
  ///   ``CustodyProblem/shareOfAnotherSet(custodian:)``,
  ///   ``CustodyProblem/shareEnteredAlready(custodian:)``.
  package func check(_ share: CustodianShare) throws(KeyringError) {
    let header = share.header
    guard header.keyIdentifier == set.keyIdentifier else {
      throw .custody(.shareOfAnotherKey(header.keyIdentifier, custodian: header.custodian))
    }
    guard header.vault == set.vault, header.threshold == set.threshold,
      header.count == set.custodians.count, header.checkValue == set.checkValue,
      header.createdMilliseconds == set.createdMilliseconds,
      set.custodians[header.coordinate - 1].name == header.custodian
    else { throw .custody(.shareOfAnotherSet(custodian: header.custodian)) }
    guard !shares.contains(where: { $0.coordinate == header.coordinate }) else {
      throw .custody(.shareEnteredAlready(custodian: header.custodian))
    }
  }

  /// Takes a share that was opened.
  ///
  /// - Throws: as ``check(_:)``, and ``CustodyProblem/shareDoesNotMatch(custodian:)``.
  @discardableResult
  package mutating func add(
    _ share: CustodianShare, opened: consuming SecretBytes
  ) throws(KeyringError) -> Progress {
    try check(share)
    let coordinate = share.header.coordinate
    let commitment = CustodianSet.commitment(
      to: opened.bytes, of: set.keyIdentifier, coordinate: coordinate)
    guard set.custodians[coordinate - 1].commitment.isEqualInConstantTime(to: commitment) else {
      throw .custody(.shareDoesNotMatch(custodian: share.header.custodian))
    }
    shares.append((coordinate, KeyMaterial(opened)))
    return progress
  }

  /// Opens a share and takes it.
  ///
  /// - Throws: as ``check(_:)`` and ``CustodianShare/open(passphrase:)``, and
  ///   ``CustodyProblem/shareDoesNotMatch(custodian:)``.
  @discardableResult
  package mutating func add(
    _ share: CustodianShare, passphrase: borrowing SecretBytes
  ) throws(KeyringError) -> Progress {
    try check(share)
    return try add(share, opened: share.open(passphrase: passphrase))
  }

  /// The key that the shares rebuild. They stay until ``forget()``.
  ///
  /// - Throws: ``CustodyProblem/sharesMissing(_:)``, ``CustodyProblem/rebuiltKeyDiffers(_:)``,
  ///   ``KeyringError/systemUnavailable``.
  package func keyEncryptionKey() throws(KeyringError) -> KeyEncryptionKey {
    let missing = progress.missing
    guard missing == 0 else { throw .custody(.sharesMissing(missing)) }
    let key = KeyEncryptionKey(set.keyIdentifier, try CustodyCeremony.combine(shares))
    guard try key.checkValue() == set.checkValue else {
      throw .custody(.rebuiltKeyDiffers(set.keyIdentifier))
    }
    return key
  }

  /// Wipes every share that was entered.
  package mutating func forget() { shares.removeAll() }
}
