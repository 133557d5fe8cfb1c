import Bytes
import Cryptography
import Testing

/// What the inventory says of algorithms, held against what the code does.
@Suite struct AlgorithmDescriptionTests {
  private func algorithm(_ name: String) throws -> AlgorithmDescription {
    try #require(try AlgorithmDescription.all().first { $0.name == name })
  }

  private func keyBytes(_ name: String) throws -> Int {
    try #require(try algorithm(name).keyBits) / 8
  }

  private func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

  @Test func `each algorithm is described once`() throws {
    let names = try AlgorithmDescription.all().map(\.name)
    #expect(
      names == [
        "XAES-256-GCM", "AES-256-GCM", "HMAC-SHA-256", "SHA-256", "Ed25519", "AES-256-CMAC",
        "Argon2id", "Shamir's secret sharing", "random bits",
      ])
  }

  @Test func `a cipher takes keys of the length that is said, and no others`() throws {
    let xaes = zeros(try keyBytes("XAES-256-GCM"))
    let aes = zeros(try keyBytes("AES-256-GCM"))
    _ = try XAES256GCM(key: xaes.rawSpan)
    _ = try AES256GCM(key: aes.rawSpan)
    let shorter = zeros(xaes.count - 1)
    let longer = zeros(xaes.count + 1)
    for wrong in [shorter, longer] {
      #expect(throws: CryptographyError.malformedInput) { _ = try XAES256GCM(key: wrong.rawSpan) }
      #expect(throws: CryptographyError.malformedInput) { _ = try AES256GCM(key: wrong.rawSpan) }
    }
  }

  @Test func `a sealed message has the nonce and tag that are said`() throws {
    let key = zeros(try keyBytes("XAES-256-GCM"))
    var cipher = try XAES256GCM(key: key.rawSpan)
    let nonce = zeros(24)
    var output: [UInt8] = []
    let plaintext = zeros(5)
    try cipher.seal(
      plaintext.rawSpan, nonce: nonce.rawSpan, associatedData: RawSpan(), appendingTo: &output)
    #expect(
      try algorithm("XAES-256-GCM").parameters
        == "nonce \(nonce.count * 8) bits, random; tag \((output.count - plaintext.count) * 8) bits"
    )
    #expect(output.count > plaintext.count)
  }

  @Test func `a check value's code takes keys of the length that is said`() throws {
    let key = zeros(try keyBytes("AES-256-CMAC"))
    let code = try CMAC.authenticationCode(for: RawSpan(), key: key.rawSpan)
    #expect(try algorithm("AES-256-CMAC").parameters == "code \(code.count * 8) bits")
    #expect(
      try algorithm("AES-256-CMAC").purpose.contains(
        "first \(try KeyCheckValue.ofSymmetricKey(key.rawSpan).count * 8) bits"))
  }

  @Test func `a signature has the lengths that are said`() throws {
    let seed = zeros(try keyBytes("Ed25519"))
    let key = try Ed25519PrivateKey(seed: seed.rawSpan)
    let message = zeros(1)
    let signature = try key.sign(message.rawSpan)
    #expect(key.publicKey.bytes.count == seed.count)
    #expect(
      try algorithm("Ed25519").parameters
        == "seed \(seed.count * 8) bits; signature \(signature.count * 8) bits")
  }

  @Test func `a digest has the length that is said`() throws {
    let message = zeros(1)
    let bits = Digest256.sha256(message.rawSpan).bytes.count * 8
    #expect(try algorithm("SHA-256").parameters == "digest \(bits) bits")
    #expect(try algorithm("HMAC-SHA-256").parameters == "digest \(bits) bits")
    #expect(try algorithm("HMAC-SHA-256").keyBits == bits)
  }

  @Test func `the library says what was fetched, and its own version`() throws {
    #expect(try algorithm("AES-256-GCM").implementation == "AES-256-GCM (libcrypto, default)")
    #expect(try algorithm("SHA-256").implementation == "SHA2-256 (libcrypto, default)")
    #expect(try algorithm("HMAC-SHA-256").implementation == "HMAC (libcrypto, default)")
    #expect(try algorithm("AES-256-CMAC").implementation == "CMAC (libcrypto, default)")
    let versions = CryptographicLibrary.all
    #expect(versions.map(\.name) == ["libcrypto", "libsodium"])
    #expect(versions[0].version.hasPrefix("OpenSSL 3."))
    #expect(versions[1].version.hasPrefix("1.0."))
  }
}
