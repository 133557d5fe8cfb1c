import Cryptography
import Glibc
import TestSupport
import Testing

struct ClientAuthorityTests {
  private let workshop: Workshop
  private let now = Int64(time(nil)) + 60

  init() throws {
    workshop = try Workshop()
    try workshop.makeAuthority("ca")
  }

  @Test func aClientOfTheAuthorityIsValidUntilItEnds() throws {
    let leaf = try workshop.client("shop", by: "ca")
    let authority = try workshop.authority("ca")
    #expect(authority.judge(leaf, at: now) == .valid(until: leaf.notAfter))
    #expect(authority.judge(leaf, at: leaf.notAfter) == .valid(until: leaf.notAfter))
    #expect(authority.nextUpdate == nil)
  }

  @Test func itIsNotValidBeforeAndAfterItsTime() throws {
    let leaf = try workshop.client("shop", by: "ca")
    let authority = try workshop.authority("ca")
    #expect(authority.judge(leaf, at: leaf.notAfter + 1) == .expired)
    #expect(authority.judge(leaf, at: leaf.notBefore - 3600) == .notYetValid)
  }

  @Test func itDoesNotOutliveItsAuthority() throws {
    let leaf = try workshop.client("shop", by: "ca", days: 60)
    let authority = try workshop.authority("ca")
    let end = authority.anchors[0].validity.upperBound
    #expect(end < leaf.notAfter)
    #expect(authority.judge(leaf, at: now) == .valid(until: end))
    #expect(authority.judge(leaf, at: end + 1) == .expired)
  }

  @Test func aRevocationListEndsItsValidityToo() throws {
    let leaf = try workshop.client("shop", by: "ca")
    try workshop.makeRevocationList(by: "ca", hours: 24)
    let authority = try workshop.authority("ca", withRevocationList: true)
    let nextUpdate = try #require(authority.nextUpdate)
    #expect(nextUpdate < leaf.notAfter)
    #expect(authority.judge(leaf, at: now) == .valid(until: nextUpdate))
  }

  @Test func aListPastItsNextUpdateRefusesEveryone() throws {
    let leaf = try workshop.client("shop", by: "ca")
    try workshop.makeRevocationList(by: "ca", hours: 24)
    let authority = try workshop.authority("ca", withRevocationList: true)
    let nextUpdate = try #require(authority.nextUpdate)
    #expect(authority.judge(leaf, at: nextUpdate) == .valid(until: nextUpdate))
    #expect(authority.judge(leaf, at: nextUpdate + 1) == .staleRevocationList)
  }

  @Test func aRevokedClientIsRefusedAndOthersAreNot() throws {
    let revoked = try workshop.client("revoked", by: "ca", serial: "0x1001")
    let leaf = try workshop.client("shop", by: "ca", serial: "0x1002")
    try workshop.makeRevocationList(by: "ca", revoking: ["revoked"])
    let authority = try workshop.authority("ca", withRevocationList: true)
    let nextUpdate = try #require(authority.nextUpdate)
    #expect(authority.judge(revoked, at: now) == .revoked)
    #expect(authority.judge(revoked, at: nextUpdate + 1) == .revoked)
    #expect(authority.judge(leaf, at: now) == .valid(until: nextUpdate))
  }

  @Test func aClientOfAnotherAuthorityIsNotIssuedHere() throws {
    try workshop.makeAuthority("other")
    let leaf = try workshop.client("stranger", by: "other")
    #expect(try workshop.authority("ca").judge(leaf, at: now) == .notIssuedHere)
  }

