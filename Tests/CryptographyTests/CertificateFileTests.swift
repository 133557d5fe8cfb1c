import Bytes
import Cryptography
import TestSupport
import Testing

struct CertificateFileTests {
  private let workshop: Workshop

  init() throws {
    workshop = try Workshop()
    try workshop.makeAuthority("ca")
  }

  @Test func whatIsNotACertificateIsRefused() throws {
    let text = bytes("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    for file in [text, [], bytes("nothing"), [0x30, 0x03, 0x01, 0x01, 0x00]] {
      #expect(throws: CertificateError.malformedCertificate) {
        _ = try AuthorityCertificate.read(file)
      }
    }
  }

  @Test func bytesAfterACertificateAreRefused() throws {
    _ = try workshop.client("shop", by: "ca")
    try workshop.convertToDER("shop.pem", command: "x509")
    let longer = try workshop.file("shop.pem.der") + [0]
    #expect(throws: CertificateError.malformedCertificate) {
      _ = try LeafCertificate(der: longer.rawSpan)
    }
  }

  @Test func severalAuthoritiesMayBeInOneFile() throws {
    try workshop.makeAuthority("other")
    try workshop.join(["ca.pem", "other.pem"], as: "both.pem")
    let read = try AuthorityCertificate.read(workshop.file("both.pem"))
    #expect(read.map(\.subject) == ["CN=ca", "CN=other"])
  }

  @Test func explanationsAroundBlocksAreNothingToPassOver() throws {
    let ca = String(decoding: try workshop.file("ca.pem"), as: UTF8.self)
    let text = "Certificate:\n  Data: é\r\n\n" + ca + "\nsubject=CN = ca\n" + ca + "\n"
    #expect(try AuthorityCertificate.read(bytes(text)).count == 2)
    // libcrypto skips the mark of a text in UTF-8.
    #expect(try AuthorityCertificate.read(bytes("\u{FEFF}" + ca + "\u{FEFF}" + ca)).count == 2)
  }

  /// Nothing in a file is passed over.
  @Test(arguments: ["ca.pem", "ca.crl"])
  func aFileWithAnythingElseIsRefused(name: String) throws {
    try workshop.makeRevocationList(by: "ca")
    let good = String(decoding: try workshop.file(name), as: UTF8.self)
    let other = String(
      decoding: try workshop.file(name == "ca.pem" ? "ca.crl" : "ca.pem"), as: UTF8.self)
    let key = String(decoding: try workshop.file("ca.key"), as: UTF8.self)
    let damaged = good.replacing("M", with: "!", maxReplacements: 40)
    let cut = String(good.dropLast(40))
    let files = [
      good + other, other + good, good + key, good + damaged, damaged + good, good + cut,
      good + good.dropFirst(), good + " " + good,
      good + good.replacing("-----BEGIN", with: "----BEGIN"),
      good + good.replacing("X509 CRL", with: "X509 CR").replacing("CERTIFICATE", with: "CERT"),
      good + "\0", good + "\u{1}",
    ]
    for (index, file) in files.enumerated() {
      #expect(throws: CertificateError.self, "file \(index)") {
        if name == "ca.pem" {
          _ = try AuthorityCertificate.read(bytes(file))
        } else {
          _ = try RevocationList.read(bytes(file))
        }
      }
    }
  }

  @Test func bytesAfterAListInDERAreRefused() throws {
    try workshop.makeRevocationList(by: "ca")
    try workshop.convertToDER("ca.crl", command: "crl")
    let list = try workshop.file("ca.crl.der")
    #expect(try RevocationList.read(list).count == 1)
    for junk in [[0], list, bytes("\n")] {
      #expect(throws: CertificateError.malformedRevocationList) {
        _ = try RevocationList.read(list + junk)
      }
    }
  }

  @Test func aClientsCertificateIsNoAuthority() throws {
    _ = try workshop.client("shop", by: "ca")
    #expect(throws: CertificateError.notAnAuthority) { _ = try workshop.authority("shop") }
  }

  @Test func anAuthorityThatMayNotSignCertificatesIsNone() throws {
    try workshop.makeAuthority(
      "idle", extensions: "basicConstraints = critical, CA:TRUE\nkeyUsage = digitalSignature\n")
    #expect(throws: CertificateError.notAnAuthority) { _ = try workshop.authority("idle") }
  }

  @Test func weakKeysAndSignaturesAreRefused() throws {
    try workshop.makeAuthority("weak", algorithm: ["rsa:1024"])
    #expect(throws: CertificateError.weakKey) { _ = try workshop.authority("weak") }
    for curve in ["P-224", "secp256k1", "brainpoolP256r1"] {
      try workshop.makeAuthority(
        "odd", algorithm: ["ec", "-pkeyopt", "ec_paramgen_curve:\(curve)"])
      #expect(throws: CertificateError.weakKey) { _ = try workshop.authority("odd") }
    }
    try workshop.issue(
      "old", by: "ca", extensions: "extendedKeyUsage = clientAuth\n", digest: "-sha1")
    #expect(throws: CertificateError.weakKey) {
      _ = try LeafCertificate(pem: workshop.file("old.pem"))
    }
    try workshop.issue(
      "short", by: "ca", extensions: "extendedKeyUsage = clientAuth\n", algorithm: ["rsa:1024"])
    #expect(throws: CertificateError.weakKey) {
      _ = try LeafCertificate(pem: workshop.file("short.pem"))
    }
  }

  @Test func anUnknownCriticalExtensionIsRefused() throws {
    try workshop.issue(
      "odd", by: "ca",
      extensions: "extendedKeyUsage = clientAuth\n1.2.3.4.5 = critical, ASN1:UTF8String:odd\n")
    #expect(throws: CertificateError.unsupportedExtension) {
      _ = try LeafCertificate(pem: workshop.file("odd.pem"))
    }
  }

  @Test func aListUnderAnAuthoritysNameThatItDidNotSignIsRefused() throws {
    try workshop.makeAuthority("twin", subject: "ca")
    try workshop.makeRevocationList(by: "twin")
    try workshop.makeRevocationList(by: "ca")
    let error = #expect(throws: UnusableRevocationLists.self) {
      _ = try workshop.authorities(["ca"], lists: ["ca", "twin"])
    }
    #expect(error?.lists.map(\.reason) == [.foreignRevocationList])
    _ = try workshop.authorities(["ca", "twin"], lists: ["twin"])
  }

  @Test func aListOfAnAuthorityThatIsNotThereIsKnownAsSuch() throws {
    try workshop.makeAuthority("other")
    try workshop.makeRevocationList(by: "other")
    let authorities = try workshop.authorities(["ca"], lists: ["other"])
    #expect(authorities.listsOfOthers.map(\.issuer) == ["CN=other"])
    #expect(authorities.lists(of: authorities.anchors[0]).isEmpty)
    #expect(try workshop.authorities(["ca", "other"], lists: ["other"]).listsOfOthers.isEmpty)
  }

  /// Its signature would be checked while a connection waits.
  @Test func aLongListOfAnAuthorityThatIsNotThereIsRefused() throws {
    try workshop.makeAuthority("other")
    try workshop.makeLongRevocationList(by: "other", entries: 28_000)
    let error = #expect(throws: UnusableRevocationLists.self) {
      _ = try workshop.authorities(["ca"], lists: ["other"])
    }
    #expect(error?.lists.map(\.reason) == [.largeRevocationList])
    #expect(error?.lists.map(\.list.issuer) == ["CN=other"])
    #expect(try workshop.authorities(["ca", "other"], lists: ["other"]).listsOfOthers.isEmpty)
  }

  @Test func theFirstCertificateOfAFileMayStandAfterAKey() throws {
    let leaf = try workshop.client("shop", by: "ca")
    try workshop.join(["shop.key", "shop.pem", "ca.pem"], as: "chain.pem")
    #expect(try LeafCertificate(pem: workshop.file("chain.pem")).subject == leaf.subject)
    let key = try workshop.file("shop.key")
    let damaged = bytes("-----BEGIN CERTIFICATE-----\nAAAA!\n-----END CERTIFICATE-----\n")
    for file in [key, key + damaged, damaged + (try workshop.file("shop.pem"))] {
      #expect(throws: CertificateError.malformedCertificate) { _ = try LeafCertificate(pem: file) }
    }
  }

  @Test func whatIsNoListIsRefused() throws {
    for list in [[], bytes("nothing"), [0x30, 0x00], try workshop.file("ca.pem")] {
      #expect(throws: CertificateError.malformedRevocationList) {
        _ = try RevocationList.read(list)
      }
    }
  }

  @Test func everyURIOfALeafIsKnown() throws {
    let uris = ["spiffe://a.example/x", "https://a.example/", "spiffe://b.example/y"]
    let leaf = try workshop.client("shop", by: "ca", uris: uris)
    #expect(leaf.spiffeURIs == ["spiffe://a.example/x", "spiffe://b.example/y"])
    #expect(leaf.otherURIs == ["https://a.example/"])
    #expect(leaf.dnsNames == [])
  }

  @Test func aLeafWithoutAlternativeNameHasNoURI() throws {
    let leaf = try workshop.client("shop", by: "ca", uris: [])
    #expect(leaf.spiffeURIs == [])
  }

  @Test func aLeafSaysWhatItMayDoAndWhen() throws {
    try workshop.issue(
      "server", by: "ca",
      extensions: "subjectAltName = DNS:localhost,IP:127.0.0.1\nextendedKeyUsage = serverAuth\n",
      serial: "0x00ABCDEF0123456789", days: 3)
    let leaf = try LeafCertificate(pem: workshop.file("server.pem"))
    #expect(leaf.dnsNames == ["localhost"])
    #expect(leaf.allowsServerAuthentication)
    #expect(!leaf.allowsClientAuthentication)
    #expect(!leaf.isAuthority)
    #expect(leaf.serial == "abcdef0123456789")
    #expect(leaf.notAfter - leaf.notBefore == 3 * 86_400)
    #expect(leaf.subject == "CN=server")
    #expect(leaf.isCurrent(at: leaf.notBefore) && leaf.isCurrent(at: leaf.notAfter))
    #expect(!leaf.isCurrent(at: leaf.notBefore - 1) && !leaf.isCurrent(at: leaf.notAfter + 1))
  }

  @Test func aSubjectIsShownWithoutControlsAndBounded() throws {
    let name = "/O=" + String(repeating: "é", count: 60) + "/OU=a\u{1b}[31m\u{7f}b/CN=x"
    try workshop.issue(
      "odd", by: "ca", extensions: "extendedKeyUsage = clientAuth\n", subject: name)
    let leaf = try LeafCertificate(pem: workshop.file("odd.pem"))
    #expect(leaf.subject.utf8.count <= 256)
    #expect(leaf.subject.utf8.allSatisfy { (0x20...0x7e).contains($0) })
  }

  @Test func anAlternativeNameWithAControlCharacterIsRefused() throws {
    // DER of a sequence with one URI name: "spiffe://a", a zero byte, "b".
    let value = "300e860c" + bytes("spiffe://a").hexadecimal + "0062"
    try workshop.issue(
      "odd", by: "ca",
      extensions: "subjectAltName = DER:\(value)\nextendedKeyUsage = clientAuth\n")
    #expect(throws: CertificateError.malformedAlternativeName) {
      _ = try LeafCertificate(pem: workshop.file("odd.pem"))
    }
  }
}
