import AuditLog
import Bytes
import Cryptography
import Glibc
import Keyring
import RecordFormat
import Storage
import SystemCalls
import TestSupport
import Testing

@testable import Ledgers
@testable import Tokenization
@testable import VaultCore
@testable import VaultManagement

/// Backups on record, compaction and what a restored store begins with, while the vault is open.
@Suite struct StoreUpkeepTests {
  private struct Refusal: Error {}
  private let house: TestVault

  init() throws { house = try TestVault() }

  private var records: [BackupRecord] {
    get throws { try house.store.read { try BackupRecord.all(in: $0) } }
  }

  private func begin(_ path: String = "/b") throws -> BackupRecord {
    try house.vault.upkeep.beginBackup(to: path, note: .none, actor: "user:ann")
  }

  @Test func `a backup is on record before there is anything of it`() throws {
    let begun = try begin()
    #expect(begun.state == .unfinished)
    #expect(try records == [begun])
    #expect(begun.needs(key: KeyIdentifier(1)), "one that is made while it runs")
    let entry = try #require(try house.entries().last)
    #expect(entry.contains(#""operation":"store.backup","outcome":"begun","reason":"id="#))
  }

  @Test func `a key that came and was replaced during the backup is needed till its end`() throws {
    let begun = try begin()
    let first = try house.vault.rotate(.data, actor: "user:ann")
    let copied = try house.vault.keyring
    let second = try house.vault.rotate(.data, actor: "user:ann")
    #expect(second.old == first.new)
    #expect(try records.first?.needs(key: first.new) == true)
    let finished = try house.vault.upkeep.finishBackup(
      begun, keyring: copied, isVerified: true, actor: "user:anna")
    #expect(finished.state == .kept)
    #expect(finished.needs(key: first.old))
    #expect(finished.needs(key: first.new))
    #expect(!finished.needs(key: second.new), "it is in no copy that was made before it")
    #expect(try records == [finished])
  }

  @Test func `one that does not verify stays unfinished and one without a file goes`() throws {
    let begun = try begin()
    let bad = try house.vault.upkeep.finishBackup(
      begun, keyring: nil, isVerified: false, actor: "user:anna")
    #expect(bad.state == .unfinished)
    let other = try begin("/c")
    try house.vault.upkeep.dropBackup(other, after: .store(.cancelled), actor: "user:anna")
    #expect(try records == [bad])
    let outcomes = try house.entries().map { $0.contains("\"outcome\":\"stopped\"") }
    #expect(outcomes.last == true)
  }

