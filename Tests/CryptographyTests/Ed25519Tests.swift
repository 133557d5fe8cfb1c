import Bytes
import Cryptography
import SecretMemory
import Testing

struct Ed25519Tests {
  @Test func signaturesAreTheVectors() throws {
    for vector in try Vector.read("ed25519.txt") {
      let message = try vector["message"]
      let seed = try vector["seed"]
      let key = try Ed25519PrivateKey(seed: seed.rawSpan)
      let publicBytes = try vector["public key"]
      let expected = try vector["signature"]
      #expect(key.publicKey.bytes == publicBytes)
      let signature = try key.sign(message.rawSpan)
      #expect(signature == expected)
      #expect(key.publicKey.isValid(signature: signature.rawSpan, for: message.rawSpan) == true)
    }
  }

  @Test func anyAlteredBitOfASignatureIsInvalid() throws {
    let seed = try SecretBytes.random(count: Ed25519PrivateKey.seedSize)
    let key = try Ed25519PrivateKey(seed: seed.bytes)
    let message = bytes("checkpoint")
    let signature = try key.sign(message.rawSpan)
    let publicKey = key.publicKey
    for bit in 0..<512 {
      let altered = flipping(bit: bit, of: signature)
      #expect(publicKey.isValid(signature: altered.rawSpan, for: message.rawSpan) == false)
    }
    let other = bytes("checkpoinT")
    #expect(publicKey.isValid(signature: signature.rawSpan, for: other.rawSpan) == false)
    let short = Array(signature.dropLast())
    #expect(publicKey.isValid(signature: short.rawSpan, for: message.rawSpan) == false)
  }

  @Test func wrongLengthsAreRefused() {
    let short = [UInt8](repeating: 1, count: 31)
    let found = Ed25519PublicKey(short.rawSpan)
    #expect(found == nil)
    #expect(throws: CryptographyError.malformedInput) {
      _ = try Ed25519PrivateKey(seed: short.rawSpan)
    }
  }

  @Test func theCheckValueIsTheStartOfTheHashOfThePublicKey() throws {
    let vector = try Vector.read("ed25519.txt")[0]
    let publicBytes = try vector["public key"]
    let found = Ed25519PublicKey(publicBytes.rawSpan)
    let publicKey = try #require(found)
    let digest = Digest256.sha256(publicBytes.rawSpan)
    #expect(KeyCheckValue.ofSigningKey(publicKey) == [UInt8](digest.bytes.prefix(5)))
  }
}
