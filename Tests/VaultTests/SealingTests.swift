import Keyring
import RecordFormat
import Storage
import Testing

@testable import Ledgers
@testable import Tokenization
@testable import VaultCore
@testable import VaultManagement

/// A vault whose keyring is closed and opened while it runs.
@Suite struct SealingTests {
  private let house: TestVault

  init() throws { house = try TestVault() }

  private func unseal() throws {
    try house.vault.unseal(
      with: try KeyringStore.open(in: house.store, source: house.source), actor: "user:ann")
  }

  @Test func `while it is sealed nothing is done, and afterwards all is as before`() async throws {
    let token = try await house.token(of: Number.visa)
    try house.vault.seal(actor: "user:ann")
    #expect(try house.vault.isSealed)
    #expect(throws: VaultError.sealed) { try house.vault.keyring }
    #expect(try await house.tokenize(Number.visaCB).value.problem == "sealed")
    #expect(try await house.push(token).value.problem == "sealed")
    #expect(try await house.delete(token).value.problem == "sealed")
    let pulled = try await house.pull(token).value
    #expect(text(of: pulled) == "sealed")
    #expect(throws: VaultError.sealed) { try house.vault.rotate(.data, actor: "user:ann") }
    #expect(throws: VaultError.sealed) { try house.vault.seal(actor: "user:ann") }
    try house.vault.tick()
    try house.settle()
    try unseal()
    #expect(try !house.vault.isSealed)
    #expect(throws: VaultError.notSealed) { try unseal() }
    #expect(try await house.token(of: Number.visa) == token)
    #expect(try await house.push(token).value.status == 200)
    let entries = try house.entries()
    #expect(entries.contains { $0.contains("\"operation\":\"seal\"") && $0.contains("done") })
    #expect(entries.contains { $0.contains("\"operation\":\"unseal\"") && $0.contains("done") })
    #expect(try house.auditFinding() == nil)
  }

  @Test func `a sealed vault stops and starts, and its index is whole`() async throws {
    let token = try await house.token(of: Number.visa)
    try house.vault.seal(actor: "user:ann")
    try house.close()
    var opened = 0
    try house.open { opened = $0 }
    #expect(opened == 0)
    #expect(try await house.token(of: Number.visa) == token)
  }

  @Test func `payments that are under way end first`() async throws {
    let token = try await house.token(of: Number.visa)
    house.transport.hold()
    let payment = try house.push(token)
    await house.transport.waitForArrival()
    #expect(throws: VaultError.paymentsUnderWay) {
      try house.vault.seal(actor: "user:ann", patience: .zero)
    }
    // It is open as before.
    #expect(try await house.token(of: Number.visa) == token)
    house.transport.release(.answered(PaymentAnswer(outcome: .approved, code: "00")))
    #expect(await payment.value.status == 200)
    try house.vault.seal(actor: "user:ann")
    #expect(try house.vault.isSealed)
  }

  @Test func `work on keys goes on when the vault is open again`() async throws {
    for number in [Number.visa, Number.visaCB] { _ = try await house.token(of: number) }
    _ = try house.vault.rotate(.data, actor: "user:ann")
    try house.vault.beginReencryption(cardsPerSecond: 1, actor: "user:ann")
    try house.vault.seal(actor: "user:ann")
    try unseal()
    while try house.vault.keyWork.isRunning { try house.settle() }
    #expect(try house.vault.cardsToMove() == 0)
  }

  @Test func `whoever asks while it is sealed and opened is answered one way or the other`()
    async throws
  {
    let token = try await house.token(of: Number.visa)
    for _ in 0..<20 {
      let replies = try (0..<8).map { _ in try house.tokenize(Number.visa) }
      try house.vault.seal(actor: "user:ann")
      let later = try (0..<8).map { _ in try house.tokenize(Number.visa) }
      try unseal()
      for reply in replies + later {
        let answer = await reply.value
        #expect(try answer.status == 503 || answer.token == token)
      }
    }
    #expect(try house.auditFinding() == nil)
  }
}
