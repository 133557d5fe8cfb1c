import Synchronization

/// What an authority's view of a client certificate comes to.
package enum ClientVerdict: Sendable, Equatable {
  /// The certificate is good, and stays so up to and including the second `until`: the end of its
  /// own validity, of an authority's above it, or a revocation list's next update, whichever is
  /// first.
  case valid(until: Int64)

  /// Another authority issued it: no path leads from it to one of those that were asked for.
  case notIssuedHere

  /// The certificate, or an authority's above it, is not valid yet.
  case notYetValid

  /// The certificate, or an authority's above it, is not valid any more.
  case expired

  /// A revocation list names it, or an authority above it.
  case revoked

  /// The revocation list of its issuer, or of one above, is past its next update, or not current
  /// yet: nobody can be judged by it.
  case staleRevocationList

  /// There are revocation lists of its issuer, or of one above, and none of them is about it: it names
  /// another distribution point than they do, or is an authority's and they are for leaves.
  case uncoveredByRevocationLists

  /// It is not the certificate of a client: it has a sign of being an authority's, is without
  /// clientAuth in its extended key usage, or has a key usage that leaves out digitalSignature.
  case wrongKeyUsage

  /// The more it says, the smaller.
  private var rank: Int {
    switch self {
    case .valid: 0
    case .revoked: 1
    case .staleRevocationList: 2
    case .uncoveredByRevocationLists: 3
    case .wrongKeyUsage: 4
    case .expired: 5
    case .notYetValid: 6
    case .notIssuedHere: 7
    }
  }

  /// The better of two: one good path is enough, and the one that is good for longer counts.
  fileprivate func better(_ other: ClientVerdict) -> ClientVerdict {
    if case .valid(let one) = self, case .valid(let two) = other {
      return .valid(until: max(one, two))
    }
    return rank <= other.rank ? self : other
  }
}

