import Bytes
import SecretMemory
import Testing

@testable import Cryptography

@Suite struct ShortHashTests {
  /// Of the paper's appendix A and its reference program: the key is 00, 01, …, 0f, and a message of n
  /// bytes is 00, 01, …, n - 1.
  @Test(arguments: [
    (0, 0x726f_db47_dd0e_0e31 as UInt64), (1, 0x74f8_39c5_93dc_67fd), (8, 0x93f5_f579_9a93_2462),
    (15, 0xa129_ca61_49be_45e5),
  ]) func `the digest is the source's`(length: Int, digest: UInt64) throws {
    let key = try SecretBytes(copying: [UInt8](0..<16).rawSpan)
    let hash = try ShortHash(key: key)
    let message = (0..<length).map { UInt8($0) }
    #expect(hash.digest(of: message.rawSpan) == digest)
  }

  @Test func `a key has sixteen bytes`() throws {
    for count in [1, 15, 17, 32] {
      #expect(throws: CryptographyError.malformedInput) {
        _ = try ShortHash(key: try SecretBytes(count: count))
      }
    }
  }
}
