import Cryptography
import Glibc
import TestSupport
import Testing

/// Authorities that are not roots, several of them, and what clients send between.
struct CertificatePathTests {
  private let workshop: Workshop
  private let now = Int64(time(nil)) + 60

  init() throws {
    workshop = try Workshop()
    try workshop.makeAuthority("root")
    try workshop.makeIntermediate("issuing", by: "root")
  }

  private func leaf(by authority: String = "issuing") throws -> LeafCertificate {
    try workshop.client("shop", by: authority)
  }

  @Test func anIssuingAuthorityVouchesWithoutItsRoot() throws {
    let leaf = try leaf()
    let authorities = try workshop.authorities(["issuing"])
    let valid = ClientVerdict.valid(until: leaf.notAfter)
    #expect(authorities.judge(leaf, at: now) == valid)
    // What a client sends along does not matter: its issuer, or its root too.
    let issuing = try workshop.certificate("issuing")
    let root = try workshop.certificate("root")
    #expect(authorities.judge(leaf, with: [issuing], at: now) == valid)
    #expect(authorities.judge(leaf, with: [issuing, root], at: now) == valid)
  }

  @Test func aRootVouchesThroughWhatTheClientSends() throws {
    let leaf = try leaf()
    let authorities = try workshop.authorities(["root"])
    #expect(authorities.judge(leaf, at: now) == .notIssuedHere)
    let issuing = try workshop.certificate("issuing")
    #expect(authorities.judge(leaf, with: [issuing], at: now) == .valid(until: leaf.notAfter))
  }

