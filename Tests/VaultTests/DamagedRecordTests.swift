import AuditLog
import Cards
import Keyring
import RecordFormat
import Storage
import TestSupport
import Testing
import Tokenization
import VaultCore

@testable import CardStore
@testable import VaultManagement

/// Records that do not open: what they hold up, and how an operator is rid of them.
@Suite(.timeLimit(.minutes(5))) struct DamagedRecordTests {
  private let house: TestVault
  private let reason: KeyReason

  init() throws {
    house = try TestVault()
    reason = try #require(KeyReason(ticket: "CHG-12", text: "no backup has it"))
  }

  /// Lets what goes on beside requests come to its end.
  private func wait() throws {
    while try house.vault.keyWork.isRunning { try house.settle() }
    #expect(try house.vault.keyWork.failure == nil)
  }

  private func isReplacing() throws -> Bool {
    try house.vault.keyring.replacedFingerprintKey != nil
  }

  /// Tokenizes when an index that has not been compared yet can be asked.
  private func status(of number: String) async throws -> UInt16 {
    while true {
      let answer = try await house.tokenize(number).value
      if answer.status != 503 { return answer.status }
    }
  }

  /// A card whose record does not open, and a rotation of the fingerprint key after that.
  private func holdUp() async throws -> Token {
    let damaged = try await house.token(of: Number.visa)
    _ = try await house.token(of: Number.other)
    try house.damage(damaged, byte: 60)
    try house.reopen()
    _ = try house.vault.rotate(.fingerprint, actor: "user:ann")
    try wait()
    return damaged
  }

  @Test
  func `a rotation of the fingerprint key does not end before them, nor does a restart end it`()
    async throws
  {
    let damaged = try await holdUp()
    for _ in 0..<2 {
      #expect(try isReplacing())
      #expect(try house.vault.isReplacementHeldUp)
      let held = try house.vault.heldUpReplacement
      #expect(try held?.key == house.vault.keyring.replacedFingerprintKey?.identifier)
      #expect(held?.records == 1)
      // Both tables are asked: no second token for it.
      #expect(try await house.tokenize(Number.visa).value.status == 500)
      #expect(try await house.tokenize(Number.other).value.status == 200)
      try house.reopen()
      try wait()
    }
    // It opens again: after an hour somebody looks.
    try house.damage(damaged, byte: 60)
    try house.vault.tick()
    try wait()
    #expect(try isReplacing())
    house.time.pass(seconds: 3_600)
    try house.vault.tick()
    try wait()
    #expect(try !isReplacing())
    #expect(try house.vault.heldUpReplacement == nil)
    #expect(try await house.token(of: Number.visa) == damaged)
  }

  @Test func `what is asked for again looks at once`() async throws {
    let damaged = try await holdUp()
    #expect(try house.vault.resumeFingerprints() != nil)
    try wait()
    #expect(try house.vault.isReplacementHeldUp)
    try house.damage(damaged, byte: 60)
    #expect(try house.vault.resumeFingerprints() != nil)
    try wait()
    #expect(try !isReplacing())
    #expect(try house.vault.resumeFingerprints() == nil)
  }

  @Test func `after their removal the rotation ends, and the store and its key are as any other`()
    async throws
  {
    let damaged = try await holdUp()
    let old = try house.vault.keyring.activeDataKey.identifier
    let removed = try house.vault.removeDamaged(
      [.record(RecordKey(damaged))], because: reason, actor: "user:ops")
    #expect(
      removed == [RemovedEntry(entry: .record(RecordKey(damaged)), countedUnder: old)])
    try wait()
    #expect(try !isReplacing())
    #expect(
      try house.entries().contains(
        #"{"actor":"user:ops","operation":"store.remove-damaged","token":"\#(damaged.text)","#
          + #""outcome":"deleted","reason":"counted_under=\#(old.text) ticket=CHG-12 reason=no backup has it"}"#
      ))
    // It has never been, and its number is new.
    #expect(text(of: try await house.pull(damaged).value) == "token-not-found")
    #expect(try await status(of: Number.visa) == 201)
    try house.vault.tick()
    while try house.vault.storeCheck.damaged > 0 { try house.settle() }
    _ = try house.vault.rotate(.data, actor: "user:ann")
    try house.vault.beginReencryption(cardsPerSecond: 0, actor: "user:ann")
    try wait()
    #expect(try house.vault.needs(of: old).cards == 0)
    _ = try house.vault.destroy(old, because: reason, actor: "user:ops", persons: 1)
    try wait()
    #expect(try house.vault.keyring.entry(old)?.state == .destroyed)
    #expect(try house.auditFinding() == nil)
    let found = try CardVerifier(
      store: house.store, keyring: house.vault.keyring, slots: house.slots
    ).verify(comparesIndex: true)
    #expect(found.isSound && found.isIndexSound)
  }

  @Test func `where one of them stays, all do`() async throws {
    let damaged = try await house.token(of: Number.visa)
    let whole = try await house.token(of: Number.other)
    try house.damage(damaged, byte: 60)
    try house.reopen()
    let records = [damaged, whole].map { DamagedEntry.record(RecordKey($0)) }
    #expect(try house.vault.obstacles(toRemoving: records) == [nil, .record(.opens)])
    #expect(throws: VaultError.entryStays(records[1], .record(.opens))) {
      try house.vault.removeDamaged(records, because: reason, actor: "user:ops")
    }
    #expect(try !house.entries().contains { $0.contains("store.remove-damaged") })
    #expect(try house.vault.obstacles(toRemoving: records) == [nil, .record(.opens)])
    try house.vault.seal(actor: "user:ops")
    #expect(throws: VaultError.sealed) {
      try house.vault.removeDamaged([records[0]], because: reason, actor: "user:ops")
    }
  }

  @Test func `one under a key that was destroyed can be removed`() async throws {
    let damaged = try await house.token(of: Number.visa)
    let old = try house.vault.keyring.activeDataKey.identifier
    _ = try house.vault.rotate(.data, actor: "user:ann")
    try house.vault.beginReencryption(cardsPerSecond: 0, actor: "user:ann")
    try wait()
    _ = try house.vault.destroy(old, because: reason, actor: "user:ops", persons: 1)
    try wait()
    try house.name(old, inRecordOf: damaged)
    try house.reopen()
    let record = DamagedEntry.record(RecordKey(damaged))
    #expect(try house.vault.obstacles(toRemoving: [record]) == [nil])
    let active = try house.vault.keyring.activeDataKey.identifier
    let removed = try house.vault.removeDamaged([record], because: reason, actor: "user:ops")
    #expect(removed == [RemovedEntry(entry: record, countedUnder: active)])
    #expect(try house.store.read { try KeyTally.read(.cards, $0) }[active] == 0)
  }

  @Test func `an answer that was kept for a card that is gone is a new request`() async throws {
    let first = try await house.tokenize(Number.visa, key: "k-1").value
    let damaged = try first.token
    try house.damage(damaged, byte: 60)
    try house.reopen()
    _ = try house.vault.removeDamaged(
      [.record(RecordKey(damaged))], because: reason, actor: "user:ops")
    let again = try await house.tokenize(Number.visa, key: "k-1").value
    #expect(again.status == 201)
    #expect(try again.token != damaged)
  }

  @Test func `two tokens of one card are counted, and raise no alarm`() async throws {
    let older = try await house.token(of: Number.visa)
    try house.damage(older, byte: 60)
    try house.close()
    try house.removeIndex()
    try house.open()
    #expect(try house.vault.indexHistory.leftOut == 1)
    #expect(try await house.token(of: Number.visa) != older)
    try house.damage(older, byte: 60)
    try house.reopen()
    #expect(try house.vault.storeCheck.secondTokens == 1)
    house.options.isLarge = true
    try house.reopen()
    while try house.vault.storeCheck.endedMilliseconds == nil { try house.settle() }
    #expect(try house.vault.storeCheck.secondTokens == 1)
    #expect(try house.vault.storeCheck.damaged == 0)
    #expect(try house.vault.indexHistory.leftOut == 0)
    #expect(try house.entries().filter { $0.contains("store.verify") }.count == 1)
  }
}
