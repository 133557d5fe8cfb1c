package import AccessPolicy
package import Cryptography

/// The authorities of a policy, loaded: which of them vouch for whom, and all of them together with
/// their revocation lists.
package struct TrustedAuthorities: Sendable {
  /// All authorities and all lists.
  package let all: ClientAuthorities
  /// The lists of each file that any reference names, by its path.
  package let lists: [String: [RevocationList]]
  /// The fingerprints of the authorities of each reference.
  private let fingerprints: [AuthorityReference: Set<Digest256>]

  /// Puts together what was loaded.
  ///
  /// - Parameters:
  ///   - anchors: the authorities of each reference of the policy.
  ///   - lists: the lists of each file that any reference names, by its path.
  /// - Throws: ``UnusableRevocationLists``, as ``ClientAuthorities`` does.
  package init(
    anchors: [AuthorityReference: [AuthorityCertificate]], lists: [String: [RevocationList]]
  ) throws(UnusableRevocationLists) {
    let inOrder = anchors.sorted {
      $0.key.certificatePaths.lexicographicallyPrecedes($1.key.certificatePaths)
    }
    all = try ClientAuthorities(
      anchors: inOrder.flatMap(\.value),
      lists: lists.sorted { $0.key < $1.key }.flatMap(\.value))
    self.lists = lists
    fingerprints = anchors.mapValues { Set($0.map(\.fingerprint)) }
  }

  /// Whether `path` ends at an authority of `reference`.
  func doesEnd(_ path: CertificatePath, at reference: AuthorityReference) -> Bool {
    fingerprints[reference]?.contains(path.anchor.fingerprint) == true
  }

  /// Whether an authority of the one reference is, or has issued, an authority of the other: a client
  /// of the one could be a client of both.
  package func overlap(_ one: AuthorityReference, _ other: AuthorityReference) -> Bool {
    let (ones, others) = (anchors(of: one), anchors(of: other))
    return ones.contains { first in
      others.contains { second in
        first.fingerprint == second.fingerprint || first.hasIssued(second)
          || second.hasIssued(first)
      }
    }
  }

  /// Whether both have an authority of one name and key: who runs it can make the clients of both.
  package func share(_ one: AuthorityReference, _ other: AuthorityReference) -> Bool {
    anchors(of: one).contains { first in
      anchors(of: other).contains { first.isSameAuthority(as: $0) }
    }
  }

  /// The authorities of a reference.
  package func anchors(of reference: AuthorityReference) -> [AuthorityCertificate] {
    all.anchors.filter { fingerprints[reference]?.contains($0.fingerprint) == true }
  }
}
