import AuditLog
import Bytes
import Cryptography
import Keyring
import Storage
import TestSupport
import Testing

@testable import Ledgers
@testable import Tokenization
@testable import VaultCore
@testable import VaultManagement

/// Checkpoints that the vault signs, and the archive.
@Suite struct CheckpointTests {
  private let house: TestVault

  init() throws { house = try TestVault() }

  private func covered() throws -> UInt64 { try house.vault.checkpoint?.size ?? 0 }

  private func size() throws -> UInt64 { try AuditReader(house.store).size() }

  private func keys() throws -> [VerifierKey] {
    let name = VerifierKey.name(ofStore: try house.store.storeIdentifier.bytes)
    let publicKey = try house.keyring.signingKey().key.publicKey
    return [VerifierKey(name: name, publicKey: publicKey)].compactMap { $0 }
  }

  @Test func `each tick covers what was written, and nothing is signed where nothing was`()
    async throws
  {
    _ = try await house.token(of: Number.visa)
    #expect(try covered() == 0)
    try house.vault.tick()
    try house.settle()
    #expect(try covered() == size())
    let first = try #require(try house.vault.checkpoint)
    try house.vault.tick()
    try house.settle()
    #expect(try house.vault.checkpoint == first)
    _ = try await house.token(of: Number.mastercard)
    try house.vault.tick()
    try house.settle()
    #expect(try covered() == size())
    let trust = AuditVerifier.Trust(since: first, keys: try keys())
    #expect(try AuditVerifier.verify(house.store, trusting: trust).finding == nil)
  }

  @Test func `a start signs what a crash has left before anything new is written`() async throws {
    _ = try await house.token(of: Number.visa)
    try house.vault.tick()
    try house.settle()
    for number in [Number.mastercard, Number.amex] {
      _ = try await house.token(of: number)
      let end = try size()
      try house.crash()
      house.time.pass(seconds: 75)
      try house.open()
      // What was left, and the note about it.
      #expect(try house.vault.checkpoint?.size == end + 1)
      #expect(try house.lines().last?.contains("\"outcome\":\"uncovered\"") == true)
      try house.vault.record(
        AuditEntry(actor: .system, operation: .serve, outcome: .started))
      let trust = AuditVerifier.Trust(keys: try keys())
      #expect(try AuditVerifier.verify(house.store, trusting: trust).finding == nil)
    }
  }

  @Test func `a stop and a seal sign too, and a sealed vault cannot`() async throws {
    _ = try await house.token(of: Number.visa)
    try house.vault.seal(actor: "user:ann")
    #expect(try covered() == size())
    try house.vault.record(AuditEntry(actor: "user:ann", operation: .auditShow, outcome: .done))
    try house.vault.tick()
    try house.settle()
    #expect(try covered() == size() - 1)
    #expect(throws: VaultError.sealed) { try house.vault.signCheckpoint() }
    try house.reopen()
    _ = try await house.token(of: Number.mastercard)
    try house.reopen()
    #expect(try covered() == size())
  }

  @Test func `one that is asked for covers all, and stays`() async throws {
    _ = try await house.token(of: Number.visa)
    let kept = try house.vault.signCheckpoint()
    #expect(try kept.size == size())
    #expect(try kept.verified(by: keys()) == keys().first)
    for number in [Number.mastercard, Number.amex] {
      _ = try await house.token(of: number)
      try house.vault.tick()
      try house.settle()
    }
    let sizes = try house.store.read { (transaction) throws(AuditError) in
      try KeptCheckpoints.rows(limit: 10, in: transaction).map(\.size)
    }
    #expect(try sizes == [kept.size, size()])
  }

  // MARK: - The archive

  /// The SHA-256 of an export that ends before `size`.
  private func export(below size: UInt64) throws -> Digest256 {
    let page = try ExportLines(house.store).page(from: 0, below: size)
    return Digest256.sha256(page.bytes.rawSpan)
  }

  /// Archives, and says what the vault says of that.
  ///
  /// - Parameter steps: how often it may tell how far it is; then nobody waits for it any more.
  private func archive(
    below size: UInt64, export: Digest256? = nil, steps: Int = .max
  ) throws -> (mark: ArchiveMark, isRemoved: Bool) {
    var told = 0
    let order = ArchiveOrder(below: size, export: try export ?? self.export(below: size))
    let answer = try house.vault.archive(order, because: .none, actor: "user:ann", persons: 1) {
      _, _ in
      told += 1
      return told <= steps
    }
    guard case .archived(let mark, let isRemoved) = answer else {
      throw Missing(what: "an archive")
    }
    return (mark, isRemoved)
  }

