import Cryptography
import Synchronization

/// Intermediate authorities that clients have sent, for connections that resume a session.
///
/// NIOSSL gives the certificates above the leaf in a full handshake only, and a resumed session has
/// the leaf alone; nothing switches tickets off. So the intermediates of every path that held are
/// kept for as long as a ticket may be shown, and a resumed connection is judged with them anew,
/// signatures included. One whose intermediates are not known any more is closed.
///
/// Bounded by anchor, so that who runs an authority of its own can push out nobody's but its own.
/// Tickets end with the TLS context, which every reload replaces.
final class KnownIntermediates: Sendable {
  /// How many are kept below one anchor, the ones that were used last.
  static let mostByAnchor = 64

  /// By the anchor's fingerprint, the one that was used last in the end.
  private let known = Mutex<[Digest256: [AuthorityCertificate]]>([:])

  /// Keeps the intermediates of `paths`.
  func remember(_ paths: [CertificatePath]) {
    guard paths.contains(where: { !$0.intermediates.isEmpty }) else { return }
    known.withLock { known in
      for path in paths {
        var kept = known[path.anchor.fingerprint, default: []]
        for one in path.intermediates {
          kept.removeAll { $0.fingerprint == one.fingerprint }
          kept.append(one)
        }
        known[path.anchor.fingerprint] = Array(kept.suffix(Self.mostByAnchor))
      }
    }
  }

  /// Forgets those of authorities that are not trusted any more.
  func keepOnly(_ anchors: [AuthorityCertificate]) {
    let fingerprints = Set(anchors.map(\.fingerprint))
    known.withLock { known in known = known.filter { fingerprints.contains($0.key) } }
  }

  /// The chain of a leaf whose intermediates are not at hand: those that fit by name, to be
  /// verified like what a client sends.
  func chain(of leaf: LeafCertificate) -> ClientChain {
    let all = known.withLock { known in known.values.flatMap(\.self) }
    guard !all.isEmpty else { return ClientChain(leaf: leaf, intermediates: []) }
    var chosen: [AuthorityCertificate] = []
    var wanted: Set<UInt> = [leaf.issuerHash]
    for _ in 0..<CertificatePath.mostIntermediates where !wanted.isEmpty {
      let found = all.filter { wanted.contains($0.subjectHash) }
      chosen += found
      wanted = Set(found.map(\.issuerHash))
    }
    return ClientChain(leaf: leaf, intermediates: chosen)
  }
}
