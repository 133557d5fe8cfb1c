import AccessPolicy
import Cryptography
import Tokenization

/// One generation of what the server goes by: the terms, and whom it trusts under them.
final class TrustSnapshot: Sendable {
  /// Grows with every update, of the policy or of a revocation list alone.
  let generation: UInt64
  let terms: Terms
  let authorities: TrustedAuthorities

  /// An identity, and the last second for which it holds.
  struct Decision {
    let identity: ClientIdentity
    let validUntil: Int64
    /// The paths that were found, for remembering their intermediates; empty where no authority
    /// has vouched.
    var paths: [CertificatePath] = []
  }

  var policy: Policy { terms.policy }

  init(generation: UInt64, terms: Terms, authorities: TrustedAuthorities) {
    self.generation = generation
    self.terms = terms
    self.authorities = authorities
  }

  /// Decides who the holder of `leaf` is, to whom `paths` lead from authorities.
  ///
  /// An identity counts only under the authorities that its principal names, so that no merchant's
  /// authority can mint an acquirer. What no principal's authority has issued is still held against
  /// the other ones: a revoked certificate is closed out even if nobody knows its name. One that
  /// would be two principals, since an authority of the one stands above an authority of the other,
  /// is neither.
  func decide(
    _ leaf: LeafCertificate, _ paths: [CertificatePath], at unixSeconds: Int64
  ) -> Decision {
    guard !paths.isEmpty else { return Decision(identity: .unknown, validUntil: .max) }
    var clients: [(identity: ClientIdentity, until: Int64)] = []
    var rejection: ClientIdentity.Rejection?
    for candidate in candidates(for: leaf) {
      let own = paths.filter { authorities.doesEnd($0, at: candidate.authority) }
      let verdict = authorities.all.judge(leaf, own, at: unixSeconds)
      if case .valid(let until) = verdict {
        clients.append((.client(actor: leaf.spiffeURIs[0], candidate.principal), until))
      }
      rejection = rejection ?? verdict.rejection
    }
    if clients.count == 1 {
      return Decision(identity: clients[0].identity, validUntil: clients[0].until, paths: paths)
    }
    if let rejection, clients.isEmpty {
      return Decision(identity: .rejected(rejection), validUntil: unixSeconds, paths: paths)
    }
    let verdict = authorities.all.judge(leaf, paths, at: unixSeconds)
    if case .valid(let until) = verdict {
      return Decision(identity: .unknown, validUntil: until, paths: paths)
    }
    let identity = verdict.rejection.map { ClientIdentity.rejected($0) } ?? .unknown
    return Decision(identity: identity, validUntil: unixSeconds, paths: paths)
  }

  /// Who the holder of `leaf` could be: nobody unless it has exactly one URI, a SPIFFE one.
  /// - Source: SPIFFE X509-SVID, sections 2 and 5.2.
  private func candidates(for leaf: LeafCertificate) -> [Policy.Candidate] {
    guard leaf.spiffeURIs.count == 1, leaf.otherURIs.isEmpty else { return [] }
    return policy.principals(for: leaf.spiffeURIs[0])
  }

  /// The authorities to which a path from `leaf` would matter: those of whoever has its name, or all
  /// of them where nobody has.
  func anchors(for leaf: LeafCertificate) -> [AuthorityCertificate] {
    let own = candidates(for: leaf).flatMap { authorities.anchors(of: $0.authority) }
    return own.isEmpty ? authorities.all.anchors : own
  }

  /// The authorities' certificates in DER, in a fixed order.
  var anchorCertificates: [[UInt8]] {
    authorities.all.anchors.map(\.der).sorted { $0.lexicographicallyPrecedes($1) }
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
    case .uncoveredByRevocationLists: .uncoveredByRevocationLists
    case .wrongKeyUsage: .wrongKeyUsage
    }
  }
}