  @Test func `a forgotten backup needs nothing and is forgotten once`() throws {
    let begun = try begin()
    let upkeep = try house.vault.upkeep
    let forgotten = try upkeep.forgetBackup(
      begun.identifier, because: .none, actor: "user:bob")
    #expect(forgotten.state == .forgotten)
    #expect(try records == [forgotten])
    #expect(
      try house.entries().last?.contains(
        #""actor":"user:bob","operation":"store.backup.forget","outcome":"done","#) == true)
    #expect(throws: VaultError.backupForgotten(begun.identifier)) {
      try upkeep.forgetBackup(begun.identifier, because: .none, actor: "user:bob")
    }
    let unknown = KeyIdentifier(begun.identifier.value ^ 1)
    #expect(throws: VaultError.unknownBackup(unknown)) {
      try upkeep.forgetBackup(unknown, because: .none, actor: "user:bob")
    }
  }

  @Test func `another person approves that a backup is forgotten, and it is that one`() throws {
    let begun = try begin()
    func ask() throws -> Approval {
      guard
        case .waits(let approval) = try house.vault.forgetBackup(
          begun.identifier, because: .none, actor: "user:ann", persons: 2)
      else { throw Missing(what: "a request that waits") }
      return approval
    }
    let first = try ask()
    #expect(try ask() == first)
    // What was unfinished when it was asked for has a file by now.
    var record = begun
    record.digest = Digest256.sha256([1].rawSpan)
    _ = try house.vault.upkeep.finishBackup(
      record, keyring: nil, isVerified: true, actor: "user:ann")
    #expect(throws: VaultError.backupHasChanged(begun.identifier)) {
      try house.vault.approve(first.identifier, actor: "user:bob", persons: 2)
    }
    #expect(try house.vault.approvals() == [first], "nothing has changed")
    try house.vault.reject(first.identifier, because: .none, actor: "user:bob")
    let second = try ask()
    #expect(throws: VaultError.samePerson) {
      try house.vault.approve(second.identifier, actor: "user:ann", persons: 2)
    }
    #expect(try records.map(\.state) == [.kept])
    guard
      case .forgotten(let forgotten) = try house.vault.approve(
        second.identifier, actor: "user:bob", persons: 2)
    else { throw Missing(what: "a forgotten backup") }
    // As if the process had been killed when it had told so.
    try house.crash()
    try house.open()
    #expect(try records == [forgotten])
    #expect(forgotten.state == .forgotten)
    #expect(try house.vault.approvals().isEmpty)
    #expect(
      try house.entries().contains {
        $0.contains("\"actor\":\"user:ann\",\"operation\":\"store.backup.forget\"")
          && $0.contains("\"outcome\":\"done\"")
          && $0.contains("id=\(begun.identifier.text) approval=\(second.identifier)")
      })
  }

  @Test func `as many forgotten backups stay on record as are allowed`() throws {
    try house.store.perform { transaction in
      for number in 0..<UInt32(StoreUpkeep.mostForgotten + 5) {
        var record = BackupRecord(
          KeyIdentifier(number), beganMilliseconds: UInt64(number),
          log: .init(size: 0, root: .zero), keyEncryptionKey: KeyIdentifier(1), keys: nil,
          path: "/", actor: "", note: "")
        record.state = .forgotten
        try record.save(in: &transaction)
      }
    }
    let begun = try begin()
    let left = try records
    #expect(left.count == StoreUpkeep.mostForgotten)
    #expect(left.last == begun)
    #expect(left.first?.identifier == KeyIdentifier(6), "the oldest went")
  }

  @Test func `past the limit no backup is made`() throws {
    try house.store.perform { transaction in
      for number in 0..<UInt32(StoreUpkeep.mostBackups) {
        let record = BackupRecord(
          KeyIdentifier(number), beganMilliseconds: 0, log: .init(size: 0, root: .zero),
          keyEncryptionKey: KeyIdentifier(1), keys: nil, path: "/", actor: "", note: "")
        try record.save(in: &transaction)
      }
    }
    #expect(throws: VaultError.tooManyBackups) { try begin() }
  }

  @Test func `backups and compactions exclude each other`() throws {
    let vault = try house.vault
    try vault.upkeep.exclusively { () throws(VaultError) in
      #expect(throws: VaultError.upkeepUnderWay) { try vault.upkeep.compact(actor: "user:ann") }
      #expect(throws: VaultError.upkeepUnderWay) { try vault.upkeep.exclusively {} }
    }
    #expect(throws: VaultError.malformedRow) {
      try vault.upkeep.exclusively { () throws(VaultError) in throw .malformedRow }
    }
    #expect(try vault.upkeep.compact(actor: "user:ann").bytesAfter > 0, "the way is free again")
  }

  @Test func `a compaction is told before and after and changes nothing`() async throws {
    let token = try await house.token(of: Number.visa)
    _ = try await house.delete(try await house.token(of: Number.amex)).value
    let result = try house.vault.upkeep.compact(actor: "user:ann")
    #expect(result.bytesAfter <= result.bytesBefore)
    let entries = try house.entries()
    #expect(entries.suffix(2).allSatisfy { $0.contains("\"operation\":\"store.compact\"") })
    #expect(entries.last?.contains("bytes_before=\(result.bytesBefore) bytes_after=") == true)
    #expect(throws: VaultError.store(.cancelled)) {
      try house.vault.upkeep.compact(actor: "user:ann") { _, _ in false }
    }
    #expect(try house.entries().last?.contains("\"outcome\":\"stopped\"") == true)
    #expect(try await house.token(of: Number.visa) == token)
    try house.crash()
    try house.open()
    #expect(try await house.token(of: Number.visa) == token)
    #expect(try house.auditFinding() == nil)
  }

  @Test func `a compaction does not hold a sealing up`() async throws {
    _ = try await house.token(of: Number.visa)
    let vault = try house.vault
    let sealed = Gate()
    #expect(throws: VaultError.store(.cancelled)) {
      var hasBegun = false
      _ = try vault.upkeep.compact(actor: "user:ann") { _, _ in
        if !hasBegun {
          hasBegun = true
          _ = try? WorkerThread(named: "sealing") {
            try? vault.seal(actor: "user:bob")
            sealed.open()
          }
          while !vault.isSealed { sched_yield() }
        }
        return true
      }
    }
    sealed.wait()
    #expect(vault.isSealed)
    let told = try house.entries().filter { $0.contains("store.compact") }
    #expect(told.last?.contains("\"outcome\":\"stopped\"") == true)
  }

  @Test func `an offline store has its entries too`() throws {
    try house.close()
    let store = try Store.open(at: house.directory.store, mapSize: 64 << 20)
    let upkeep = try StoreUpkeep.offline(store, clock: house.time.clock)
    _ = try upkeep.compact(actor: "user:ann")
    #expect(throws: VaultError.unknownBackup(KeyIdentifier(1))) {
      try upkeep.forgetBackup(KeyIdentifier(1), because: .none, actor: "user:ann")
    }
    _ = try upkeep.beginBackup(to: "/b", note: .none, actor: "user:ann")
    #expect(try AuditVerifier.verify(store).finding == nil)
    #expect(try AuditReader(store).size() == 3)
  }
}