  private func clientLines() throws -> Int {
    try house.lines().count { $0.contains("\"operation\":\"tokenize\"") }
  }

  @Test func `archived lines go, hashes and counts stay`() async throws {
    let token = try await house.token(of: Number.visa)
    _ = try await house.token(of: Number.mastercard)
    #expect(try await house.delete(token).value.status == 204)
    let end = try house.vault.signCheckpoint().size
    _ = try await house.token(of: Number.amex)
    #expect(throws: VaultError.archive(.noCheckpoint)) { try archive(below: end) }
    house.time.pass(seconds: 60)
    try house.vault.tick()
    try house.settle()
    #expect(throws: VaultError.archive(.anotherExport)) { try archive(below: end, export: .zero) }
    #expect(throws: VaultError.archive(.noCheckpoint)) { try archive(below: end - 1) }
    // Whoever asked has gone away when the lines are about to be removed.
    let (mark, isRemoved) = try archive(below: end, steps: 1)
    #expect(mark.created == 2)
    #expect(mark.deleted == 1)
    #expect(!isRemoved)
    #expect(try clientLines() == 3)
    // Until they are removed they stand in no one's way, and a crash stops nothing.
    try house.crash()
    try house.open()
    #expect(try house.auditFinding() == nil)
    try house.vault.tick()
    try house.settle()
    #expect(try clientLines() == 1)
    let result = try AuditVerifier.verify(house.store, trusting: .init(keys: keys()))
    #expect(result.finding == nil)
    #expect(result.archived == 3)
    #expect(throws: VaultError.archive(.archivedAlready(below: end))) { try archive(below: end) }
    // A second archive takes the first one's hashes along.
    let next = try house.vault.signCheckpoint().size
    _ = try await house.token(of: Number.visaCB)
    house.time.pass(seconds: 60)
    try house.vault.tick()
    try house.settle()
    let second = try archive(below: next)
    #expect(second.mark.created == 3)
    #expect(second.isRemoved)
    #expect(try clientLines() == 1)
    #expect(try house.auditFinding() == nil)
  }

  @Test func `another person approves an archive, which is done then and not before`() async throws
  {
    _ = try await house.token(of: Number.visa)
    let end = try house.vault.signCheckpoint().size
    _ = try await house.token(of: Number.mastercard)
    house.time.pass(seconds: 60)
    try house.vault.tick()
    try house.settle()
    let order = ArchiveOrder(below: end, export: try export(below: end))
    let reason = try #require(KeyReason(ticket: "CHG-3", text: ""))
    func ask(_ order: ArchiveOrder) throws -> Approval {
      guard
        case .waits(let approval) = try house.vault.archive(
          order, because: reason, actor: "user:ann", persons: 2, progress: { _, _ in true })
      else { throw Missing(what: "a request that waits") }
      return approval
    }
    #expect(throws: VaultError.archive(.anotherExport)) {
      try ask(ArchiveOrder(below: end, export: .zero))
    }
    let approval = try ask(order)
    try house.reopen()
    #expect(try house.vault.approvals() == [approval])
    #expect(try clientLines() == 2)
    guard
      case .archived(let mark, true) = try house.vault.approve(
        approval.identifier, actor: "user:bob", persons: 2)
    else { throw Missing(what: "an archive") }
    #expect(mark.below == end)
    #expect(try clientLines() == 1)
    #expect(try house.auditFinding() == nil)
    let lines = try house.entries().filter { $0.contains("audit.archive") }
    try #require(lines.count == 3)
    #expect(lines[0].contains("\"outcome\":\"waiting\",\"reason\":\"approval="))
    #expect(
      lines[1].contains(
        "\"actor\":\"user:ann\",\"operation\":\"audit.archive\",\"outcome\":\"begun\","
          + "\"reason\":\"below=\(end) approval=\(approval.identifier) ticket=CHG-3\""))
    #expect(lines[2].contains("\"outcome\":\"done\",\"reason\":\"\(mark.text)\""))
  }

  @Test func `a payment that is under way keeps its entries`() async throws {
    let token = try await house.token(of: Number.visa)
    house.transport.hold()
    let payment = try house.push(token)
    await house.transport.waitForArrival()
    let end = try house.vault.signCheckpoint().size
    try house.vault.record(AuditEntry(actor: "user:ann", operation: .auditShow, outcome: .done))
    house.time.pass(seconds: 60)
    try house.vault.tick()
    try house.settle()
    #expect(throws: VaultError.archive(.paymentUnderWay(since: end - 1))) {
      try archive(below: end)
    }
    house.transport.release(.answered(PaymentAnswer(outcome: .approved)))
    #expect(await payment.value.status == 200)
    #expect(throws: Never.self) { try archive(below: end) }
  }
}
