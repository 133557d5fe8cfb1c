import AuditLog
import Bytes
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

/// Keys that leave service, up to their end.
@Suite struct KeyRetirementTests {
  private let house: TestVault
  private let reason: KeyReason

  init() throws {
    house = try TestVault()
    reason = try #require(KeyReason(ticket: "CHG-12", text: "end of the year"))
  }

  @Test(
    arguments: [KeyRole.data, .fingerprint, .audit],
    [VaultManager.Retirement.deactivated, .compromised])
  func `an active key that is retired is replaced at once`(
    _ role: KeyRole, _ retirement: VaultManager.Retirement
  ) async throws {
    let token = try await house.token(of: Number.visa)
    let old = try house.vault.keyring.current(role).identifier
    let rotation = try house.vault.retire(
      old, as: retirement, because: reason, actor: "user:ann")
    try house.finishKeyWork()
    #expect(rotation?.old == old)
    #expect(try house.vault.keyring.current(role).identifier == rotation?.new)
    #expect(try house.state(of: old) == (retirement == .compromised ? .compromised : .deactivated))
    #expect(try await house.token(of: Number.visa) == token)
    #expect(
      try house.lines().contains {
        $0.contains("\"operation\":\"\(retirement.operation.rawValue)\",\"key\":\"\(old.text)\"")
          && $0.contains("role=\(role.name) ticket=CHG-12 reason=end of the year")
      })
    try house.reopen()
    #expect(try await house.token(of: Number.visa) == token)
  }

  @Test func `a KEK that is retired is replaced by the one that its source has made`() throws {
    let old = try house.vault.keyring.keyEncryptionKeyIdentifier
    let next = try house.source.make(besides: [old])
    let rotation = try house.vault.retire(
      old, as: .compromised, replacement: next, because: reason, actor: "user:ann")
    #expect(rotation?.new == next.identifier)
    #expect(try house.state(of: old) == .compromised)
    try house.reopen()
    #expect(try house.state(of: old) == .compromised)
  }

  @Test func `a compromised key opens its cards and seals no new one`() async throws {
    let token = try await house.token(of: Number.visa)
    let old = try house.vault.keyring.activeDataKey.identifier
    _ = try house.vault.retire(old, as: .compromised, because: reason, actor: "user:ann")
    _ = try await house.token(of: Number.visaCB)
    #expect(try text(of: await house.pull(token).value).contains(Number.visa))
    let cards = try house.store.read { try KeyTally.read(.cards, $0) }
    #expect(cards[old] == 1)
    let status = try house.vault.keyring.status(cards: cards, atMilliseconds: 0)
    #expect(status.first { $0.identifier == old }?.warnings == [.compromised(cards: 1)])
  }

  @Test func `a key is not destroyed while something needs it`() async throws {
    let token = try await house.token(of: Number.visa)
    let first = try await house.push(token).value
    let active = try house.vault.keyring.activeDataKey.identifier
    #expect(throws: VaultError.keyring(.wrongState(active, .active))) {
      try house.vault.destroy(active, because: reason, actor: "user:ann", persons: 1)
    }
    _ = try house.vault.rotate(.data, actor: "user:ann")
    let needs = try house.vault.needs(of: active)
    #expect(needs.cards == 1 && needs.answers == 1)
    #expect(throws: VaultError.keyNeeded(active, needs)) {
      try house.vault.destroy(active, because: reason, actor: "user:ann", persons: 1)
    }
    #expect(try house.state(of: active) == .deactivated)
    #expect(try await house.push(token).value.body == first.body)
    let fingerprint = try house.vault.rotate(.fingerprint, actor: "user:ann").old
    try house.finishKeyWork()
    #expect(try house.vault.needs(of: fingerprint).answers == 1)
    house.time.pass(seconds: 86_401)
    try house.vault.tick()
    try house.settle()
    #expect(try house.vault.needs(of: fingerprint).isEmpty)
  }

  @Test func `a destroyed key is in no file of the store and in no keyring`() async throws {
    let token = try await house.token(of: Number.visa)
    let wrapping = try house.keyringRow()
    #expect(try house.holds(wrapping))
    let old = try house.emptiedDataKey()
    let answer = try house.vault.destroy(old, because: reason, actor: "user:ann", persons: 1)
    #expect(answer == .begun)
    try house.finishKeyWork()
    #expect(try house.state(of: old) == .destroyed)
    #expect(try house.vault.keyring.dataKey(old) == nil)
    #expect(try !house.holds(wrapping))
    #expect(try text(of: await house.pull(token).value).contains(Number.visa))
    #expect(try house.auditFinding() == nil)
    #expect(throws: VaultError.keyring(.wrongState(old, .destroyed))) {
      try house.vault.needs(of: old)
    }
    try house.reopen()
    #expect(try house.state(of: old) == .destroyed)
    #expect(try await house.token(of: Number.visa) == token)
  }

  @Test func `a destruction that a crash cut off ends at the next start`() async throws {
    _ = try await house.token(of: Number.visa)
    let old = try house.emptiedDataKey()
    let wrapping = try house.keyringRow()
    try house.store.perform { [vault = try house.vault, reason] transaction in
      try vault.books.beginDestruction(
        DestructionOrder(
          key: old, actor: "user:ann", beganMilliseconds: 1, reason: reason, approvers: []),
        approval: nil, in: &transaction)
    }
    #expect(try house.state(of: old) == .destroying)
    try house.crash()
    try house.open()
    try house.finishKeyWork()
    #expect(try house.state(of: old) == .destroyed)
    #expect(try !house.holds(wrapping))
    #expect(
      try house.lines().contains {
        $0.contains("\"actor\":\"user:ann\",\"operation\":\"keys.destroy\"")
          && $0.contains("\"outcome\":\"done\"") && $0.contains("ticket=CHG-12")
      })
  }

  @Test func `the KEK before goes with its file`() throws {
    let old = try house.vault.keyring.keyEncryptionKeyIdentifier
    let next = try house.source.make(besides: [old])
    _ = try house.vault.replaceKeyEncryptionKey(by: next, origin: .rotation, actor: "user:ann")
    _ = try house.vault.destroy(old, because: reason, actor: "user:ann", persons: 1)
    try house.finishKeyWork()
    #expect(try house.state(of: old) == .destroyed)
    #expect(throws: KeyringError.keyEncryptionKeyMissing(old, directory: house.directory.keys)) {
      _ = try house.source.load(old)
    }
  }

  @Test(arguments: [
    ("CHG 1", ""), ("", "a\u{1B}[31mb"), ("", "4970 1051 8181 8183"), ("497010518181", ""),
    (String(repeating: "a", count: 65), ""), ("", String(repeating: "a", count: 129)),
  ])
  func `what cannot stand in the log is no reason`(_ ticket: String, _ text: String) {
    #expect(KeyReason(ticket: ticket, text: text) == nil)
  }
}

