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

  @Test func `payments that are under way are unknown at once, and a late answer changes nothing`()
    async throws
  {
    let token = try await house.token(of: Number.visa)
    house.transport.hold()
    let payment = try house.push(token)
    await house.transport.waitForArrival()
    try house.vault.seal(actor: "user:ann")
    let answer = await payment.value
    #expect(answer.status == 504 && answer.problem == "outcome-unknown")
    let identifier = try #require(house.transport.sent.first?.payment.text)
    #expect(answer.string("payment_id") == identifier)
    #expect(answer.failure?.cause == "sealed")
    #expect(house.transport.abandoned == 1)
    #expect(try house.vault.paymentsInFlight == 0)
    let entries = try house.entries()
    #expect(
      entries.suffix(2).first == """
        {"actor":"spiffe://shop.example/checkout","operation":"detokenize","merchant":"shop",\
        "token":"\(token.text)","acquirer":"credit-du-nord","payment_id":"\(identifier)",\
        "outcome":"unknown","reason":"sealed","request_id":"req-1"}
        """)
    #expect(entries.last?.contains("\"operation\":\"seal\"") == true)

    try unseal()
    #expect(try await house.push(token).value == answer)
    house.transport.release(.answered(PaymentAnswer(outcome: .approved, code: "00")))
    try house.settle()
    #expect(payment.count == 1)
    #expect(try await house.push(token).value == answer)
    #expect(house.transport.sent.count == 1)
    let told = try house.entries().filter { $0.contains(identifier) }
    #expect(told.count { $0.contains("intent") } == 1)
    #expect(told.count { $0.contains("unknown") } == 1)
    #expect(!told.contains { $0.contains("approved") })
    #expect(try house.auditFinding() == nil)
    try house.reopen()
    #expect(try await house.push(token).value == answer)
  }

  @Test func `an answer that comes while it is sealed changes nothing either`() async throws {
    let token = try await house.token(of: Number.visa)
    house.transport.hold()
    let payment = try house.push(token)
    await house.transport.waitForArrival()
    try house.vault.seal(actor: "user:ann")
    house.transport.release(.notSent(cause: "connect-failed"))
    try house.settle()
    #expect(await payment.value.problem == "outcome-unknown")
    #expect(payment.count == 1)
    try unseal()
    // The key is taken: what may have been sent is not sent again.
    #expect(try await house.push(token).value.problem == "outcome-unknown")
    #expect(house.transport.sent.count == 1)
  }

  @Test func `a payment begun in the batch that seals is unknown, and is not sent`() async throws {
    let token = try await house.token(of: Number.visa)
    let blocker = Blocker(try house.store)
    let payment = try house.push(token)
    let books = try house.vault.vault.books
    try house.store.submit { (transaction) throws(VaultError) in
      try books.closeOpenPayments(because: AuditReason.sealed, in: &transaction)
      books.sealAfterBatch()
    }
    blocker.open()
    let answer = await payment.value
    #expect(answer.problem == "outcome-unknown" && answer.failure?.cause == "sealed")
    #expect(house.transport.sent.isEmpty)
    try house.reopen()
    #expect(try await house.push(token).value == answer)
    #expect(house.transport.sent.isEmpty)
    #expect(try house.auditFinding() == nil)
  }

  @Test func `what comes after the sealing in its batch finds it sealed`() async throws {
    let books = try house.vault.vault.books
    #expect(throws: VaultError.sealed) {
      try house.store.perform { (transaction) throws(VaultError) in
        books.sealAfterBatch()
        _ = try books.opened()
      }
    }
    // The batch came to nothing.
    _ = try await house.token(of: Number.visa)
  }

  @Test func `a sealing that cannot be written leaves payments as they are`() async throws {
    let token = try await house.token(of: Number.visa)
    house.transport.hold()
    let payment = try house.push(token)
    await house.transport.waitForArrival()
    try house.store.stopWriter()
    #expect(throws: VaultError.store(.stopped)) { try house.vault.seal(actor: "user:ann") }
    #expect(try !house.vault.isSealed)
    #expect(payment.count == 0 && house.transport.abandoned == 0)
    house.transport.release(.answered(PaymentAnswer(outcome: .approved)))
    #expect(await payment.value.problem == "outcome-unknown")
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
