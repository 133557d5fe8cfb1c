import RecordFormat
import SecretMemory
import Testing

@testable import Keyring

/// What a keyring must hold to be used, whoever sealed it.
@Suite struct KeyringRulesTests {
  private let kek = KeyIdentifier(1)

  private func entry(
    _ identifier: UInt32, _ role: KeyRole, _ state: KeyState = .active, count: Int = 32
  ) throws -> KeyringEntry {
    var entry = KeyringEntry(
      identifier: KeyIdentifier(identifier), role: role, state: state, createdMilliseconds: 0,
      cryptoperiodSeconds: 1, material: nil)
    if role != .kek && state != .destroyed {
      entry.material = KeyMaterial(try SecretBytes.random(count: count))
    }
    return entry
  }

  private func standard() throws -> [KeyringEntry] {
    [try entry(1, .kek), try entry(2, .data), try entry(3, .fingerprint), try entry(4, .audit)]
  }

  private func open(_ entries: [KeyringEntry]) throws -> Keyring {
    let key = KeyEncryptionKey(kek, try SecretBytes.random(count: 32))
    return try Keyring(entries: entries, keyEncryptionKey: key, generation: 1)
  }

  @Test func `a key that was deactivated still opens records and seals none`() throws {
    let keyring = try open(standard() + [entry(5, .data, .deactivated)])
    #expect(keyring.dataKey(KeyIdentifier(5)) != nil)
    #expect(keyring.activeDataKey.identifier == KeyIdentifier(2))
  }

  @Test func `a key that was destroyed opens nothing`() throws {
    let keyring = try open(standard() + [entry(5, .data, .destroyed)])
    #expect(keyring.dataKey(KeyIdentifier(5)) == nil)
    let status = try #require(try keyring.status(cards: [:], atMilliseconds: 0).last)
    #expect(status.checkValue == nil)
    #expect(status.state == .destroyed)
  }

  @Test(arguments: [KeyRole.data, .fingerprint, .audit])
  func `without an active key of a role nothing opens`(_ role: KeyRole) throws {
    var entries = try standard()
    for index in entries.indices where entries[index].role == role {
      entries[index].state = .deactivated
    }
    #expect(throws: KeyringError.noActiveKey(role)) { try open(entries) }
  }

  @Test func `a role that an older version did not know is missing, until it is added`() throws {
    let older = try open(standard().filter { $0.role != .audit })
    #expect(older.missingRoles == [.audit])
    #expect(throws: KeyringError.noActiveKey(.audit)) { try older.current(.audit) }
    var change = KeyringChange(older)
    let new = try change.addMissingRoles(cryptoperiods: .standard, atMilliseconds: 7)
    let keyring = try change.keyring()
    #expect(keyring.missingRoles.isEmpty)
    #expect(keyring.entries.map(\.role) == [.kek, .data, .fingerprint, .audit])
    let added = try keyring.current(.audit)
    #expect([added.identifier] == new)
    #expect(added.origin == .initialization)
    #expect(added.cryptoperiodSeconds == 2 * 365 * 86_400)
    #expect(keyring.generation == older.generation + 1)
    var again = KeyringChange(keyring)
    #expect(try again.addMissingRoles(cryptoperiods: .standard, atMilliseconds: 8).isEmpty)
  }

  @Test func `one that was known, and of which no key is active, is not missing`() throws {
    var entries = try standard()
    for index in entries.indices where entries[index].role == .audit {
      entries[index].state = .destroyed
      entries[index].material = nil
    }
    #expect(throws: KeyringError.noActiveKey(.audit)) { try open(entries) }
  }

  @Test(arguments: [KeyRole.data, .fingerprint])
  func `without any key for cards nothing opens`(_ role: KeyRole) throws {
    let others = try standard().filter { $0.role != role }
    #expect(throws: KeyringError.noActiveKey(role)) { try open(others) }
  }

  @Test(arguments: [KeyRole.kek, .data, .fingerprint, .audit])
  func `two active keys of a role are against the rules`(_ role: KeyRole) throws {
    #expect(throws: KeyringError.malformedKeyring) { try open(standard() + [entry(5, role)]) }
  }

  @Test func `the active KEK is the one that opened the keyring`() throws {
    let entries = [try entry(9, .kek)] + (try standard().dropFirst())
    #expect(throws: KeyringError.malformedKeyring) { try open(entries) }
  }

  @Test(arguments: [KeyRole.data, .fingerprint, .audit])
  func `a key of another size is against the rules`(_ role: KeyRole) throws {
    let others = try standard().filter { $0.role != role }
    #expect(throws: KeyringError.malformedKeyring) {
      try open(others + [entry(5, role, count: 16)])
    }
  }
}