extension TestVault {
  /// Waits until no work on keys is left.
  func finishKeyWork() throws {
    while try vault.keyWork.isRunning { try settle() }
    #expect(try vault.keyWork.failure == nil)
  }

  func state(of key: KeyIdentifier) throws -> KeyState? { try vault.keyring.entry(key)?.state }

  /// Rotates the data key and moves every card: nothing needs the key before.
  func emptiedDataKey() throws -> KeyIdentifier {
    let old = try vault.rotate(.data, actor: "user:ann").old
    try vault.beginReencryption(cardsPerSecond: 0, actor: "user:ann")
    try finishKeyWork()
    return old
  }

  /// The keyring as it lies in the store.
  func keyringRow() throws -> [UInt8] {
    let key = Array("keyring".utf8)
    return try store.read { transaction in
      guard let row = try transaction.get(key.rawSpan, in: .keyring) else {
        throw Missing(what: "a keyring")
      }
      return row.array
    }
  }

  /// Whether a file of the store holds the tail of `bytes`.
  func holds(_ bytes: [UInt8]) throws -> Bool {
    try ["cards.mdb", "index.mdb"].contains { name in
      try fileBytes(of: "\(directory.store)/\(name)").firstRange(of: bytes.suffix(64)) != nil
    }
  }
}
