import Cryptography
import Synchronization

/// Rows of intermediate authorities that clients have sent, for connections that resume a session.
///
/// NIOSSL gives the certificates above the leaf in a full handshake only, and a resumed session has
/// the leaf alone; nothing switches tickets off. So the intermediates of every path that held are
/// kept for as long as a ticket may be shown, and a resumed connection is judged with them anew,
/// signatures included. One whose intermediates are not known any more is closed.
///
/// Kept and looked up by anchor, so that who runs an authority can push out or hide nobody's but
/// those below it, whatever names it gives to its intermediates. Tickets end with the TLS context,
/// which every reload replaces.
final class KnownIntermediates: Sendable {
  /// How many rows are kept below one anchor, the ones that were sent last.
  static let mostByAnchor = 64

  /// How many of them are tried for one leaf: only such as fit by name, which are several where an
  /// authority has been replaced under its name or has certificates of several others.
  static let mostTried = 8

  /// By the anchor's fingerprint, the row that was sent last in the end.
  private let known = Mutex<[Digest256: [[AuthorityCertificate]]]>([:])

  /// Keeps the intermediates of `paths`.
  func remember(_ paths: [CertificatePath]) {
    let long = paths.filter { !$0.intermediates.isEmpty }
    guard !long.isEmpty else { return }
    known.withLock { known in
      for path in long {
        var rows = known[path.anchor.fingerprint, default: []]
        let fingerprints = path.intermediates.map(\.fingerprint)
        rows.removeAll { $0.map(\.fingerprint) == fingerprints }
        rows.append(path.intermediates)
        known[path.anchor.fingerprint] = rows.suffix(Self.mostByAnchor)
      }
    }
  }

  /// Forgets those of authorities that are not trusted any more.
  func keepOnly(_ anchors: [AuthorityCertificate]) {
    let fingerprints = Set(anchors.map(\.fingerprint))
    known.withLock { known in known = known.filter { fingerprints.contains($0.key) } }
  }

  /// The chain of a leaf whose intermediates are not at hand: for each of `anchors` the rows that fit
  /// by name, to be verified like what a client sends.
  func chain(of leaf: LeafCertificate, below anchors: [AuthorityCertificate]) -> ClientChain {
    let rows = known.withLock { known in anchors.map { known[$0.fingerprint, default: []] } }
    let fitting = rows.flatMap { rows in
      rows.filter { $0.first?.claims(leaf) == true }.suffix(Self.mostTried)
    }
    return ClientChain(leaf: leaf, known: fitting)
  }
}