  @Test func theRootOfAnIssuingAuthorityDoesNotVouchForOthers() throws {
    try workshop.makeIntermediate("other", by: "root", serial: "0x2002")
    let leaf = try leaf(by: "other")
    let sent = [try workshop.certificate("other"), try workshop.certificate("root")]
    #expect(
      try workshop.authorities(["issuing"]).judge(leaf, with: sent, at: now) == .notIssuedHere)
  }

  @Test func aPathEndsAtTheFirstAuthorityThatIsConfigured() throws {
    try workshop.makeAuthority("new-root")
    try workshop.crossSign("issuing", by: "new-root", as: "crossed")
    try workshop.makeIntermediate("lower", by: "issuing", serial: "0x2002")
    let authorities = try workshop.authorities(["root", "new-root", "issuing"])
    let sent = try ["issuing", "crossed", "lower"].map(workshop.certificate)
    for leaf in [try leaf(), try leaf(by: "lower")] {
      let paths = authorities.paths(of: ClientChain(leaf: leaf, intermediates: sent))
      #expect(paths.map(\.anchor.subject) == ["CN=issuing"])
    }
  }

  @Test func whatAClientSendsIsOfBoundedCost() throws {
    let modest = try workshop.certificate("issuing")
    #expect(modest.isModest)
    #expect(try leaf().isModest)
    let names = (0..<65).map { "permitted;DNS:a\($0).example" }.joined(separator: ", ")
    for (name, algorithm, more) in [
      ("exponent", ["rsa:2048", "-pkeyopt", "rsa_keygen_pubexp:36893488147419103233"], ""),
      ("large", ["rsa:4104"], ""),
      ("names", Workshop.curve, "nameConstraints = \(names)\n"),
      ("long", Workshop.curve, "nsComment = \(String(repeating: "x", count: 8_192))\n"),
    ] {
      try workshop.makeIntermediate(
        name, by: "root", extensions: Workshop.authorityExtensions + more, serial: "0x3001",
        algorithm: algorithm)
      #expect(try !workshop.certificate(name).isModest, "\(name)")
    }
    let many = (0..<33).map { "DNS:a\($0).example" }.joined(separator: ", ")
    try workshop.issue("many", by: "issuing", extensions: "subjectAltName = \(many)\n")
    #expect(try !LeafCertificate(pem: workshop.file("many.pem")).isModest)
  }

  @Test func oldAndNewAuthorityVouchSideBySide() throws {
    try workshop.makeAuthority("new")
    try workshop.join(["issuing.pem", "new.pem"], as: "both.pem")
    let authorities = try workshop.authorities(["both"])
    let old = try leaf()
    let new = try workshop.client("new-shop", by: "new")
    #expect(authorities.judge(old, at: now) == .valid(until: old.notAfter))
    #expect(authorities.judge(new, at: now) == .valid(until: new.notAfter))
    let path = try #require(
      authorities.paths(of: ClientChain(leaf: new, intermediates: [])).first)
    #expect(path.anchor.subject == "CN=new")
  }

  /// Without key identifiers nothing but signatures tells the rows apart.
  @Test func anAuthorityThatWasCrossSignedVouchesOnEitherWay() throws {
    let plain = "basicConstraints = critical, CA:TRUE\nkeyUsage = keyCertSign, cRLSign\n"
    try workshop.makeAuthority("old", subject: "same", extensions: plain)
    try workshop.makeAuthority("new", subject: "same", extensions: plain)
    try workshop.makeIntermediate("middle", by: "old", extensions: plain)
    try workshop.crossSign("middle", by: "new", as: "crossed")
    let leaf = try leaf(by: "middle")
    let sent = [try workshop.certificate("middle"), try workshop.certificate("crossed")]
    for name in ["old", "new"] {
      let authorities = try workshop.authorities([name])
      #expect(authorities.judge(leaf, with: sent, at: now) == .valid(until: leaf.notAfter))
      #expect(
        authorities.judge(leaf, with: sent.reversed(), at: now) == .valid(until: leaf.notAfter))
    }
  }

  @Test(arguments: [
    "basicConstraints = critical, CA:TRUE, pathlen:0\nkeyUsage = critical, keyCertSign\n",
    "basicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign\n"
      + "nameConstraints = critical, permitted;URI:other.example\n",
  ])
  func constraintsOfTheAuthoritiesAboveHold(extensions: String) throws {
    try workshop.makeIntermediate("upper", by: "root", extensions: extensions, serial: "0x2003")
    try workshop.makeIntermediate("lower", by: "upper", serial: "0x2004")
    let leaf = try leaf(by: "lower")
    let sent = [try workshop.certificate("lower"), try workshop.certificate("upper")]
    #expect(try workshop.authorities(["root"]).judge(leaf, with: sent, at: now) == .notIssuedHere)
    // And those of the anchor.
    #expect(try workshop.authorities(["upper"]).judge(leaf, with: sent, at: now) == .notIssuedHere)
    #expect(
      try workshop.authorities(["lower"]).judge(leaf, at: now) == .valid(until: leaf.notAfter))
  }

  @Test(arguments: [
    "basicConstraints = critical, CA:FALSE\nkeyUsage = critical, keyCertSign\n",
    "keyUsage = critical, keyCertSign\n",
    "basicConstraints = critical, CA:TRUE\nkeyUsage = critical, digitalSignature, cRLSign\n",
    "basicConstraints = critical, CA:TRUE\nkeyUsage = keyCertSign\nextendedKeyUsage = serverAuth\n",
  ])
  func whatMayNotIssueClientsIsNoIntermediate(extensions: String) throws {
    try workshop.makeIntermediate("odd", by: "root", extensions: extensions, serial: "0x2005")
    #expect(throws: CertificateError.notAnAuthority) { _ = try workshop.certificate("odd") }
  }

  @Test func aWeakIntermediateIsNone() throws {
    try workshop.makeIntermediate("weak", by: "root", algorithm: ["rsa:1024"])
    #expect(throws: CertificateError.weakKey) { _ = try workshop.certificate("weak") }
    try workshop.issue(
      "old", by: "root", extensions: Workshop.authorityExtensions, digest: "-sha1")
    let leaf = try leaf(by: "old")
    let sent = [try workshop.certificate("old")]
    #expect(try workshop.authorities(["root"]).judge(leaf, with: sent, at: now) == .notIssuedHere)
  }

  @Test func aChainHasABoundedLength() throws {
    var issuer = "root"
    var sent: [AuthorityCertificate] = []
    for level in 1...CertificatePath.mostIntermediates + 1 {
      try workshop.makeIntermediate("level-\(level)", by: issuer, serial: "0x300\(level)")
      issuer = "level-\(level)"
      let leaf = try leaf(by: issuer)
      sent.insert(try workshop.certificate(issuer), at: 0)
      let verdict = try workshop.authorities(["root"]).judge(leaf, with: sent, at: now)
      #expect((verdict == .notIssuedHere) == (level > CertificatePath.mostIntermediates))
    }
  }

  @Test func aLeafEndsWithAnyAuthorityAboveIt() throws {
    try workshop.makeIntermediate("short", by: "root", serial: "0x2006", days: 3)
    let leaf = try leaf(by: "short")
    let short = try workshop.certificate("short")
    let end = short.validity.upperBound
    let authorities = try workshop.authorities(["root"])
    #expect(authorities.judge(leaf, with: [short], at: now) == .valid(until: end))
    #expect(authorities.judge(leaf, with: [short], at: end + 1) == .expired)
    #expect(
      authorities.judge(leaf, with: [short], at: short.validity.lowerBound - 7200) == .notYetValid)
  }

  @Test(arguments: [
    ["rsa:2048"], ["rsa:3072"], ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"], ["ec", "-pkeyopt", "ec_paramgen_curve:P-521"],
    ["ed25519"],
  ])
  func everyKeyThatIsAcceptedIsOneOfAnAuthorityToo(algorithm: [String]) throws {
    let digest = algorithm == ["ed25519"] ? "" : "-sha256"
    try workshop.makeAuthority("top", algorithm: algorithm)
    try workshop.issue(
      "sub", by: "top", extensions: Workshop.authorityExtensions, digest: digest,
      algorithm: algorithm)
    try workshop.issue(
      "shop", by: "sub", extensions: "extendedKeyUsage = clientAuth\n", digest: digest,
      algorithm: algorithm)
    let leaf = try LeafCertificate(pem: workshop.file("shop.pem"))
    let sub = try workshop.certificate("sub")
    let verdict = try workshop.authorities(["top"]).judge(leaf, with: [sub], at: now)
    let end = min(leaf.notAfter, sub.validity.upperBound)
    #expect(verdict == .valid(until: end))
  }
}

