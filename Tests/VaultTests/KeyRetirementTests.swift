import Cards
import Keyring
import RecordFormat
import SecretMemory
import Storage
import Testing

@testable import Vault

/// Keys that leave service, up to their end.
@Suite struct KeyRetirementTests {
  private let house: TestVault
  private let reason: KeyReason

  init() throws {
    house = try TestVault()
    reason = try #require(KeyReason(ticket: "CHG-12", text: "end of the year"))
  }

  private func wait() throws {
    while try house.vault.keyWork.isRunning { try house.settle() }
    #expect(try house.vault.keyWork.failure == nil)
  }

  private func state(_ key: KeyIdentifier) throws -> KeyState? {
    try house.vault.keyring.entry(key)?.state
  }

  /// Rotates the data key and moves every card.
  private func emptied() throws -> KeyIdentifier {
    let old = try house.vault.rotate(.data, actor: "user:ann").old
    try house.vault.beginReencryption(cardsPerSecond: 0, actor: "user:ann")
    try wait()
    return old
  }

  @Test(
    arguments: [KeyRole.data, .fingerprint, .audit], [Vault.Retirement.deactivated, .compromised])
  func `an active key that is retired is replaced at once`(
    _ role: KeyRole, _ retirement: Vault.Retirement
  ) async throws {
    let token = try await house.token(of: Number.visa)
    let old = try house.vault.keyring.current(role).identifier
    let rotation = try house.vault.retire(
      old, as: retirement, because: reason, actor: "user:ann")
    try wait()
    #expect(rotation?.old == old)
    #expect(try house.vault.keyring.current(role).identifier == rotation?.new)
    #expect(try state(old) == (retirement == .compromised ? .compromised : .deactivated))
    #expect(try await house.token(of: Number.visa) == token)
    #expect(
      try house.lines().contains {
        $0.contains("\"operation\":\"\(retirement.operation)\",\"key\":\"\(old.text)\"")
          && $0.contains("role=\(role.name) ticket=CHG-12 reason=end of the year")
      })
    try house.reopen()
    #expect(try await house.token(of: Number.visa) == token)
  }

  @Test func `a KEK that is retired is replaced by the one that its source has made`() throws {
    let old = try house.vault.keyring.keyEncryptionKeyIdentifier
    let next = try house.source.makeKey(besides: [old])
    let rotation = try house.vault.retire(
      old, as: .compromised, replacement: next, because: reason, actor: "user:ann")
    #expect(rotation?.new == next.identifier)
    #expect(try state(old) == .compromised)
    try house.reopen()
    #expect(try state(old) == .compromised)
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
    #expect(throws: KeyringError.wrongState(active, .active)) {
      try house.vault.destroy(active, because: reason, actor: "user:ann", persons: 1)
    }
    _ = try house.vault.rotate(.data, actor: "user:ann")
    let needs = try house.vault.needs(of: active)
    #expect(needs.cards == 1 && needs.answers == 1)
    #expect(throws: VaultError.keyNeeded(active, needs)) {
      try house.vault.destroy(active, because: reason, actor: "user:ann", persons: 1)
    }
    #expect(try state(active) == .deactivated)
    #expect(try await house.push(token).value.body == first.body)
    let fingerprint = try house.vault.rotate(.fingerprint, actor: "user:ann").old
    try wait()
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
    let old = try emptied()
    let answer = try house.vault.destroy(old, because: reason, actor: "user:ann", persons: 1)
    #expect(answer == .begun)
    try wait()
    #expect(try state(old) == .destroyed)
    #expect(try house.vault.keyring.dataKey(old) == nil)
    #expect(try !house.holds(wrapping))
    #expect(try text(of: await house.pull(token).value).contains(Number.visa))
    #expect(try house.auditFinding() == nil)
    #expect(throws: KeyringError.wrongState(old, .destroyed)) { try house.vault.needs(of: old) }
    try house.reopen()
    #expect(try state(old) == .destroyed)
    #expect(try await house.token(of: Number.visa) == token)
  }

  @Test func `a destruction that a crash cut off ends at the next start`() async throws {
    _ = try await house.token(of: Number.visa)
    let old = try emptied()
    let wrapping = try house.keyringRow()
    try house.store.perform { [vault = try house.vault, reason] transaction in
      try vault.core.beginDestruction(
        DestructionOrder(
          key: old, actor: "user:ann", beganMilliseconds: 1, reason: reason, approvers: []),
        approval: nil, in: &transaction)
    }
    #expect(try state(old) == .destroying)
    try house.crash()
    try house.open()
    try wait()
    #expect(try state(old) == .destroyed)
    #expect(try !house.holds(wrapping))
    #expect(
      try house.lines().contains {
        $0.contains("\"actor\":\"user:ann\",\"operation\":\"keys.destroy\"")
          && $0.contains("\"outcome\":\"done\"") && $0.contains("ticket=CHG-12")
      })
  }

  @Test func `the KEK before goes with its file`() throws {
    let old = try house.vault.keyring.keyEncryptionKeyIdentifier
    let next = try house.source.makeKey(besides: [old])
    _ = try house.vault.replaceKeyEncryptionKey(by: next, origin: .rotation, actor: "user:ann")
    _ = try house.vault.destroy(old, because: reason, actor: "user:ann", persons: 1)
    try wait()
    #expect(try state(old) == .destroyed)
    #expect(throws: KeyringError.keyEncryptionKeyMissing(old, directory: house.directory.keys)) {
      _ = try house.source.load(old)
    }
  }

  @Test func `two persons are two, and the request waits until then`() async throws {
    let old = try emptied()
    let answer = try house.vault.destroy(old, because: reason, actor: "user:ann", persons: 2)
    guard case .waits(let approval) = answer else {
      Issue.record("it did not wait")
      return
    }
    #expect(approval.missing == 1)
    #expect(try state(old) == .deactivated)
    // Asked again, it is the same request; nobody approves what they asked for.
    #expect(
      try house.vault.destroy(old, because: reason, actor: "user:bob", persons: 2) == answer)
    #expect(throws: VaultError.samePerson) {
      try house.vault.approve(approval.identifier, actor: "user:ann", persons: 2)
    }
    try house.reopen()
    #expect(try house.vault.approvals() == [approval])
    #expect(throws: VaultError.unknownApproval) {
      try house.vault.approve("00000000", actor: "user:bob", persons: 2)
    }
    let done = try house.vault.approve(approval.identifier, actor: "user:bob", persons: 2)
    #expect(done == .begun)
    try wait()
    #expect(try state(old) == .destroyed)
    #expect(try house.vault.approvals().isEmpty)
    let lines = try house.lines()
    #expect(
      lines.contains {
        $0.contains("\"actor\":\"user:bob\",\"operation\":\"approve\"")
          && $0.contains("approval=\(approval.identifier) requested_by=user:ann")
      })
  }

  @Test func `a stricter policy counts for requests that wait`() throws {
    let old = try emptied()
    guard
      case .waits(let approval) = try house.vault.destroy(
        old, because: reason, actor: "user:ann", persons: 2),
      case .waits(let again) = try house.vault.approve(
        approval.identifier, actor: "user:bob", persons: 3)
    else {
      Issue.record("it did not wait")
      return
    }
    #expect(again.approvers == ["user:bob"])
    #expect(throws: VaultError.samePerson) {
      try house.vault.approve(approval.identifier, actor: "user:bob", persons: 3)
    }
    #expect(
      try house.vault.approve(approval.identifier, actor: "user:cid", persons: 3) == .begun)
    try wait()
    #expect(try state(old) == .destroyed)
  }

  @Test func `a policy that asks for fewer persons takes nothing back`() throws {
    let old = try emptied()
    guard
      case .waits(let approval) = try house.vault.destroy(
        old, because: reason, actor: "user:ann", persons: 2)
    else { throw Missing(what: "a request that waits") }
    // Reloaded twice: three persons, and then one.
    try house.vault.raiseApprovals(toPersons: 3)
    try house.vault.raiseApprovals(toPersons: 1)
    #expect(try house.vault.approvals().map(\.persons) == [3])
    // Whoever asked does not get by alone by asking again.
    guard
      case .waits(let again) = try house.vault.destroy(
        old, because: reason, actor: "user:ann", persons: 1)
    else { throw Missing(what: "a request that waits") }
    #expect(again.identifier == approval.identifier)
    #expect(try state(old) == .deactivated)
    guard
      case .waits(let one) = try house.vault.approve(
        approval.identifier, actor: "user:bob", persons: 1)
    else { throw Missing(what: "a request that waits") }
    #expect(one.missing == 1)
    try house.reopen()
    #expect(
      try house.vault.approve(approval.identifier, actor: "user:cid", persons: 1) == .begun)
    try wait()
    #expect(try state(old) == .destroyed)
  }

  @Test func `asked again under a stricter policy, a request waits for more`() throws {
    let old = try emptied()
    _ = try house.vault.destroy(old, because: reason, actor: "user:ann", persons: 2)
    guard
      case .waits(let again) = try house.vault.destroy(
        old, because: reason, actor: "user:ann", persons: 3)
    else { throw Missing(what: "a request that waits") }
    #expect(again.missing == 2)
    #expect(try house.vault.approvals().map(\.persons) == [3])
  }

  @Test func `a request that is rejected or too old does nothing`() throws {
    let old = try emptied()
    func ask() throws -> String {
      guard
        case .waits(let approval) = try house.vault.destroy(
          old, because: reason, actor: "user:ann", persons: 2)
      else { throw Missing(what: "a request that waits") }
      return approval.identifier
    }
    let first = try ask()
    try house.vault.reject(first, because: .none, actor: "user:bob")
    #expect(throws: VaultError.unknownApproval) {
      try house.vault.approve(first, actor: "user:bob", persons: 2)
    }
    let second = try ask()
    house.time.pass(seconds: Int64(Approval.lifetimeMilliseconds / 1_000))
    #expect(try house.vault.approvals().isEmpty)
    #expect(throws: VaultError.unknownApproval) {
      try house.vault.approve(second, actor: "user:bob", persons: 2)
    }
    _ = try ask()
    #expect(try house.lines().contains { $0.contains("\"outcome\":\"expired\"") })
    #expect(try state(old) == .deactivated)
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
  /// The keyring as it lies in the store.
  func keyringRow() throws -> [UInt8] {
    let key = Array("keyring".utf8)
    return try store.read { transaction in
      guard let row = try transaction.get(key.rawSpan, in: .keyring) else {
        throw Missing(what: "a keyring")
      }
      return unsafe row.withUnsafeBytes { unsafe [UInt8]($0) }
    }
  }

  /// Whether a file of the store holds the tail of `bytes`.
  func holds(_ bytes: [UInt8]) throws -> Bool {
    try ["cards.mdb", "index.mdb"].contains { name in
      try fileBytes(of: "\(directory.store)/\(name)").firstRange(of: bytes.suffix(64)) != nil
    }
  }
}
