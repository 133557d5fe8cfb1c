import Bytes
import RecordFormat
import SecretMemory
import Testing

@testable import Keyring

/// What a KEK has to be before the keyring is wrapped under it.
@Suite struct KeyEncryptionKeyRulesTests {
  private func entry(_ role: KeyRole, _ state: KeyState, _ key: KeyEncryptionKey) throws
    -> KeyringEntry
  {
    var entry = KeyringEntry(
      identifier: key.identifier, role: role, state: state, createdMilliseconds: 0,
      cryptoperiodSeconds: 1, material: nil)
    entry.checkValue = try key.checkValue()
    return entry
  }

  private func key(_ identifier: UInt32, _ secret: [UInt8]) throws -> KeyEncryptionKey {
    KeyEncryptionKey(KeyIdentifier(identifier), try SecretBytes(copying: secret.rawSpan))
  }

  private let bytes = [UInt8](1...32)

  @Test(arguments: [KeyState.active, .deactivated, .compromised, .destroying, .destroyed])
  func `a key that wrapped the keyring before is known under any name`(_ state: KeyState) throws {
    let before = try entry(.kek, state, key(7, bytes))
    #expect(throws: KeyringError.keyKnownAlready(KeyIdentifier(7))) {
      try KeyEncryptionKeyRules.check(key(8, bytes), against: [before])
    }
    try KeyEncryptionKeyRules.check(key(8, bytes.reversed()), against: [before])
  }

  @Test func `a KEK without a check value is known by nothing`() throws {
    var before = try entry(.kek, .deactivated, key(7, bytes))
    before.checkValue = nil
    try KeyEncryptionKeyRules.check(key(8, bytes), against: [before])
  }

  @Test(arguments: [UInt8(0), 0x41, 0xFF])
  func `a key of one byte again and again is refused`(_ byte: UInt8) throws {
    let constant = try key(8, [UInt8](repeating: byte, count: 32))
    #expect(throws: KeyringError.keyNotRandom(KeyIdentifier(8))) {
      try KeyEncryptionKeyRules.check(constant, against: [])
    }
    var last = [UInt8](repeating: byte, count: 32)
    last[31] ^= 1
    try KeyEncryptionKeyRules.check(key(8, last), against: [])
  }
}
