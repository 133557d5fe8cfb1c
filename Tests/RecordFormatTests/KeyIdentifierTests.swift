import Bytes
import Cards
import Cryptography
import RecordFormat
import SecretMemory
import Testing

@Suite struct KeyIdentifierTests {
  @Test(arguments: [("00000000", 0), ("0a1b2c3d", 0x0A1B_2C3D), ("ffffffff", UInt32.max)])
  func anIdentifierIsEightHexadecimalDigits(text: String, value: UInt32) {
    #expect(KeyIdentifier(text)?.value == value)
    #expect(KeyIdentifier(value).text == text)
  }

  @Test(arguments: ["", "0a1b2c3", "0a1b2c3d0", "0A1B2C3D", "0x1b2c3d", " a1b2c3d", "0a1b2c3é"])
  func anotherTextIsNoIdentifier(text: String) {
    #expect(KeyIdentifier(text) == nil)
  }
}

@Suite struct FingerprintTests {
  private let golden = GoldenFile(PackageResources.fingerprint_txt).entries

  @Test func aFingerprintIsWhatTheGoldenFileSays() throws {
    let pool = try SecretPool.forTests()
    #expect(golden.count == 3)
    for entry in golden {
      let key = try entry.bytes("key")
      let message = try entry.bytes("message")
      var authenticator = try MessageAuthenticator(key: key.rawSpan)
      let pan = try pool.pan(entry.text("number"))
      let customer = try entry.optionalText("customer").flatMap { CustomerReference($0) }
      let fingerprint = try Fingerprint.compute(
        of: pan, merchant: UInt32(entry.number("merchant")), customer: customer,
        with: &authenticator)
      #expect(fingerprint.bytes == (try entry.bytes("fingerprint")))
      let expected = authenticator.authenticationCode(for: message.rawSpan)
      #expect(expected == fingerprint)
    }
  }
}