  // Without key identifiers nothing but the signature tells the two apart.
  @Test(arguments: ["", "subjectKeyIdentifier = hash\n"])
  func anAuthorityOfTheSameNameWithAnotherKeyIsAnother(identifier: String) throws {
    let extensions = "basicConstraints = critical, CA:TRUE\nkeyUsage = keyCertSign\n" + identifier
    try workshop.makeAuthority("first", subject: "same", extensions: extensions)
    try workshop.makeAuthority("second", subject: "same", extensions: extensions)
    let leaf = try workshop.client("shop", by: "second")
    #expect(try workshop.authority("first").judge(leaf, at: now) == .notIssuedHere)
    #expect(
      try workshop.authority("second").judge(leaf, at: now) == .valid(until: leaf.notAfter))
  }

  @Test(arguments: [
    "", "extendedKeyUsage = serverAuth", "extendedKeyUsage = anyExtendedKeyUsage",
    "extendedKeyUsage = clientAuth\nkeyUsage = critical, keyEncipherment",
    "extendedKeyUsage = clientAuth\nbasicConstraints = critical, CA:TRUE",
    "extendedKeyUsage = clientAuth\nkeyUsage = digitalSignature, keyCertSign",
    // Any one sign of an authority is enough (F6).
    "extendedKeyUsage = clientAuth\nbasicConstraints = critical, CA:TRUE\n"
      + "keyUsage = critical, digitalSignature",
    "extendedKeyUsage = clientAuth\nbasicConstraints = critical, CA:FALSE\n"
      + "keyUsage = critical, digitalSignature, keyCertSign",
    "extendedKeyUsage = clientAuth\nbasicConstraints = critical, CA:FALSE\n"
      + "keyUsage = critical, digitalSignature, cRLSign",
    "extendedKeyUsage = clientAuth\nkeyUsage = critical, digitalSignature, cRLSign",
  ])
  func aCertificateThatIsNotAClientsHasTheWrongKeyUsage(usage: String) throws {
    let leaf = try workshop.client("other", by: "ca", usage: usage)
    #expect(try workshop.authority("ca").judge(leaf, at: now) == .wrongKeyUsage)
  }

  @Test func aKeyUsageWithDigitalSignatureIsGood() throws {
    let leaf = try workshop.client(
      "shop", by: "ca",
      usage: "extendedKeyUsage = serverAuth, clientAuth\nkeyUsage = critical, digitalSignature")
    #expect(try workshop.authority("ca").judge(leaf, at: now) == .valid(until: leaf.notAfter))
  }

  @Test func nameConstraintsOfTheAuthorityHold() throws {
    try workshop.makeAuthority(
      "narrow",
      extensions: Workshop.authorityExtensions
        + "nameConstraints = critical, permitted;URI:shop.example\n")
    let inside = try workshop.client("inside", by: "narrow")
    let outside = try workshop.client(
      "outside", by: "narrow", uris: ["spiffe://acquirer.example/authorization"])
    let authority = try workshop.authority("narrow")
    #expect(authority.judge(inside, at: now) == .valid(until: inside.notAfter))
    #expect(authority.judge(outside, at: now) == .notIssuedHere)
  }

  @Test func certificateAndListMayBeDER() throws {
    let leaf = try workshop.client("shop", by: "ca")
    try workshop.makeRevocationList(by: "ca", revoking: ["shop"])
    try workshop.convertToDER("ca.pem", command: "x509")
    try workshop.convertToDER("ca.crl", command: "crl")
    let der = try workshop.file("ca.pem.der")
    let authority = try ClientAuthorities(
      anchors: AuthorityCertificate.read(der),
      lists: RevocationList.read(workshop.file("ca.crl.der")))
    #expect(authority.anchors.map(\.der) == [der])
    #expect(authority.judge(leaf, at: now) == .revoked)
  }

  @Test func manyThreadsMayJudgeAtOnce() async throws {
    let revoked = try workshop.client("revoked", by: "ca", serial: "0x1001")
    let leaf = try workshop.client("shop", by: "ca", serial: "0x1002")
    try workshop.makeRevocationList(by: "ca", revoking: ["revoked"])
    let authority = try workshop.authority("ca", withRevocationList: true)
    let nextUpdate = try #require(authority.nextUpdate)
    let now = now
    let wrongCount = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<4 {
        group.addTask {
          var wrongCount = 0
          for _ in 0..<50 {
            if authority.judge(revoked, at: now) != .revoked { wrongCount += 1 }
            if authority.judge(leaf, at: now) != .valid(until: nextUpdate) { wrongCount += 1 }
          }
          return wrongCount
        }
      }
      return await group.reduce(0, +)
    }
    #expect(wrongCount == 0)
  }
}
