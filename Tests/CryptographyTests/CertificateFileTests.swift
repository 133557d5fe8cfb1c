import Cryptography
import SecretMemory
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
        _ = try ClientAuthority(certificatePEM: file, revocationListPEM: nil)
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

  @Test func anAuthorityIsOneCertificate() throws {
    let twice = try workshop.file("ca.pem") + workshop.file("ca.pem")
    #expect(try PEM.certificates(in: twice).count == 2)
    #expect(throws: CertificateError.severalCertificates) {
      _ = try ClientAuthority(certificatePEM: twice, revocationListPEM: nil)
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

  @Test func theListOfAnotherAuthorityIsRefused() throws {
    try workshop.makeAuthority("other")
    try workshop.makeRevocationList(by: "other")
    try workshop.makeAuthority("twin", subject: "ca")
    try workshop.makeRevocationList(by: "twin")
    for list in ["other.crl", "twin.crl"] {
      #expect(throws: CertificateError.foreignRevocationList) {
        _ = try ClientAuthority(
          certificatePEM: workshop.file("ca.pem"), revocationListPEM: workshop.file(list))
      }
    }
  }

  @Test func whatIsNoListIsRefused() throws {
    for list in [[], bytes("nothing"), [0x30, 0x00], try workshop.file("ca.pem")] {
      #expect(throws: CertificateError.malformedRevocationList) {
        _ = try ClientAuthority(certificatePEM: workshop.file("ca.pem"), revocationListPEM: list)
      }
    }
  }

  @Test func aListOfAPartIsRefused() throws {
    try workshop.makeRevocationList(
      by: "ca",
      extensions: "issuingDistributionPoint = critical, @part\n[part]\nonlyuser = TRUE\n")
    #expect(throws: CertificateError.partialRevocationList) {
      _ = try workshop.authority("ca", withRevocationList: true)
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
