import AuditLog
import Bytes
import Cryptography
import Keyring
import RecordFormat
import SecretMemory
import Storage
import TestSupport
import Testing

@testable import Ledgers
@testable import Tokenization
@testable import VaultCore
@testable import VaultManagement

/// Custodians whose shares open the vault, and who give way to others.
@Suite struct CustodyTests {
  /// The lowest cost that a share may have: these tests are not about Argon2id.
  private static let cost = Argon2id.Parameters(passes: 2, memoryKibibytes: 65_536)

  private let house: TestVault
  private let ceremony: CustodyCeremony.Result

  init() throws {
    house = try TestVault()
    ceremony = try Self.hold(house, ["one", "two", "three"])
    let done = try house.vault.beginCustody(
      of: ceremony.key, by: ceremony.set, actor: "user:ann")
    #expect(done == nil)
  }

  private static func hold(
    _ house: TestVault, _ names: [String]
  ) throws -> CustodyCeremony.Result {
    let plan = try CustodyPlan(
      vault: #require(CustodyName("test")), threshold: 2,
      custodians: names.map { try #require(CustodyName($0)) })
    var ceremony = try CustodyCeremony(
      plan, besides: house.vault.keyring.entries.map(\.identifier), atMilliseconds: 1, cost: cost)
    for index in names.indices {
      try ceremony.seal(custodian: index, passphrase: passphrase(names[index]))
    }
    return try ceremony.finish()
  }

  private static func passphrase(_ name: String) throws -> SecretBytes {
    let bytes = Array("the passphrase of \(name)".utf8)
    return try SecretBytes(copying: bytes.rawSpan)
  }

  @discardableResult
  private func enter(
    _ index: Int, of result: CustodyCeremony.Result? = nil,
    for purpose: ShareProgress.Purpose = .unseal
  ) throws -> ShareProgress {
    try Self.enter((result ?? ceremony).shares[index], into: house.vault, for: purpose)
  }

  /// Each custodian enters their share from an account of their own, unless one is named.
  private static func enter(
    _ share: CustodianShare, into vault: VaultManager, for purpose: ShareProgress.Purpose,
    as account: String? = nil
  ) throws -> ShareProgress {
    let text = Array(share.text.utf8)
    let custodian = share.header.custodian.text
    return try vault.enterShare(
      text.rawSpan, passphrase: passphrase(custodian), for: purpose,
      actor: AuditActor(account ?? "user:\(custodian)"))
  }

  @Test func `two shares of one account count as one, and that is in the log`() throws {
    try house.vault.seal(actor: "user:ann")
    let vault = try house.vault
    let names = ceremony.shares.map(\.header.custodian)
    #expect(
      try Self.enter(ceremony.shares[0], into: vault, for: .unseal, as: "user:lp").missing == 1)
    #expect(
      throws: VaultError.keyring(.custody(.accountEnteredAlready(custodian: names[1])))
    ) { try Self.enter(ceremony.shares[1], into: vault, for: .unseal, as: "user:lp") }
    #expect(vault.shareProgress.map(\.missing) == [1])
    #expect(vault.isSealed)
    try house.settle()
    let entry = try #require(try house.entries().last)
    #expect(entry.contains("\"actor\":\"user:lp\",\"operation\":\"unseal.share\""))
    #expect(entry.contains("\"reason\":\"cause=same-account custodian=two\""))
    #expect(
      try Self.enter(ceremony.shares[1], into: vault, for: .unseal, as: "user:mail").missing == 0)
    #expect(!vault.isSealed)
  }

  @Test func `one account cannot agree twice to other custodians`() throws {
    let others = try Self.hold(house, ["four", "five"])
    let vault = try house.vault
    let waiting = try #require(
      try vault.beginCustody(of: others.key, by: others.set, actor: "user:ann"))
    _ = try Self.enter(ceremony.shares[0], into: vault, for: .replacement, as: "user:lp")
    #expect(throws: VaultError.self) {
      try Self.enter(ceremony.shares[1], into: vault, for: .replacement, as: "user:lp")
    }
    #expect(waiting.state == .waiting)
    _ = try Self.enter(ceremony.shares[2], into: vault, for: .replacement, as: "user:mail")
    #expect(waiting.state == .done)
  }

  @Test func `a vault whose ceremony asked for no accounts takes shares from one`() throws {
    // As of before there were rules, and as one leaves them of a KEK before.
    for rules in [nil, KeyIdentifier(1)] {
      try house.store.perform { transaction in
        try CustodyRules.remove(in: &transaction)
        if let rules {
          try CustodyRules(distinctAccounts: true).save(for: rules, in: &transaction)
        }
      }
      try house.vault.seal(actor: "user:ann")
      let vault = try house.vault
      #expect(try vault.holders()?.rules.distinctAccounts == false)
      for share in ceremony.shares.prefix(2) {
        _ = try Self.enter(share, into: vault, for: .unseal, as: "user:lp")
      }
      #expect(!vault.isSealed)
    }
  }

  @Test func `a ceremony takes the persons that the policy asks for, and is held once`() throws {
    let others = try Self.hold(house, ["four", "five"])
    let order = try CeremonyOrder(of: others.set, cryptoperiodSeconds: nil)
    let vault = try house.vault
    func begin(_ persons: Int) throws -> CustodianReplacement? {
      try vault.beginCustody(of: others.key, by: others.set, actor: "user:ann", persons: persons)
    }
    #expect(throws: VaultError.ceremonyNeedsApproval) { try begin(2) }
    guard
      case .waits(let approval) = try vault.ask(
        for: order, because: .none, actor: "user:ann", persons: 2)
    else { throw Missing(what: "a request that waits") }
    #expect(throws: VaultError.ceremonyNeedsApproval) { try begin(2) }
    // A policy that asks for one person now takes nothing back.
    #expect(throws: VaultError.ceremonyNeedsApproval) { try begin(1) }
    #expect(throws: VaultError.samePerson) {
      try vault.approve(approval.identifier, actor: "user:ann", persons: 2)
    }
    guard
      case .granted = try vault.approve(approval.identifier, actor: "user:bob", persons: 2),
      case .granted = try vault.ask(for: order, because: .none, actor: "user:ann", persons: 2)
    else { throw Missing(what: "a request that is granted") }
    // Another plan was not approved.
    let another = try Self.hold(house, ["four", "six"])
    #expect(throws: VaultError.ceremonyNeedsApproval) {
      try vault.beginCustody(of: another.key, by: another.set, actor: "user:ann", persons: 2)
    }
    let waiting = try #require(try begin(2))
    try enter(0, for: .replacement)
    try enter(1, for: .replacement)
    #expect(waiting.state == .done)
    #expect(try vault.approvals().isEmpty, "it is used up")
    try house.settle()
    #expect(
      try house.lines().contains {
        $0.contains("\"outcome\":\"created\"")
          && $0.contains(" accounts=distinct approval=\(approval.identifier) vault=test")
      })
  }

  @Test func `an approval that is taken back while shares are entered stops the ceremony`() throws {
    let others = try Self.hold(house, ["four", "five"])
    let order = try CeremonyOrder(of: others.set, cryptoperiodSeconds: nil)
    let vault = try house.vault
    guard
      case .waits(let approval) = try vault.ask(
        for: order, because: .none, actor: "user:ann", persons: 2),
      case .granted = try vault.approve(approval.identifier, actor: "user:bob", persons: 2)
    else { throw Missing(what: "a request that is granted") }
    let waiting = try #require(
      try vault.beginCustody(of: others.key, by: others.set, actor: "user:ann", persons: 2))
    try enter(0, for: .replacement)
    try vault.reject(approval.identifier, because: .none, actor: "user:bob")
    #expect(throws: VaultError.ceremonyNeedsApproval) { try enter(1, for: .replacement) }
    #expect(waiting.state == .abandoned)
    #expect(try vault.keyring.keyEncryptionKeyIdentifier == ceremony.key.identifier)
  }

  @Test func `enough shares open the vault, and a late one is wanted no more`() async throws {
    let token = try await house.token(of: Number.visa)
    try house.vault.seal(actor: "user:ann")
    #expect(try enter(0).missing == 1)
    #expect(try enter(2).missing == 0)
    #expect(try !house.vault.isSealed)
    #expect(throws: VaultError.notSealed) { try enter(1) }
    #expect(try house.vault.shareProgress.isEmpty)
    #expect(try await house.token(of: Number.visa) == token)
    // Nothing that was entered before counts after the next seal.
    try house.vault.seal(actor: "user:ann")
    #expect(try enter(1).missing == 1)
  }

  @Test func `shares that come at once open the vault once, and none of them stays`() async throws {
    try house.vault.seal(actor: "user:ann")
    let vault = try house.vault
    let shares = ceremony.shares
    await withTaskGroup(of: Void.self) { group in
      for share in shares {
        group.addTask { _ = try? Self.enter(share, into: vault, for: .unseal) }
      }
    }
    #expect(try !house.vault.isSealed)
    #expect(try house.vault.shareProgress.isEmpty)
    try house.vault.seal(actor: "user:ann")
    #expect(try enter(0).missing == 1)
  }

  @Test func `shares that wait too long are forgotten`() throws {
    try house.vault.seal(actor: "user:ann")
    try enter(0)
    house.time.pass(seconds: 15 * 60)
    try house.vault.tick()
    try house.settle()
    #expect(try house.vault.shareProgress.isEmpty)
    #expect(
      try house.lines().contains { $0.contains("unseal.share") && $0.contains("forgotten=1") })
  }

  @Test func `nobody takes the key back from custodians alone`() throws {
    let known = try house.vault.keyring.entries.map(\.identifier)
    let next = try house.source.make(besides: known)
    #expect(throws: VaultError.heldByCustodians) {
      try house.vault.replaceKeyEncryptionKey(by: next, origin: .rotation, actor: "user:ann")
    }
    let held = try house.vault.keyring.keyEncryptionKeyIdentifier
    #expect(throws: VaultError.heldByCustodians) {
      try house.vault.retire(
        held, as: .compromised, replacement: next, because: .none, actor: "user:ann")
    }
    #expect(try house.vault.keyring.keyEncryptionKeyIdentifier == ceremony.key.identifier)
  }

  @Test func `others take their place when enough agree, and it is told for certain`() throws {
    let others = try Self.hold(house, ["four", "five"])
    let waiting = try #require(
      try house.vault.beginCustody(of: others.key, by: others.set, actor: "user:ann"))
    #expect(throws: VaultError.replacementUnderWay) {
      try house.vault.beginCustody(of: others.key, by: others.set, actor: "user:bob")
    }
    try enter(0, for: .replacement)
    #expect(waiting.state == .waiting)
    try enter(1, for: .replacement)
    #expect(waiting.state == .done)
    // Sealing afterwards changes nothing about it.
    try house.vault.seal(actor: "user:ann")
    #expect(waiting.state == .done)
    #expect {
      try enter(0)
    } throws: { error in
      if case VaultError.keyring = error { true } else { false }
    }
    try enter(0, of: others)
    try enter(1, of: others)
    #expect(try !house.vault.isSealed)
  }

  @Test func `a vault that is sealed meanwhile keeps its custodians`() throws {
    let others = try Self.hold(house, ["four", "five"])
    let waiting = try #require(
      try house.vault.beginCustody(of: others.key, by: others.set, actor: "user:ann"))
    try enter(0, for: .replacement)
    try house.vault.seal(actor: "user:ann")
    #expect(waiting.state == .abandoned)
    #expect(throws: VaultError.noReplacement) { try enter(1, for: .replacement) }
    try enter(0)
    try enter(1)
    #expect(try !house.vault.isSealed)
  }

  @Test func `a ceremony that is given up is in the log`() throws {
    let others = try Self.hold(house, ["four", "five"])
    let waiting = try #require(
      try house.vault.beginCustody(of: others.key, by: others.set, actor: "user:ann"))
    try house.vault.abandon(waiting, actor: "user:ann")
    #expect(waiting.state == .abandoned)
    try house.settle()
    #expect(
      try house.lines().contains {
        $0.contains("\"operation\":\"ceremony\",\"key\":\"\(others.key.identifier.text)\"")
          && $0.contains("\"outcome\":\"stopped\"")
      })
  }
}
