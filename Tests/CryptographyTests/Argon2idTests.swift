import Bytes
import Cryptography
import SecretMemory
import Testing

/// The vectors are the reference implementation's: see `Vectors/generate-custody.py`.
struct Argon2idTests {
  @Test func derivingGivesTheVectors() throws {
    for vector in try Vector.read("argon2id.txt") {
      let passphrase = try vector["passphrase"]
      let salt = try vector["salt"]
      let memory = try vector["memory KiB"].reduce(0) { $0 << 8 | UInt32($1) }
      let expected = try vector["key"]
      let key = try Argon2id.deriveKey(
        from: passphrase.rawSpan, salt: salt.rawSpan,
        Argon2id.Parameters(passes: UInt32(vector["passes"][0]), memoryKibibytes: memory),
        count: expected.count)
      #expect(key.bytes.array == expected)
    }
  }

  @Test func anotherPassphraseSaltOrCostGivesAnotherKey() throws {
    let keys = try [
      derive("passphrase", salt: 0, passes: 1, memory: 8),
      derive("passphrasf", salt: 0, passes: 1, memory: 8),
      derive("passphrase", salt: 1, passes: 1, memory: 8),
      derive("passphrase", salt: 0, passes: 2, memory: 8),
      derive("passphrase", salt: 0, passes: 1, memory: 16),
    ]
    #expect(Set(keys).count == keys.count)
  }

  @Test func whatCannotBeDerivedIsRefused() {
    for (passphrase, saltCount, passes, memory, count) in [
      ("", 16, 1, 8, 32), ("x", 15, 1, 8, 32), ("x", 17, 1, 8, 32), ("x", 16, 0, 8, 32),
      ("x", 16, 1, 7, 32), ("x", 16, 1, 8, 15),
    ] as [(String, Int, UInt32, UInt32, Int)] {
      #expect(throws: CryptographyError.malformedInput) {
        let salt = [UInt8](repeating: 0, count: saltCount)
        _ = try Argon2id.deriveKey(
          from: bytes(passphrase).rawSpan, salt: salt.rawSpan,
          Argon2id.Parameters(passes: passes, memoryKibibytes: memory), count: count)
      }
    }
  }

  private func derive(
    _ passphrase: String, salt: UInt8, passes: UInt32, memory: UInt32
  ) throws -> [UInt8] {
    let saltBytes = [UInt8](repeating: salt, count: Argon2id.saltSize)
    let key = try Argon2id.deriveKey(
      from: bytes(passphrase).rawSpan, salt: saltBytes.rawSpan,
      Argon2id.Parameters(passes: passes, memoryKibibytes: memory))
    return key.bytes.array
  }
}
