import Cryptography
import TestSupport
import Testing

@Suite struct CertificatePairTests {
  private let workshop: Workshop

  init() throws {
    workshop = try Workshop()
    try workshop.makeAuthority("ca")
    _ = try workshop.client("one", by: "ca")
    _ = try workshop.client("two", by: "ca")
  }

  private func problem(_ chain: [UInt8], _ key: [UInt8]) -> CertificatePairProblem? {
    do throws(CertificatePairProblem) {
      try CertificatePair.check(chain: chain, key: key)
      return nil
    } catch { return error }
  }

  private func problem(_ chain: String, _ key: String) throws -> CertificatePairProblem? {
    problem(try workshop.file(chain), try workshop.file(key))
  }

  @Test func aPairIsOne() throws {
    #expect(try problem("one.pem", "one.key") == nil)
    try workshop.join(["one.pem", "ca.pem"], as: "chain.pem")
    #expect(try problem("chain.pem", "one.key") == nil)
    // Before the key stands what `openssl ecparam -genkey` writes.
    try workshop.openssl(["ecparam", "-name", "prime256v1", "-out", workshop.path("curve.pem")])
    try workshop.join(["curve.pem", "one.key"], as: "both.key")
    #expect(try problem("one.pem", "both.key") == nil)
  }

  @Test(arguments: ["rsa", "ed25519"]) func everyKindOfKeyIsKnown(_ kind: String) throws {
    try workshop.issue(
      kind, by: "ca", extensions: "", algorithm: kind == "rsa" ? ["rsa:2048"] : [kind])
    #expect(try problem("\(kind).pem", "\(kind).key") == nil)
    #expect(try problem("\(kind).pem", "one.key") == .anotherKey)
  }

  @Test func whatIsNoPairIsNamed() throws {
    #expect(try problem("one.pem", "two.key") == .anotherKey)
    try workshop.join(["ca.pem", "two.pem", "one.pem"], as: "chain.pem")
    #expect(try problem("chain.pem", "one.key") == .wrongOrder(number: 3))
    let (chain, key) = (try workshop.file("one.pem"), try workshop.file("one.key"))
    #expect(problem([], key) == .emptyChain)
    #expect(problem(chain, []) == .emptyKey)
    #expect(problem(key, key) == .noCertificate)
    #expect(problem(chain, chain) == .noKey)
    #expect(problem(Array("text".utf8), key) == .noCertificate)
    #expect(problem(chain, Array("text".utf8)) == .noKey)
    #expect(problem(chain + Array(chain.dropLast(60)), key) == .damagedCertificate)
    #expect(problem(chain, Array(key.dropLast(60))) == .damagedKey)
  }

  @Test func binaryAndEncryptedFilesAreNamed() throws {
    try workshop.convertToDER("one.pem", command: "x509")
    try workshop.convertToDER("one.key", command: "pkey")
    #expect(try problem("one.pem.der", "one.key") == .binaryChain)
    #expect(try problem("one.pem", "one.key.der") == .binaryKey)
    for (name, form) in [("new.key", ["pkcs8", "-topk8"]), ("old.key", ["ec"])] {
      let cipher = form == ["ec"] ? ["-aes256"] : ["-v2", "aes-256-cbc"]
      try workshop.openssl(
        form + ["-in", workshop.path("one.key"), "-passout", "pass:word"] + cipher
          + ["-out", workshop.path(name)])
      #expect(try problem("one.pem", name) == .encryptedKey, "\(name)")
    }
  }
}
