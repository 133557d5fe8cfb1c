internal import Bytes
package import Cryptography
package import RecordFormat
package import SecretMemory

/// Who is to hold a KEK.
package struct CustodyPlan: Equatable, Sendable {
  /// What the vault is called.
  package let vault: CustodyName
  /// How many shares rebuild the key.
  package let threshold: Int
  /// Who gets a share, in their order.
  package let custodians: [CustodyName]

  /// Makes a plan.
  ///
  /// - Throws: ``CustodyProblem/invalidPlan`` unless 2 ≤ threshold ≤ custodians ≤ 15, and every name
  ///   occurs once, whatever the case of its letters.
  package init(
    vault: CustodyName, threshold: Int, custodians: [CustodyName]
  ) throws(KeyringError) {
    guard CustodianSet.custodianCounts.contains(custodians.count),
      (2...custodians.count).contains(threshold),
      Set(custodians.map { $0.text.lowercased() }).count == custodians.count
    else { throw .custody(.invalidPlan) }
    self.vault = vault
    self.threshold = threshold
    self.custodians = custodians
  }
}

/// Makes a KEK that nobody will ever see, and splits it among custodians.
///
/// Each custodian's passphrase is taken with ``seal(custodian:passphrase:)``, which also opens again
/// what it has encrypted, from its text; ``finish()`` then rebuilds the key from what was opened. So a
/// ceremony that ends well has shares that work.
package struct CustodyCeremony: ~Copyable {
  /// What a ceremony makes.
  package struct Result: Sendable {
    /// The KEK.
    package let key: KeyEncryptionKey
    /// What the store keeps.
    package let set: CustodianSet
    /// The custodians' shares, in their order.
    package let shares: [CustodianShare]
  }

  /// Who gets a share.
  package let plan: CustodyPlan
  /// The name of the new key.
  package var keyIdentifier: KeyIdentifier { key.identifier }

  private let key: KeyEncryptionKey
  private let checkValue: [UInt8]
  private let createdMilliseconds: UInt64
  private let cost: Argon2id.Parameters
  private let split: SecretShares
  private var sealed: [Int: (share: CustodianShare, opened: KeyMaterial)] = [:]

  /// Makes the key and its shares, for a store that has `known` keys.
  ///
  /// - Parameter cost: what each share costs whoever tries a passphrase.
  /// - Throws: ``KeyringError/systemUnavailable``.
  package init(
    _ plan: CustodyPlan, besides known: [KeyIdentifier], atMilliseconds now: UInt64,
    cost: Argon2id.Parameters = SealedShare.standardCost
  ) throws(KeyringError) {
    let key = KeyEncryptionKey(
      try KeyIdentifier.fresh(besides: known), try KeyEncryptionKey.makeSecret())
    let checkValue = try key.checkValue()
    split = try key.split(threshold: plan.threshold, count: plan.custodians.count)
    self.key = key
    self.checkValue = checkValue
    self.plan = plan
    self.cost = cost
    createdMilliseconds = now
  }

  /// Encrypts the share of the custodian `index`, from 0, under their passphrase, and opens it again.
  /// Takes the time of two derivations.
  ///
  /// - Throws: ``CustodyProblem/passphraseLength(custodian:)``, ``KeyringError/systemUnavailable``.
  package mutating func seal(
    custodian index: Int, passphrase: borrowing SecretBytes
  ) throws(KeyringError) {
    precondition(plan.custodians.indices.contains(index), "the plan has this custodian")
    let header = ShareHeader(
      vault: plan.vault, keyIdentifier: key.identifier, checkValue: checkValue,
      custodian: plan.custodians[index], coordinate: index + 1, threshold: plan.threshold,
      count: plan.custodians.count, createdMilliseconds: createdMilliseconds)
    guard let header else { throw .custody(.invalidPlan) }
    let share = try onSystem(split.share(at: index + 1))
    let written = try CustodianShare(
      sealing: share.bytes, header, passphrase: passphrase, cost: cost)
    let text = Array(written.text.utf8)
    let read = try CustodianShare(parsing: text.rawSpan)
    let opened = try read.open(passphrase: passphrase)
    guard read == written, opened.isEqual(to: share.bytes) else {
      throw .custody(.shareDoesNotMatch(custodian: header.custodian))
    }
    sealed[index] = (written, KeyMaterial(opened))
  }

  /// Proves that the shares rebuild the key, each of them in one subset at least, and gives all out.
  ///
  /// - Throws: ``CustodyProblem/sharesMissing(_:)`` where custodians have not given a passphrase;
  ///   ``CustodyProblem/rebuiltKeyDiffers(_:)``, ``KeyringError/systemUnavailable``.
  package consuming func finish() throws(KeyringError) -> Result {
    let count = plan.custodians.count
    let ordered = (0..<count).compactMap { sealed[$0] }
    guard ordered.count == count else { throw .custody(.sharesMissing(count - ordered.count)) }
    for first in 0..<count {
      let subset = (first..<first + plan.threshold).map { index in
        (coordinate: index % count + 1, share: ordered[index % count].opened)
      }
      let rebuilt = try Self.combine(subset)
      guard key.isEqual(to: rebuilt) else {
        throw .custody(.rebuiltKeyDiffers(key.identifier))
      }
    }
    let custodians = ordered.enumerated().map { index, entry in
      CustodianSet.Custodian(
        name: plan.custodians[index],
        commitment: entry.opened.withUnprotectedKeyBytes {
          CustodianSet.commitment(to: $0, of: key.identifier, coordinate: index + 1)
        })
    }
    let set = CustodianSet(
      keyIdentifier: key.identifier, checkValue: checkValue,
      createdMilliseconds: createdMilliseconds, threshold: plan.threshold, vault: plan.vault,
      custodians: custodians)
    guard let set else { throw .custody(.invalidPlan) }
    return Result(key: key, set: set, shares: ordered.map(\.share))
  }

  /// The secret that some shares rebuild.
  static func combine(
    _ shares: [(coordinate: Int, share: KeyMaterial)]
  ) throws(KeyringError) -> SecretBytes {
    let size = SealedShare.shareByteCount
    do {
      var joined = try SecretBytes(count: shares.count * size)
      for (index, entry) in shares.enumerated() {
        entry.share.withUnprotectedKeyBytes { bytes in
          unsafe joined.withMutableBytes { buffer in
            unsafe bytes.withUnsafeBytes { source in
              let part = unsafe buffer[index * size..<(index + 1) * size]
              unsafe UnsafeMutableRawBufferPointer(rebasing: part).copyMemory(from: source)
            }
          }
        }
      }
      return try SecretSharing.combine(
        joined.bytes, coordinates: shares.map { UInt8($0.coordinate) })
    } catch {
      throw .systemUnavailable
    }
  }
}
