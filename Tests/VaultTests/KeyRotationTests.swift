import AuditLog
import Cards
import Keyring
import RecordFormat
import Storage
import TestSupport
import Testing

@testable import Ledgers
@testable import Tokenization
@testable import VaultCore
@testable import VaultManagement

/// Keys that are rotated and cards that are moved, while the vault is open.
@Suite struct KeyRotationTests {
  private let house: TestVault

  init() throws { house = try TestVault() }

  private func wait() throws {
    while try house.vault.keyWork.isRunning { try house.settle() }
    #expect(try house.vault.keyWork.failure == nil)
  }

  private func counts() throws -> [KeyIdentifier: UInt64] {
    try house.store.read { try KeyTally.read(.cards, $0) }
  }

  @Test(arguments: [KeyRole.data, .fingerprint, .audit])
  func `a new key takes the place of the old one and is in the log`(_ role: KeyRole) async throws {
    _ = try await house.token(of: Number.visa)
    let rotation = try house.vault.rotate(role, actor: "user:ann")
    try wait()
    let keyring = try house.vault.keyring
    #expect(try keyring.current(role).identifier == rotation.new)
    #expect(keyring.entry(rotation.old)?.state == .deactivated)
    #expect(keyring.entry(rotation.old)?.successor == rotation.new)
    let lines = try house.lines()
    #expect(
      lines.contains {
        $0.contains("\"actor\":\"user:ann\",\"operation\":\"keys.rotate\"")
          && $0.contains("\"key\":\"\(rotation.new.text)\"")
          && $0.contains("role=\(role.name) replaces=\(rotation.old.text)")
      })
    #expect(try house.auditFinding() == nil)
    try house.reopen()
    #expect(try house.vault.keyring.current(role).identifier == rotation.new)
  }

  @Test func `after a rotation of the fingerprint key every card keeps its token`() async throws {
    let token = try await house.token(of: Number.visa)
    let rotation = try house.vault.rotate(.fingerprint, actor: "user:ann")
    #expect(try await house.token(of: Number.visa) == token)
    try wait()
    #expect(try await house.token(of: Number.visa) == token)
    #expect(try house.vault.keyring.replacedFingerprintKey == nil)
    try house.reopen()
    #expect(try await house.token(of: Number.visa) == token)
    #expect(try house.vault.keyring.activeFingerprintKey.identifier == rotation.new)
    // A second one uses the other table again.
    _ = try house.vault.rotate(.fingerprint, actor: "user:ann")
    try wait()
    #expect(try await house.token(of: Number.visa) == token)
  }

  @Test func `a rotation that a crash cut off goes on and gives no card a second token`()
    async throws
  {
    let older = try await house.token(of: Number.visa)
    _ = try house.vault.rotate(.fingerprint, actor: "user:ann")
    let newer = try await house.token(of: Number.visaCB)
    try house.crash()
    try house.open()
    #expect(try await house.token(of: Number.visa) == older)
    #expect(try await house.token(of: Number.visaCB) == newer)
    try wait()
    #expect(try await house.token(of: Number.visa) == older)
    #expect(try await house.token(of: Number.visaCB) == newer)
    #expect(try house.vault.keyring.replacedFingerprintKey == nil)
  }

  @Test func `every card and kept answer moves to the new data key`() async throws {
    let token = try await house.token(of: Number.visa)
    let other = try await house.token(of: Number.visaCB)
    let first = try await house.push(token).value
    let rotation = try house.vault.rotate(.data, actor: "user:ann")
    #expect(try house.vault.cardsToMove() == 2)
    try house.vault.beginReencryption(cardsPerSecond: 0, actor: "user:ann")
    try wait()
    #expect(try house.vault.cardsToMove() == 0)
    #expect(try counts().filter { $0.value > 0 } == [rotation.new: 2])
    let rows = try house.store.read { transaction in
      var keys: Set<KeyIdentifier> = []
      try transaction.forEach(in: .idempotency) { _, row in
        if case .done(_, let key) = try IdempotencyRow(of: row).state { keys.insert(key) }
        return true
      }
      return keys
    }
    #expect(rows == [rotation.new])
    try house.reopen()
    let again = try await house.push(token).value
    #expect(again.body == first.body)
    #expect(try text(of: await house.pull(other).value).contains(Number.visaCB))
    #expect(try house.lines().contains { $0.contains("moved=2 left=0") })
  }

  @Test func `an idempotency key is known after its fingerprint key was replaced`() async throws {
    let token = try await house.token(of: Number.visa)
    let first = try await house.push(token).value
    _ = try house.vault.rotate(.fingerprint, actor: "user:ann")
    try wait()
    let again = try await house.push(token).value
    #expect(again.body == first.body)
    #expect(house.transport.sent.count == 1)
  }

  @Test func `the keyring is wrapped under a new KEK and opens under it`() async throws {
    let token = try await house.token(of: Number.visa)
    let before = try house.vault.keyring.keyEncryptionKeyIdentifier
    let known = try house.vault.keyring.entries.map(\.identifier)
    let key = try house.source.make(besides: known)
    let rotation = try house.vault.replaceKeyEncryptionKey(
      by: key, origin: .rotation, actor: "user:ann")
    #expect(rotation.old == before)
    try house.source.destroy(before)
    try house.reopen()
    #expect(try house.vault.keyring.keyEncryptionKeyIdentifier == key.identifier)
    #expect(try await house.token(of: Number.visa) == token)
    #expect(throws: VaultError.keyring(.keyKnownAlready(key.identifier))) {
      try house.vault.replaceKeyEncryptionKey(by: key, origin: .rotation, actor: "user:ann")
    }
  }
}
