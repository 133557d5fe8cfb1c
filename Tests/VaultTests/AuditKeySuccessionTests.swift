import AuditLog
import Cryptography
import Keyring
import Ledgers
import RecordFormat
import Storage
import Testing
import Tokenization
import VaultCore
import VaultManagement

/// Audit keys that vouch for those that take their place.
@Suite struct AuditKeySuccessionTests {
  private let house: TestVault

  init() throws { house = try TestVault() }

  private func activeKey() throws -> VerifierKey {
    let name = VerifierKey.name(ofStore: try house.store.storeIdentifier.bytes)
    let publicKey = try house.vault.keyring.signingKey().key.publicKey
    return try #require(VerifierKey(name: name, publicKey: publicKey))
  }

  @Test func `after two rotations the first audit key leads to the newest`() throws {
    let first = try activeKey()
    let one = try house.vault.rotate(.audit, actor: "user:ann")
    let second = try activeKey()
    let two = try house.vault.rotate(.audit, actor: "user:ann")
    let third = try activeKey()
    #expect(first.name == "cadenas/0102030405060708090a0b0c0d0e0f10")
    let notes = try house.store.read { try KeySuccession.notes(in: $0) }
    #expect(try KeySuccession.walk(from: first, over: notes) == [first, second, third])
    let last = try #require(
      try notes.map { try KeySuccession(parsing: $0.text) }.first { $0.old.key == second })
    #expect(last.old.identifier == one.new)
    #expect(last.new.identifier == two.new)
    #expect(last.timeMilliseconds == UInt64(house.time.milliseconds))
    try house.reopen()
    #expect(try house.store.read { try KeySuccession.notes(in: $0) } == notes)
    #expect(try activeKey() == third)
  }

  @Test func `what an audit key signs is counted as its use`() throws {
    let rotation = try house.vault.rotate(.audit, actor: "user:ann")
    let uses = try house.store.read { try KeyTally.read(.uses, $0) }
    #expect(uses[rotation.old] == 1)
  }

  @Test func `an audit key that is taken out of service vouches for its successor too`() throws {
    let first = try activeKey()
    let old = try house.vault.keyring.current(.audit).identifier
    let rotation = try house.vault.retire(
      old, as: .compromised, because: .none, actor: "user:ann")
    #expect(rotation?.old == old)
    let notes = try house.store.read { try KeySuccession.notes(in: $0) }
    #expect(try KeySuccession.walk(from: first, over: notes) == [first, try activeKey()])
  }

  @Test func `a rotation of another key leaves no succession`() throws {
    _ = try house.vault.rotate(.data, actor: "user:ann")
    #expect(try house.store.read { try KeySuccession.notes(in: $0) }.isEmpty)
  }
}
