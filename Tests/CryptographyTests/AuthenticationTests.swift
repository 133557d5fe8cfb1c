import Bytes
import Cryptography
import Testing

struct AuthenticationTests {
  @Test func messageCodesAreTheVectors() throws {
    for vector in try Vector.read("hmac-sha-256.txt") {
      let key = try vector["key"]
      let message = try vector["message"]
      var authenticator = try MessageAuthenticator(key: key.rawSpan)
      let expected = try vector["mac"]
      for _ in 0..<3 {
        let code = authenticator.authenticationCode(for: message.rawSpan)
        #expect(code.bytes == expected)
      }
    }
  }

  @Test func aMessageInPartsHasTheCodeOfTheWhole() throws {
    let key = [UInt8](repeating: 7, count: 32)
    var authenticator = try MessageAuthenticator(key: key.rawSpan)
    authenticator.begin()
    authenticator.update("ca")
    authenticator.update(byte: 0x64)
    authenticator.update(bigEndian: 0x656e_6173 as UInt32)
    authenticator.update(bigEndian: 1 as UInt64)
    authenticator.update(bytes("end").rawSpan)
    let code = authenticator.finish()
    let whole = bytes("cadenas") + [0, 0, 0, 0, 0, 0, 0, 1] + bytes("end")
    let expected = authenticator.authenticationCode(for: whole.rawSpan)
    #expect(code == expected)
  }

  @Test func anUnfinishedMessageIsForgotten() throws {
    let key = [UInt8](repeating: 7, count: 32)
    var authenticator = try MessageAuthenticator(key: key.rawSpan)
    let expected = authenticator.authenticationCode(for: key.rawSpan)
    authenticator.begin()
    authenticator.update(key.rawSpan)
    let code = authenticator.authenticationCode(for: key.rawSpan)
    #expect(code == expected)
  }

  @Test func anEmptyKeyIsRefused() {
    let empty: [UInt8] = []
    #expect(throws: CryptographyError.malformedInput) {
      _ = try MessageAuthenticator(key: empty.rawSpan)
    }
  }

  @Test func blockCipherCodesAreTheVectors() throws {
    for vector in try Vector.read("cmac-aes-256.txt") {
      let message = try vector["message"]
      let key = try vector["key"]
      let code = try CMAC.authenticationCode(
        for: message.rawSpan, key: key.rawSpan)
      let expected = try vector["mac"]
      #expect(code == expected)
    }
  }

  @Test func aCheckValueIsTheStartOfTheCodeOfAZeroBlock() throws {
    let key = try Vector.read("cmac-aes-256.txt")[0]["key"]
    let zeroBlock = [UInt8](repeating: 0, count: 16)
    let code = try CMAC.authenticationCode(for: zeroBlock.rawSpan, key: key.rawSpan)
    let value = try KeyCheckValue.ofSymmetricKey(key.rawSpan)
    #expect(value == [UInt8](code.prefix(5)))
    #expect(KeyCheckValue.text(value) == value.hexadecimal.uppercased())
    #expect(throws: CryptographyError.malformedInput) {
      _ = try KeyCheckValue.ofSymmetricKey([UInt8](repeating: 0, count: 16).rawSpan)
    }
  }
}
