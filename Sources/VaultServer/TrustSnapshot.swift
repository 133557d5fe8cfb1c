import AccessPolicy
import Cryptography

/// One generation of whom the server trusts: policy, authorities and their revocation lists.
final class TrustSnapshot: Sendable {
  /// Grows with every update, of the policy or of a revocation list alone.
  let generation: UInt64
  let policy: Policy
  let authorities: [AuthorityReference: ClientAuthority]

  /// An identity, and the last second for which it holds.
  struct Decision {
    let identity: ClientIdentity
    let validUntil: Int64
  }

  init(
    generation: UInt64, policy: Policy, authorities: [AuthorityReference: ClientAuthority]
  ) {
    self.generation = generation
    self.policy = policy
    self.authorities = authorities
  }

  /// Decides who the holder of `leaf` is.
  ///
  /// An identity counts only under the authority that its principal names, so that no merchant's
  /// authority can mint an acquirer. What no principal's authority has issued is still held against
  /// the other ones: a revoked certificate is closed out even if nobody knows its name.
  func decide(_ leaf: LeafCertificate, at unixSeconds: Int64) -> Decision {
    var judged: Set<AuthorityReference> = []
    if leaf.spiffeURIs.count == 1, let uri = leaf.spiffeURIs.first {
      for candidate in policy.principals(for: uri) {
        judged.insert(candidate.authority)
        guard let authority = authorities[candidate.authority] else { continue }
        switch authority.judge(leaf, at: unixSeconds) {
        case .valid(let until):
          return Decision(identity: .client(actor: uri, candidate.principal), validUntil: until)
        case let verdict:
          guard let rejection = verdict.rejection else { continue }
          return Decision(identity: .rejected(rejection), validUntil: unixSeconds)
        }
      }
    }
    var validUntil = leaf.notAfter
    for (reference, authority) in authorities where !judged.contains(reference) {
      let verdict = authority.judge(leaf, at: unixSeconds)
      if let rejection = verdict.rejection {
        return Decision(identity: .rejected(rejection), validUntil: unixSeconds)
      }
      if case .valid(let until) = verdict { validUntil = min(validUntil, until) }
    }
    return Decision(identity: .unknown, validUntil: validUntil)
  }

  /// The authorities' certificates in DER, which together are what a handshake trusts.
  var rootCertificates: [[UInt8]] {
    Set(authorities.values.map(\.certificateDER)).sorted { $0.lexicographicallyPrecedes($1) }
  }
}

extension ClientVerdict {
  /// Why the connection is closed, or nil where this verdict is no reason to.
  fileprivate var rejection: ClientIdentity.Rejection? {
    switch self {
    case .valid, .notIssuedHere: nil
    case .notYetValid: .notYetValid
    case .expired: .expired
    case .revoked: .revoked
    case .staleRevocationList: .staleRevocationList
    case .wrongKeyUsage: .wrongKeyUsage
    }
  }
}
