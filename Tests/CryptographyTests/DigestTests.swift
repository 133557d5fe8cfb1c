import Bytes
import Cryptography
import SecretMemory
import Testing

struct DigestTests {
  @Test func hashingGivesTheExamplesOfTheStandard() {
    let empty: [UInt8] = []
    #expect(
      Digest256.sha256(empty.rawSpan).hex
        == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(
      Digest256.sha256(bytes("abc").rawSpan).hex
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
  }

  @Test func prefixedHashesAreTheLeavesAndNodesOfAMerkleTree() {
    let first = Digest256.sha256(prefix: 0, bytes("entry 0").rawSpan)
    let second = Digest256.sha256(prefix: 0, bytes("entry 1").rawSpan)
    #expect(first.hex == "773885a613489e24ce2cf76199d6a423f042e4bbf12d7eecee912ef276c65701")
    let root = "5a47662fd8a317d96049a3f9f47c55dc67ca66051baa3683dbb19b2fe09a07b0"
    #expect(Digest256.sha256(prefix: 1, first, second).hex == root)
    let parts = Digest256.sha256(prefix: 1, first.bytes.rawSpan, second.bytes.rawSpan)
    #expect(parts.hex == root)
  }

  @Test func hashingInPartsIsHashingTheWhole() {
    var hasher = SHA256Hasher()
    hasher.update(byte: 0x61)
    hasher.update(bytes("bc").rawSpan)
    let digest = hasher.finish()
    #expect(digest == Digest256.sha256(bytes("abc").rawSpan))
  }

  @Test func aDigestIsReadAndWrittenInHexadecimal() throws {
    let text = "00ff102030405060708090a0b0c0d0e0f00112233445566778899aabbccddeef"
    let digest = try #require(Digest256(hex: text))
    #expect(digest.hex == text)
    #expect(digest.bytes.hexadecimal == text)
    #expect(Digest256(hex: text.uppercased()) == digest)
    let fromSpan = digest.withBytes { Digest256($0) }
    #expect(fromSpan == digest)
    #expect(Digest256(hex: text + "00") == nil)
    #expect(Digest256(hex: String(text.dropLast())) == nil)
    #expect(Digest256(hex: text.replacingLast(with: "g")) == nil)
  }

  @Test func digestsAreOrderedByTheirBytes() throws {
    var previous = Digest256.zero
    for position in (0..<32).reversed() {
      var value = [UInt8](repeating: 0, count: 32)
      value[position] = 0x80
      let found = Digest256(value.rawSpan)
      let digest = try #require(found)
      #expect(previous < digest)
      #expect(!(digest < previous))
      previous = digest
    }
  }

  @Test func constantTimeEqualitySeesEveryByte() throws {
    let digest = Digest256.sha256(bytes("abc").rawSpan)
    #expect(digest.isEqualInConstantTime(to: digest))
    for bit in 0..<256 {
      let altered = flipping(bit: bit, of: digest.bytes)
      let found = Digest256(altered.rawSpan)
      let other = try #require(found)
      #expect(!digest.isEqualInConstantTime(to: other))
    }
  }
}

extension String {
  fileprivate func replacingLast(with character: Character) -> String {
    dropLast() + String(character)
  }
}
