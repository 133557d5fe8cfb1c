import AuditLog
import Cryptography
import Keyring
import RecordFormat
import Storage
import TestSupport
import Testing

@testable import Ledgers
@testable import Tokenization
@testable import VaultCore
@testable import VaultManagement

/// Destructions that wait until as many persons as the policy asks for have approved.
@Suite struct DestructionApprovalTests {
  private let house: TestVault
  private let reason: KeyReason

  init() throws {
    house = try TestVault()
    reason = try #require(KeyReason(ticket: "CHG-12", text: "end of the year"))
  }

  @Test func `two persons are two, and the request waits until then`() async throws {
    let old = try house.emptiedDataKey()
    let answer = try house.vault.destroy(old, because: reason, actor: "user:ann", persons: 2)
    guard case .waits(let approval) = answer else {
      Issue.record("it did not wait")
      return
    }
    #expect(approval.missing == 1)
    #expect(try house.state(of: old) == .deactivated)
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
    try house.finishKeyWork()
    #expect(try house.state(of: old) == .destroyed)
    #expect(try house.vault.approvals().isEmpty)
    let lines = try house.lines()
    #expect(
      lines.contains {
        $0.contains("\"actor\":\"user:bob\",\"operation\":\"approve\"")
          && $0.contains("approval=\(approval.identifier) requested_by=user:ann")
      })
  }

  @Test func `a stricter policy counts for requests that wait`() throws {
    let old = try house.emptiedDataKey()
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
    try house.finishKeyWork()
    #expect(try house.state(of: old) == .destroyed)
  }

  @Test func `a policy that asks for fewer persons takes nothing back`() throws {
    let old = try house.emptiedDataKey()
    guard
      case .waits(let approval) = try house.vault.destroy(
        old, because: reason, actor: "user:ann", persons: 2)
    else { throw Missing(what: "a request that waits") }
    // Reloaded twice: three persons, and then one.
    try house.vault.raiseApprovals(to: [.destroy: 3])
    try house.vault.raiseApprovals(to: [.destroy: 1])
    #expect(try house.vault.approvals().map(\.persons) == [3])
    // Whoever asked does not get by alone by asking again.
    guard
      case .waits(let again) = try house.vault.destroy(
        old, because: reason, actor: "user:ann", persons: 1)
    else { throw Missing(what: "a request that waits") }
    #expect(again.identifier == approval.identifier)
    #expect(try house.state(of: old) == .deactivated)
    guard
      case .waits(let one) = try house.vault.approve(
        approval.identifier, actor: "user:bob", persons: 1)
    else { throw Missing(what: "a request that waits") }
    #expect(one.missing == 1)
    try house.reopen()
    #expect(
      try house.vault.approve(approval.identifier, actor: "user:cid", persons: 1) == .begun)
    try house.finishKeyWork()
    #expect(try house.state(of: old) == .destroyed)
  }

  @Test func `asked again under a stricter policy, a request waits for more`() throws {
    let old = try house.emptiedDataKey()
    _ = try house.vault.destroy(old, because: reason, actor: "user:ann", persons: 2)
    guard
      case .waits(let again) = try house.vault.destroy(
        old, because: reason, actor: "user:ann", persons: 3)
    else { throw Missing(what: "a request that waits") }
    #expect(again.missing == 2)
    #expect(try house.vault.approvals().map(\.persons) == [3])
  }

  @Test func `rows are read as they were written, and those of before`() throws {
    let key = KeyIdentifier(0x0a0b_0c0d)
    let plan = try CustodyPlan(
      vault: #require(CustodyName("the vault")), threshold: 2,
      custodians: [#require(CustodyName("ann")), #require(CustodyName("bob b"))])
    let subjects: [ApprovalSubject] = [
      .destroy(key), .forget(key, file: .zero), .archive(ArchiveOrder(below: 7, export: .zero)),
      .ceremony(CeremonyOrder(plan, cryptoperiodSeconds: nil)),
      .ceremony(CeremonyOrder(plan, cryptoperiodSeconds: 86_400)),
    ]
    for (number, subject) in subjects.enumerated() {
      var approval = Approval(
        identifier: "0000000\(number)", subject: subject, requester: "user:ann",
        requestedMilliseconds: house.time.clock.milliseconds().magnitude, persons: 3,
        reason: reason)
      approval.approvers = ["user:bob"]
      approval.entries = [1, 22]
      let written = approval
      try house.store.perform { (transaction) throws(VaultError) in
        try written.write(&transaction)
      }
      #expect(try house.vault.approvals().last == approval)
    }
    // Version 1, which knew destructions only.
    let row = TextRow.encode(["1", "0a0b0c0d", "user:ann", "9", "2", "T", "r", "1,2", "user:bob"])
    try house.store.perform { (transaction) throws(VaultError) in
      try transaction.putRow(row, at: Array("approval/00000009".utf8))
    }
    let known = try house.store.read { (transaction) throws(VaultError) in
      try Approval.all(transaction)
    }
    let old = try #require(known.last)
    #expect(old.subject == .destroy(key) && old.persons == 2 && old.approvers == ["user:bob"])
  }

  @Test func `a request that is rejected or too old does nothing`() throws {
    let old = try house.emptiedDataKey()
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
    #expect(try house.state(of: old) == .deactivated)
  }
}
