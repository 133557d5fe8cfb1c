import Bytes

/// One revocation list of a configuration, whose issuer may be an authority that the configuration
/// trusts, or an intermediate one that is known once a client has sent its certificate.
package final class RevocationList: Sendable {
  let parsed: ParsedRevocationList

  /// The issuer for people: one line of printable ASCII, at most 256 characters.
  package let issuer: String
  /// The first second at which the list is current, since 1970.
  package var lastUpdate: Int64 { parsed.validity.lowerBound }
  /// The last one: when it has to be replaced by the next.
  package var nextUpdate: Int64 { parsed.validity.upperBound }

  /// The bytes in DER that a list of an authority without an anchor may have: some 25,000 entries.
  ///
  /// Its signature is checked when a client comes with an intermediate of its name, on the thread of
  /// the connection. To hash this much takes about as long as a handshake.
  package static let mostBytesOfOthers = 1 << 20
  /// The bytes in DER.
  let byteCount: Int

  private init(_ parsed: consuming ParsedRevocationList, byteCount: Int) {
    issuer = displayedIssuer(of: parsed)
    self.parsed = parsed
    self.byteCount = byteCount
  }

  /// Reads every list of a file in PEM, or the one of a file in DER; at least one.
  ///
  /// - Throws: ``CertificateError/malformedRevocationList`` also where the file holds anything else
  ///   than lists; ``CertificateError/partialRevocationList``.
  package static func read(_ file: [UInt8]) throws(CertificateError) -> [RevocationList] {
    guard let blocks = PEM.wholeFile(file, labels: ["X509 CRL"])
    else { throw .malformedRevocationList }
    var lists: [RevocationList] = []
    for block in blocks {
      lists.append(
        RevocationList(
          try ParsedRevocationList.parse(der: block.rawSpan), byteCount: block.count))
    }
    return lists
  }

  /// Whether the list bears the name of `authority`, which proves nothing.
  func bearsName(of authority: AuthorityCertificate) -> Bool {
    parsed.bearsName(of: authority.parsed)
  }

  /// Whether `authority` issued the list, by name and signature. Costs a hash of the whole list where
  /// it bears the name.
  func isIssued(by authority: AuthorityCertificate) -> Bool {
    parsed.isIssued(by: authority.parsed)
  }
}

/// What the lists of one issuer say about one certificate.
enum RevocationState: Equatable {
  /// None of them names it, and the newest is current up to and including the second `until`.
  case good(until: Int64)
  /// One of them names it.
  case revoked
  /// The newest is past its next update, or none is current yet.
  case stale
  /// There are lists, and none of them is about it.
  case uncovered

  /// Judges `certificate` by all `lists` of its issuer; without any, it is good for ever.
  ///
  /// What any list says counts, the stale ones' too. Whether the lists can be believed in what they
  /// leave out is for the newest that has begun: an older copy that some other merchant still names
  /// takes nothing away from it, and one that claims to last longer adds nothing. What a list leaves out
  /// that is about other certificates says nothing (``RevocationScope``).
  init(
    of certificate: borrowing ParsedCertificate, by lists: [RevocationList], at unixSeconds: Int64
  ) {
    if lists.contains(where: { $0.parsed.names(certificate) }) {
      self = .revoked
      return
    }
    guard !lists.isEmpty else {
      self = .good(until: .max)
      return
    }
    let lists = lists.filter { $0.parsed.scope.covers(certificate) }
    guard !lists.isEmpty else {
      self = .uncovered
      return
    }
    let newest = lists.filter { $0.lastUpdate <= unixSeconds }
      .max { ($0.lastUpdate, $0.nextUpdate) < ($1.lastUpdate, $1.nextUpdate) }
    guard let newest, unixSeconds <= newest.nextUpdate else {
      self = .stale
      return
    }
    // When the next one begins, it is asked instead.
    let next = lists.map(\.lastUpdate).filter { $0 > unixSeconds }.min()
    self = .good(until: min(newest.nextUpdate, next.map { $0 - 1 } ?? .max))
  }
}