/// Revocation lists: several of one authority, and those of authorities above and between.
struct RevocationListTests {
  private let workshop: Workshop
  private let now = Int64(time(nil)) + 60

  init() throws {
    workshop = try Workshop()
    try workshop.makeAuthority("ca")
  }

  /// Of several lists in a file each counts, in any order (F3).
  @Test(arguments: [["ca", "later"], ["later", "ca"]])
  func everyListOfAFileCounts(order: [String]) throws {
    let leaf = try workshop.client("shop", by: "ca")
    try workshop.makeRevocationList(by: "ca")
    try workshop.makeRevocationList(by: "ca", revoking: ["shop"], as: "later")
    try workshop.join(order.map { "\($0).crl" }, as: "both.crl")
    #expect(try workshop.authorities(["ca"], lists: ["ca"]).judge(leaf, at: now) != .revoked)
    let authorities = try workshop.authorities(["ca"], lists: ["both"])
    #expect(authorities.lists.count == 2)
    #expect(authorities.judge(leaf, at: now) == .revoked)
  }

  @Test func listsOfSeveralAuthoritiesMayBeInOneFile() throws {
    try workshop.makeAuthority("other")
    let leaf = try workshop.client("shop", by: "ca")
    let stranger = try workshop.client("stranger", by: "other")
    try workshop.makeRevocationList(by: "ca", revoking: ["shop"])
    try workshop.makeRevocationList(by: "other", revoking: ["stranger"])
    for order in [["ca.crl", "other.crl"], ["other.crl", "ca.crl"]] {
      try workshop.join(order, as: "both.crl")
      let authorities = try workshop.authorities(["ca", "other"], lists: ["both"])
      #expect(authorities.judge(leaf, at: now) == .revoked)
      #expect(authorities.judge(stranger, at: now) == .revoked)
    }
  }

  /// An old copy that is named beside the newest list takes nothing away from it, and a list that
  /// claims to last longer than the newest adds nothing to it.
  @Test func theNewestListSaysUntilWhenItCanBeBelieved() throws {
    let leaf = try workshop.client("shop", by: "ca")
    try workshop.makeRevocationList(by: "ca", from: "20200101000000Z", to: "20200201000000Z")
    try workshop.makeRevocationList(by: "ca", hours: 24, as: "newest")
    try workshop.makeRevocationList(
      by: "ca", from: "20200101000000Z", to: "20990101000000Z", as: "long")
    let authorities = try workshop.authorities(["ca"], lists: ["ca", "long", "newest"])
    let nextUpdate = try #require(authorities.lists.last?.nextUpdate)
    #expect(authorities.judge(leaf, at: now) == .valid(until: nextUpdate))
    #expect(authorities.judge(leaf, at: nextUpdate + 1) == .staleRevocationList)
  }

  @Test func aListThatHasNotBegunIsNotTheNewestYet() throws {
    let leaf = try workshop.client("shop", by: "ca")
    try workshop.makeRevocationList(
      by: "ca", from: "20980101000000Z", to: "20990101000000Z", as: "future")
    let alone = try workshop.authorities(["ca"], lists: ["future"])
    #expect(alone.judge(leaf, at: now) == .staleRevocationList)
    try workshop.makeRevocationList(by: "ca", hours: 24)
    let both = try workshop.authorities(["ca"], lists: ["future", "ca"])
    #expect(both.judge(leaf, at: now) == .valid(until: try #require(both.lists.last?.nextUpdate)))
  }

