import Bytes
import Cryptography
import TestSupport
import Testing

/// What the inventory says of certificates.
@Suite struct CertificateDescriptionTests {
  @Test(arguments: [
    (["ec", "-pkeyopt", "ec_paramgen_curve:P-384"], "EC", 384, "ecdsa-with-SHA256"),
    (["rsa:2048"], "RSA", 2_048, "RSA-SHA256"),
    (["rsa:1024"], "RSA", 1_024, "RSA-SHA256"),
    (["ed25519"], "ED25519", 256, "ED25519"),
  ])
  func `a certificate is described whatever its key, weak ones included`(
    _ algorithm: [String], _ type: String, _ bits: Int, _ signature: String
  ) throws {
    let workshop = try Workshop()
    try workshop.makeAuthority("ca", algorithm: algorithm)
    try workshop.convertToDER("ca.pem", command: "x509")
    let der = try workshop.file("ca.pem.der")
    let description = try CertificateDescription(der: der.rawSpan)
    #expect(description.subject == "CN=ca")
    #expect(description.keyType == type)
    #expect(description.keyBits == bits)
    #expect(description.signatureAlgorithm == signature)
    #expect(description.notAfter - description.notBefore == 30 * 86_400)
    #expect(description.fingerprint == Digest256.sha256(der.rawSpan))
    #expect(!description.serial.isEmpty)
  }

  @Test func `what is no certificate is refused`() {
    let bytes: [UInt8] = [0x30, 0]
    #expect(throws: CertificateError.malformedCertificate) {
      try CertificateDescription(der: bytes.rawSpan)
    }
  }
}
