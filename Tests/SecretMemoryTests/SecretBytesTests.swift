import Bytes
import SecretMemory
import Testing

struct SecretBytesTests {
  @Test func aNewSecretIsZero() throws {
    let secret = try SecretBytes(count: 33)
    #expect(secret.count == 33)
    #expect(secret.bytes.array == [UInt8](repeating: 0, count: 33))
  }

  @Test func aCopyHoldsTheSameBytesAndIsEqual() throws {
    let bytes = [UInt8](1...32)
    let secret = try SecretBytes(copying: bytes.rawSpan)
    #expect(secret.bytes.array == bytes)
    #expect(secret.isEqual(to: bytes.rawSpan) == true)
  }

  @Test func anEmptySecretIsPossible() throws {
    let empty: [UInt8] = []
    let secret = try SecretBytes(copying: empty.rawSpan)
    #expect(secret.count == 0)
    #expect(secret.isEqual(to: empty.rawSpan) == true)
  }

  @Test func oneOtherBitMakesItUnequal() throws {
    var bytes = [UInt8](1...32)
    let secret = try SecretBytes(copying: bytes.rawSpan)
    bytes[31] ^= 0x80
    #expect(secret.isEqual(to: bytes.rawSpan) == false)
  }

  @Test func anotherLengthMakesItUnequal() throws {
    let secret = try SecretBytes(count: 32)
    let shorter = [UInt8](repeating: 0, count: 31)
    #expect(secret.isEqual(to: shorter.rawSpan) == false)
  }

  @Test func randomSecretsDiffer() throws {
    let first = try SecretBytes.random(count: 32)
    let second = try SecretBytes.random(count: 32)
    #expect(first.isEqual(to: second.bytes) == false)
  }

  @Test func writingInPlaceIsSeenByReaders() throws {
    var secret = try SecretBytes(count: 2)
    unsafe secret.withMutableBytes { unsafe $0[0] = 7 }
    var bytes = secret.mutableBytes
    bytes.storeBytes(of: 9, toByteOffset: 1, as: UInt8.self)
    #expect(secret.bytes.array == [7, 9])
  }

  @Test func moreThanTheSystemGivesIsRefused() {
    #expect(throws: SecretMemoryError.lockLimit(bytes: 1 << 46)) {
      _ = try SecretBytes(count: 1 << 46)
    }
  }

  @Test func wipingClearsEveryByte() {
    var bytes = [UInt8](repeating: 0xa5, count: 100)
    unsafe bytes.withUnsafeMutableBytes { unsafe wipe($0) }
    #expect(bytes == [UInt8](repeating: 0, count: 100))
  }
}