  @Test func anIntermediateThatItsIssuersListNamesIsRefused() throws {
    try workshop.makeIntermediate("issuing", by: "ca")
    let leaf = try workshop.client("shop", by: "issuing")
    let sent = [try workshop.certificate("issuing")]
    try workshop.makeRevocationList(by: "ca")
    let before = try workshop.authorities(["ca"], lists: ["ca"])
    #expect(
      before.judge(leaf, with: sent, at: now)
        == .valid(until: try #require(before.lists.first?.nextUpdate)))
    try workshop.makeRevocationList(by: "ca", revoking: ["issuing"])
    let after = try workshop.authorities(["ca"], lists: ["ca"])
    #expect(after.judge(leaf, with: sent, at: now) == .revoked)
    // Also where the configuration trusts it by itself, if it knows the authority above.
    let both = try workshop.authorities(["issuing", "ca"], lists: ["ca"])
    #expect(both.isRevoked(sent[0]))
    #expect(both.judge(leaf, at: now) == .revoked)
  }

  @Test func theListOfAnIntermediateCountsOnceItIsKnown() throws {
    try workshop.makeIntermediate("issuing", by: "ca")
    let leaf = try workshop.client("shop", by: "issuing")
    let sent = [try workshop.certificate("issuing")]
    try workshop.makeRevocationList(by: "issuing", revoking: ["shop"])
    let authorities = try workshop.authorities(["ca"], lists: ["issuing"])
    #expect(authorities.judge(leaf, with: sent, at: now) == .revoked)
    // One under the same name with another key is not its issuer.
    try workshop.makeAuthority("twin", subject: "issuing")
    try workshop.makeRevocationList(by: "twin", revoking: ["shop"])
    let others = try workshop.authorities(["ca"], lists: ["twin"])
    #expect(others.judge(leaf, with: sent, at: now) == .valid(until: leaf.notAfter))
  }

  @Test func aStaleListAboveRefusesToo() throws {
    try workshop.makeIntermediate("issuing", by: "ca")
    let leaf = try workshop.client("shop", by: "issuing")
    try workshop.makeRevocationList(by: "ca", from: "20200101000000Z", to: "20210101000000Z")
    let authorities = try workshop.authorities(["ca"], lists: ["ca"])
    let sent = [try workshop.certificate("issuing")]
    #expect(authorities.judge(leaf, with: sent, at: now) == .staleRevocationList)
  }

  /// A list is its issuer's, whichever of its certificates a path goes through.
  @Test func noWayLeadsThroughAnotherCertificateOfAnAnchorAndPastItsList() throws {
    try workshop.makeAuthority("new")
    try workshop.makeIntermediate("middle", by: "ca")
    try workshop.crossSign("middle", by: "new", as: "crossed")
    let leaf = try workshop.client("shop", by: "middle")
    try workshop.makeRevocationList(by: "middle", revoking: ["shop"])
    let authorities = try workshop.authorities(["middle", "new"], lists: ["middle"])
    let sent = ClientChain(leaf: leaf, intermediates: [try workshop.certificate("crossed")])
    let paths = authorities.paths(of: sent)
    #expect(paths.map(\.anchor.subject) == ["CN=middle"])
    #expect(authorities.judge(leaf, paths, at: now) == .revoked)
  }

  /// However many intermediates there are of its name, also of keys that did not sign it.
  @Test func theListOfAnIntermediateCountsAfterManyOthersOfItsName() throws {
    try workshop.makeIntermediate("issuing", by: "ca")
    let leaf = try workshop.client("shop", by: "issuing")
    try workshop.makeRevocationList(by: "issuing", revoking: ["shop"])
    let authorities = try workshop.authorities(["ca"], lists: ["issuing"])
    try workshop.makeIntermediate("twin", by: "ca", subject: "issuing")
    let other = try workshop.client("other", by: "twin")
    for _ in 0..<70 {
      try workshop.crossSign("twin", by: "ca", as: "again")
      let sent = [try workshop.certificate("again")]
      #expect(authorities.judge(other, with: sent, at: now) == .valid(until: other.notAfter))
    }
    let sent = [try workshop.certificate("issuing")]
    #expect(authorities.judge(leaf, with: sent, at: now) == .revoked)
  }
}
