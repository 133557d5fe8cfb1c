import COpenSSL

/// A client's certificate and the ways from it upwards that can be tried.
package final class ClientChain: Sendable {
  /// The most certificates that a client may send, its own included.
  package static let mostCertificates = 8

  /// The most rows that are made of what a client sent: a real chain has as many as it is long, twice
  /// that where authorities are being replaced.
  private static let mostRows = 16

  /// The client's own certificate.
  package let leaf: LeafCertificate
  /// Rows of intermediates that begin at the leaf, each with what follows to the anchor, which is
  /// not in it. They fit together by name, which proves nothing. The first one is empty: the leaf
  /// may be an anchor's own.
  package let rows: [[AuthorityCertificate]]

  /// Takes a chain as a client sent it, in any order.
  ///
  /// What cannot be an intermediate is left out, since clients send their root along, or more.
  package init(leaf: LeafCertificate, intermediates: [AuthorityCertificate]) {
    self.leaf = leaf
    rows = Self.rows(from: leaf, of: intermediates.filter { !$0.isSelfIssued })
  }

  /// Takes rows that are known, none of them empty, for a leaf that came alone.
  package init(leaf: LeafCertificate, known rows: [[AuthorityCertificate]]) {
    self.leaf = leaf
    self.rows = [[]] + rows
  }

  /// Every row of `intermediates` that begins at the leaf, the shortest first.
  private static func rows(
    from leaf: LeafCertificate, of intermediates: [AuthorityCertificate]
  ) -> [[AuthorityCertificate]] {
    var distinct: [AuthorityCertificate] = []
    for one in intermediates where !distinct.contains(where: { $0.fingerprint == one.fingerprint })
    {
      distinct.append(one)
    }
    var rows: [[AuthorityCertificate]] = [[]]
    var next = 0
    while next < rows.count {
      let row = rows[next]
      next += 1
      guard row.count < CertificatePath.mostIntermediates else { continue }
      for issuer in distinct where issuer.claims(row, from: leaf) {
        guard rows.count < mostRows else { return rows }
        if !row.contains(where: { $0.fingerprint == issuer.fingerprint }) {
          rows.append(row + [issuer])
        }
      }
    }
    return rows
  }
}

extension AuthorityCertificate {
  /// Whether this authority could have issued the last of `row`, or the leaf where it is empty.
  fileprivate func claims(_ row: [AuthorityCertificate], from leaf: LeafCertificate) -> Bool {
    if let last = row.last { claims(last.parsed) } else { claims(leaf) }
  }
}

/// A verified way from a client's certificate to an authority that the configuration trusts.
package struct CertificatePath: Sendable {
  /// The most intermediates on a path.
  package static let mostIntermediates = 4

  /// Where the path ends.
  package let anchor: AuthorityCertificate
  /// From the issuer of the client's certificate on, the anchor excluded.
  package let intermediates: [AuthorityCertificate]
}

/// Finds the paths of a chain.
struct PathFinder {
  /// The most signatures that are checked for one chain: a real one has as many as it is long, twice
  /// that where authorities are being replaced.
  static let mostChecks = 16

  let chain: ClientChain
  let anchors: [AuthorityCertificate]

  /// Every path from the client's certificate to one of the anchors whose signatures, constraints
  /// and usages hold. Times and revocation are not looked at: those change.
  ///
  /// A path ends at the first anchor that it comes to. So who runs an authority that has an anchor of
  /// its own vouches for that one's clients, and not for those of an authority above.
  ///
  /// Candidates are chosen by name, which costs nothing. What the client sent is checked from the
  /// anchor downward, so that one who has no certificate of an anchor costs the check of one
  /// signature by an anchor's key for each candidate, and no work with keys of its own choice.
  func paths() -> [CertificatePath] {
    var paths: [CertificatePath] = []
    var checksLeft = Self.mostChecks
    for row in chain.rows where !row.contains(where: isAnchor) {
      for anchor in anchors where anchor.claims(row, from: chain.leaf) {
        checksLeft -= row.count + 1
        guard checksLeft >= 0 else { return paths }
        let path = CertificatePath(anchor: anchor, intermediates: row)
        if Self.isSound(path, of: chain.leaf) { paths.append(path) }
      }
    }
    return paths
  }

  /// Whether an intermediate is one of the anchors, or another certificate of the same authority.
  private func isAnchor(_ intermediate: AuthorityCertificate) -> Bool {
    anchors.contains { $0.isSameAuthority(as: intermediate) }
  }

  /// Whether libcrypto finds exactly this path good: signatures, basic constraints and their path
  /// lengths, key usages, name constraints, policies, critical extensions, keys and signatures of
  /// 112 bits. The anchor may be an issuing authority: what issued it is not asked.
  /// - Source: RFC 5280, section 6.
  private static func isSound(_ path: CertificatePath, of leaf: LeafCertificate) -> Bool {
    defer { ERR_clear_error() }
    guard let untrusted = CertificateStack(path.intermediates),
      let trusted = CertificateStack([path.anchor]), let context = unsafe X509_STORE_CTX_new()
    else { return false }
    defer { unsafe X509_STORE_CTX_free(context) }
    guard
      unsafe X509_STORE_CTX_init(context, nil, leaf.parsed.pointer, untrusted.pointer) == 1,
      let parameters = unsafe X509_STORE_CTX_get0_param(context)
    else { return false }
    unsafe X509_STORE_CTX_set0_trusted_stack(context, trusted.pointer)
    let flags = X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME | X509_V_FLAG_POLICY_CHECK
    guard unsafe X509_VERIFY_PARAM_set_flags(parameters, UInt(flags)) == 1 else { return false }
    unsafe X509_VERIFY_PARAM_set_auth_level(parameters, 2)
    unsafe X509_VERIFY_PARAM_set_depth(parameters, Int32(CertificatePath.mostIntermediates))
    guard unsafe X509_verify_cert(context) == 1,
      let found = unsafe X509_STORE_CTX_get0_chain(context)
    else { return false }
    // A shorter one that it might have found is another candidate.
    return unsafe OPENSSL_sk_num(found) == path.intermediates.count + 2
  }
}

/// A stack of libcrypto that borrows certificates.
@safe
private struct CertificateStack: ~Copyable {
  let pointer: OpaquePointer
  /// Keeps them while the stack points to them.
  private let certificates: [AuthorityCertificate]

  init?(_ certificates: [AuthorityCertificate]) {
    guard let pointer = unsafe OPENSSL_sk_new_null() else { return nil }
    for certificate in certificates {
      guard unsafe OPENSSL_sk_push(pointer, UnsafeRawPointer(certificate.parsed.pointer)) > 0
      else {
        unsafe OPENSSL_sk_free(pointer)
        return nil
      }
    }
    unsafe self.pointer = pointer
    self.certificates = certificates
  }

  deinit {
    unsafe OPENSSL_sk_free(pointer)
  }
}
