import Bytes
import Cryptography
import Keyring
import RecordFormat
import SecretMemory
import Storage
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

  private static func enter(
    _ share: CustodianShare, into vault: VaultManager, for purpose: ShareProgress.Purpose
  ) throws -> ShareProgress {
    let text = Array(share.text.utf8)
    return try vault.enterShare(
      text.rawSpan, passphrase: passphrase(share.header.custodian.text), for: purpose,
      actor: "user:ann")
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