/// Every authority that a configuration trusts for clients, with every revocation list that it
/// knows, wherever it names them.
///
/// It judges by itself and does not rely on what the TLS library verified: that knows no authorities
/// that are not roots, no revocation lists, and does not say which authority vouched.
package final class ClientAuthorities: Sendable {
  /// The authorities, each once.
  package let anchors: [AuthorityCertificate]
  /// The lists.
  package let lists: [RevocationList]

  /// The lists that bear the name of no anchor: their signature cannot be checked before the
  /// certificate of an intermediate of that name appears.
  package let listsOfOthers: [RevocationList]

  private let listsByAnchor: [Digest256: [RevocationList]]
  private let revokedAnchors: Set<Digest256>
  private let anchorFingerprints: Set<Digest256>

  /// Those of ``listsOfOthers`` that intermediates have issued, by the anchor above and the
  /// intermediate: to check it means hashing whole lists. By anchor, so that who runs an authority
  /// makes nobody else's be checked again.
  private let listsOfIntermediates = Mutex<[Digest256: [Digest256: [RevocationList]]]>([:])
  /// How many intermediates below one anchor are known at most; then all of them are forgotten.
  private static let mostIntermediates = 64

  /// Puts authorities and lists together.
  ///
  /// A list counts for each authority whose name it bears and whose key signed it. One that bears
  /// the name of no anchor is kept for intermediates (``listsOfOthers``). That lists and authorities
  /// are past their validity is no error here: it shows in ``judge(_:_:at:)``.
  /// - Throws: ``UnusableRevocationLists`` for lists that bear the name of an anchor, and that no
  ///   anchor of this name has signed, and for such that are too long to be kept for intermediates.
  package init(
    anchors: [AuthorityCertificate], lists: [RevocationList]
  ) throws(UnusableRevocationLists) {
    var distinct: [AuthorityCertificate] = []
    var seen: Set<Digest256> = []
    for anchor in anchors where seen.insert(anchor.fingerprint).inserted { distinct.append(anchor) }
    var listsByAnchor: [Digest256: [RevocationList]] = [:]
    var others: [RevocationList] = []
    var unusable: [(list: RevocationList, reason: CertificateError)] = []
    for list in lists {
      let named = distinct.filter(list.bearsName)
      let issuers = named.filter(list.isIssued)
      for issuer in issuers { listsByAnchor[issuer.fingerprint, default: []].append(list) }
      if !named.isEmpty, issuers.isEmpty {
        unusable.append((list, .foreignRevocationList))
      } else if named.isEmpty, list.byteCount > RevocationList.mostBytesOfOthers {
        unusable.append((list, .largeRevocationList))
      } else if named.isEmpty {
        others.append(list)
      }
    }
    guard unusable.isEmpty else { throw UnusableRevocationLists(lists: unusable) }
    // An authority that another one's list names has lost its key, or should have no clients any
    // more: that a configuration still trusts it changes nothing.
    revokedAnchors = Set(
      distinct.filter { anchor in
        distinct.contains { issuer in
          listsByAnchor[issuer.fingerprint, default: []].contains { $0.parsed.names(anchor.parsed) }
            && issuer.hasIssued(anchor)
        }
      }.map(\.fingerprint))
    self.anchors = distinct
    anchorFingerprints = seen
    self.lists = lists
    listsOfOthers = others
    self.listsByAnchor = listsByAnchor
  }

  /// The lists by which certificates that `anchor` has issued are judged.
  package func lists(of anchor: AuthorityCertificate) -> [RevocationList] {
    listsByAnchor[anchor.fingerprint, default: []]
  }

  /// The lists of an authority that stands on a verified path to `anchor`.
  private func lists(
    of authority: AuthorityCertificate, below anchor: AuthorityCertificate
  ) -> [RevocationList] {
    // An intermediate is no other certificate of an anchor: paths end there.
    if let lists = listsByAnchor[authority.fingerprint] { return lists }
    let named = listsOfOthers.filter { $0.bearsName(of: authority) }
    guard !named.isEmpty else { return [] }
    if let known = listsOfIntermediates.withLock({
      $0[anchor.fingerprint]?[authority.fingerprint]
    }) {
      return known
    }
    let issued = named.filter { $0.isIssued(by: authority) }
    listsOfIntermediates.withLock { known in
      var below = known[anchor.fingerprint, default: [:]]
      if below.count >= Self.mostIntermediates { below = [:] }
      below[authority.fingerprint] = issued
      known[anchor.fingerprint] = below
    }
    return issued
  }

  /// Whether the list of another anchor names this one.
  package func isRevoked(_ anchor: AuthorityCertificate) -> Bool {
    revokedAnchors.contains(anchor.fingerprint)
  }

  /// Whether both have the same anchors, so that every chain has the same paths.
  package func hasAnchors(of other: ClientAuthorities) -> Bool {
    anchorFingerprints == other.anchorFingerprints
  }

  /// The ways from a client's certificate to anchors. Costs the verification of a signature for
  /// each certificate on them, some 100 µs. May be called by any thread.
  package func paths(of chain: ClientChain) -> [CertificatePath] {
    PathFinder(chain: chain, anchors: anchors).paths()
  }

  /// Judges the certificate of a client by the best of `paths` at the time `unixSeconds`. Costs
  /// lookups and comparisons. May be called by any thread.
  package func judge(
    _ leaf: LeafCertificate, _ paths: some Sequence<CertificatePath>, at unixSeconds: Int64
  ) -> ClientVerdict {
    paths.reduce(.notIssuedHere) { $0.better(judge(leaf, $1, at: unixSeconds)) }
  }

  private func judge(
    _ leaf: LeafCertificate, _ path: CertificatePath, at unixSeconds: Int64
  ) -> ClientVerdict {
    guard !leaf.isAuthority, leaf.allowsClientAuthentication, leaf.maySignHandshakes
    else { return .wrongKeyUsage }
    var from = leaf.notBefore
    var until = leaf.notAfter
    for authority in path.intermediates + [path.anchor] {
      from = max(from, authority.validity.lowerBound)
      until = min(until, authority.validity.upperBound)
    }
    guard unixSeconds >= from else { return .notYetValid }
    guard unixSeconds <= until else { return .expired }
    if revokedAnchors.contains(path.anchor.fingerprint) { return .revoked }
    switch revocation(of: leaf, along: path, at: unixSeconds) {
    case .revoked: return .revoked
    case .stale: return .staleRevocationList
    case .uncovered: return .uncoveredByRevocationLists
    case .good(let end): return .valid(until: min(until, end))
    }
  }

  /// What the lists say of the client's certificate and of the intermediates above it.
  private func revocation(
    of leaf: LeafCertificate, along path: CertificatePath, at unixSeconds: Int64
  ) -> RevocationState {
    var issuer = path.anchor
    var states: [RevocationState] = []
    for subject in path.intermediates.reversed() {
      let lists = lists(of: issuer, below: path.anchor)
      states.append(RevocationState(of: subject.parsed, by: lists, at: unixSeconds))
      issuer = subject
    }
    let lists = lists(of: issuer, below: path.anchor)
    states.append(RevocationState(of: leaf.parsed, by: lists, at: unixSeconds))
    if states.contains(.revoked) { return .revoked }
    if states.contains(.uncovered) { return .uncovered }
    var until = Int64.max
    for state in states {
      guard case .good(let end) = state else { return .stale }
      until = min(until, end)
    }
    return .good(until: until)
  }
}