extension StoreUpkeepTests {
  @Test func `a restored store begins its log and closes payments that were open`() async throws {
    let token = try await house.token(of: Number.visa)
    let answered = try await house.push(token, key: "answered").value
    house.transport.hold()
    _ = try house.push(token, key: "open")
    await house.transport.waitForArrival()
    let bait = try house.vault.addHoneytoken(
      merchant: "shop", note: .none, actor: "user:ann"
    ).token
    let backup = house.directory.path + "/backup.mdb"
    _ = try house.store.copy(to: backup)
    let keyring = try house.keyring
    let old = try house.store.storeIdentifier
    let entries = try house.lines().count
    try house.crash()
    // Nothing has waited since the backup, whatever the clock says.
    house.time.jump(seconds: 90_000)

    let (contents, log) = try read(backup)
    let origin = RestoreOrigin(store: old, log: log, cards: contents.cards, lastKnown: nil)
    #expect(log.size == UInt64(entries))
    #expect(contents.cards == 1)
    let new = try #require(StoreIdentifier(Array(101...116)))
    #expect(unsafe rename(house.directory.store, house.directory.path + "/before") == 0)
    try Store.restore(
      from: backup, to: house.directory.store, mapSize: 64 << 20, storeIdentifier: new,
      leavingOut: RestoredStore.tablesLeftBehind,
      populate: { transaction in
        try contents.begin(
          origin, keyring: keyring, as: new, actor: "user:ann", clock: house.time.clock,
          in: &transaction)
      })
    try house.open()
    #expect(try house.store.storeIdentifier == new)
    #expect(try RestoreOrigin.read(in: house.store) == origin)
    let lines = try house.entries()
    #expect(lines.count == 3)
    #expect(lines[0].contains(#""operation":"store.restore","outcome":"done","reason":"store="#))
    #expect(lines[1].contains(#""outcome":"intent""#))
    #expect(lines[2].contains(#""outcome":"unknown","reason":"restart""#))
    #expect(try house.auditFinding() == nil)
    #expect(try await house.token(of: Number.visa) == token)
    // What was answered before the backup is answered again, and what was open is not sent again.
    #expect(try await house.push(token, key: "answered").value.body == answered.body)
    #expect(try await house.push(token, key: "open").value.problem == "outcome-unknown")
    #expect(house.transport.sent.count == 2)
    // Bait goes along.
    #expect(try await house.delete(bait).value.problem == "token-not-found")
    #expect(try house.vault.alarmCounts.first?.raised == 1)
  }

  private func read(_ backup: String) throws -> (RestoredStore, BackupRecord.Log) {
    let copy = try Store.open(copy: backup)
    return (
      try RestoredStore(readingFrom: copy), try copy.read { try BackupRecord.Log.read(in: $0) }
    )
  }
}
