import AuditLog
import Bytes
import Cryptography
import Glibc
import Keyring
import Ledgers
import RecordFormat
import SecretMemory
import Storage
import Synchronization
import TestSupport
import Testing
import VaultCore
import VaultManagement

@testable import Administration

/// Backups, compaction and restoration of a store without cards, or with one that does not open.
@Suite struct BackupOperationsTests {
  private let service: TestService
  private let upkeep: StoreUpkeep
  private let clock = Clock(
    milliseconds: { 1_795_459_405_123 }, monotonicNanoseconds: { 1 })
  private var backup: String { service.directory + "/backup.mdb" }
  private var restored: String { service.directory + "/restored" }

  init() throws {
    service = try TestService(entries: 20)
    upkeep = try StoreUpkeep.offline(service.store, clock: clock)
  }

  private func run(
    _ operation: any AdminOperation, isOpen: Bool = true, keyring: Keyring? = nil,
    told: (AdminPart) throws -> Void = { _ in }
  ) throws -> String {
    var hooks = AdministrationHooks(clock: clock)
    hooks.upkeep = upkeep
    if isOpen { hooks.keyring = { [service] in keyring ?? service.keyring } }
    hooks.slots = try SecretPool(slots: 4, slotSize: 256)
    var document = ""
    try Operations(store: service.store, hooks: hooks).run(operation, actor: "user:ann") {
      part in
      try told(part)
      if case .document(let json) = part { document = String(decoding: json, as: UTF8.self) }
    }
    return document
  }

  private func restore(
    _ lastKnown: String? = nil, key: KeyEncryptionKey? = nil
  ) throws -> String {
    let source = FileKeySource(directory: service.directory + "/keys")
    let document = try Restoration(
      of: backup, to: restored, mapSize: 1 << 26, lastKnown: lastKnown.flatMap { LastKnown($0) },
      actor: "user:ann", clock: clock, slots: try SecretPool(slots: 4, slotSize: 256),
      permit: { _ in },
      key: { header, _ in
        Restoration.Key(
          try key ?? source.load(header.kekIdentifier))
      }
    ).run { _, _, _ in }
    return String(decoding: document, as: UTF8.self)
  }

  private func exists(_ path: String) -> Bool { FileFacts.exists(path) }

  private var records: [BackupRecord] {
    get throws { try service.store.read { try BackupRecord.all(in: $0) } }
  }

  /// Puts something into the store that is no record.
  private func damage() throws {
    let key = [UInt8](1...16)
    try service.store.write {
      try $0.put(key: key.rawSpan, value: key.rawSpan, in: .cards)
    }
  }

  @Test func `a backup is verified, kept on record and listed`() throws {
    let note = try #require(FreeText("weekly", longest: 10))
    let document = try run(BackUpStore(to: backup, note: note))
    let record = try #require(try records.first)
    #expect(record.state == .kept)
    #expect(record.log.size == 21, "with the entry of its own beginning")
    #expect(try record.digest == FileFacts.sha256(ofFile: backup) { _, _ in })
    #expect(document.hasPrefix(#"{"intact":true,"records_verified":true,"id":"#))
    #expect(document.contains(#""bytes":\#(record.bytes),"sha256":"\#(record.digest.hex)""#))
    let list = try run(ListBackups())
    #expect(list.contains(#""state":"kept","created":"2026-11-23T18:43:25Z","path":"\#(backup)""#))
    #expect(list.contains(#""actor":"user:ann","note":"weekly"}]}"#))
    let refusal = AdministrationError.refused("\(backup) exists already, and is not overwritten")
    #expect(throws: refusal) { try run(BackUpStore(to: backup, note: .none)) }
    #expect(try records.count == 1)
  }

  @Test func `the keys that a backup needs are those of its own keyring`() throws {
    let document = try run(BackUpStore(to: backup, note: .none))
    let record = try #require(try records.first)
    let secrets = service.keyring.entries.filter { $0.material != nil }.map(\.identifier)
    #expect(record.keys == Set(secrets))
    #expect(document.contains(#""keys":["#))
  }

  @Test func `where the KEK is another one by now, a backup needs every key`() throws {
    var change = KeyringChange(service.keyring)
    let key = KeyEncryptionKey(KeyIdentifier(0x0102_0304), try KeyEncryptionKey.makeSecret())
    try change.replaceKeyEncryptionKey(
      by: key, origin: .rotation, cryptoperiodSeconds: 1, atMilliseconds: 1)
    let document = try run(
      BackUpStore(to: backup, note: .none), keyring: try change.keyring())
    #expect(document.hasPrefix(#"{"intact":true,"records_verified":true,"#))
    #expect(document.contains(#""keys":null"#))
    #expect(try records.first?.state == .kept)
    #expect(try records.first?.needs(key: KeyIdentifier(1)) == true)
  }

  @Test func `a backup has no place beside the store or where nobody can write`() throws {
    for path in [
      service.store.directory + "/b", service.directory + "/./store/b", "/proc/b",
      service.directory + "/absent/b", backup + "/b", "/dev/null/b",
    ] {
      #expect(throws: AdministrationError.self, "\(path)") {
        try run(BackUpStore(to: path, note: .none))
      }
    }
    #expect(try records.isEmpty)
    #expect(try service.lines(from: 20).count(where: { $0.contains("done") }) == 0)
  }

  @Test func `a store that is damaged is backed up, told, and not called done`() throws {
    try damage()
    let document = try run(BackUpStore(to: backup, note: .none))
    #expect(document.hasPrefix(#"{"intact":false,"#))
    #expect(document.contains(#"{"name":"records-damaged","#))
    #expect(try records.first?.state == .unfinished)
    #expect(try records.first?.bytes ?? 0 > 0)
    #expect(exists(backup))
    #expect(throws: AdministrationError.self) { try restore() }
    #expect(!exists(restored))
  }

  @Test func `with a closed keyring records are counted and every key is needed`() throws {
    let document = try run(BackUpStore(to: backup, note: .none), isOpen: false)
    #expect(document.hasPrefix(#"{"intact":true,"records_verified":false,"#))
    #expect(document.contains(#""keys":null"#))
    #expect(try records.first?.needs(key: KeyIdentifier(1)) == true)
  }

  @Test func `one that nobody waits for any more leaves neither file nor record`() throws {
    let making = BackupRun(
      upkeep: upkeep, keyring: { nil }, slots: nil, path: backup, note: .none, why: .none,
      actor: "user:ann")
    let progress = WorkProgress()
    progress.giveUp()
    // What became of it has its entry, below.
    let failure = #expect(throws: RecordedFailure.self) { try making.run(progress) }
    #expect(failure?.cause as? AdministrationError == .abandoned)
    #expect(try records.isEmpty)
    #expect(!exists(backup) && !exists(backup + ".new"))
    #expect(try service.lines(from: 21).first?.contains(#""outcome":"stopped""#) == true)
  }

  @Test func `one at a time`() throws {
    try upkeep.begin()
    for operation in [try BackUpStore(to: backup, note: .none), CompactStore()]
      as [any AdminOperation]
    {
      #expect(throws: AdministrationError.busy) { try run(operation) }
    }
    upkeep.end()
    #expect(try service.lines(from: 20).isEmpty)
    _ = try run(CompactStore())
  }

  @Test func `a forgotten backup is said to be there still`() throws {
    _ = try run(BackUpStore(to: backup, note: .none))
    let identifier = try #require(try records.first?.identifier)
    let reason = try #require(KeyReason(ticket: "", text: "outcome=done id=1"))
    let document = try run(ForgetBackup(identifier, because: reason))
    #expect(
      try service.lines(from: 0).last?.contains(
        #""reason":"id=\#(identifier.text) reason=outcome=done id=1""#) == true)
    #expect(document.contains(#""state":"forgotten""#))
    #expect(document.contains(#""file_exists":true,"approval":null,"persons":1,"missing":0}"#))
    let refusal = AdministrationError.refused("the backup \(identifier.text) was forgotten before")
    #expect(throws: refusal) { try run(ForgetBackup(identifier, because: reason)) }
    #expect(exists(backup))
  }

  @Test func `a compaction tells sizes and pause`() throws {
    let document = try run(CompactStore())
    #expect(document.hasPrefix(#"{"bytes_before":"#))
    #expect(document.contains(#","paused_ms":"#))
    #expect(try service.lines(from: 20).count == 2)
  }
}

extension BackupOperationsTests {
  @Test func `a restored store is another one and says where it comes from`() throws {
    _ = try run(BackUpStore(to: backup, note: .none))
    let log = try #require(try records.first?.log)
    let document = try restore("30:\(log.root.hex)")
    #expect(document.contains(#""cards":0,"from_store":"\#(service.store.identifierText)""#))
    #expect(document.contains(#""log_size":21,"log_root":"\#(log.root.hex)","known_size":30,"#))
    #expect(document.hasSuffix(#""lost_entries":9}"#))
    let store = try Store.open(at: restored, mapSize: 1 << 26)
    #expect(store.storeIdentifier != service.store.storeIdentifier)
    let origin = try #require(try RestoreOrigin.read(in: store))
    #expect(origin.store == service.store.storeIdentifier)
    #expect(origin.log == log)
    #expect(origin.lostEntries == 9)
    #expect(try AuditVerifier.verify(store).size == 1)
    let keyring = try KeyringStore.open(
      in: store, source: FileKeySource(directory: service.directory + "/keys"))
    #expect(keyring.entries.map(\.identifier) == service.keyring.entries.map(\.identifier))
    #expect(keyring.generation == service.keyring.generation + 1)
    let made = try #require(try store.read { try BackupRecord.all(in: $0) }.first)
    #expect(made.state == .unfinished)
    #expect(service.keyring.entries.allSatisfy { made.needs(key: $0.identifier) })
    #expect(!made.needs(key: KeyIdentifier(1)), "a key that came after the restoration")
  }

  @Test func `a log that is not the one that was known is refused`() throws {
    _ = try run(BackUpStore(to: backup, note: .none))
    let whole = try #require(try records.first?.log)
    var frontier = MerkleFrontier()
    #expect(try restore("0:\(frontier.root.hex)").contains(#""lost_entries":0"#))
    for line in try service.lines(from: 0).prefix(7) {
      frontier.append(MerkleHash.leaf(Array(line.utf8).rawSpan))
    }
    for (known, isRight) in [
      ("7:\(frontier.root.hex)", true), ("8:\(frontier.root.hex)", false),
      ("7:\(whole.root.hex)", false), ("21:\(whole.root.hex)", true),
    ] {
      TemporaryDirectory.removeAll(restored)
      if isRight {
        _ = try restore(known)
      } else {
        #expect(throws: AdministrationError.self, "\(known)") { try restore(known) }
        #expect(!exists(restored))
      }
    }
  }

  @Test func `nothing is restored over a directory with something in it`() throws {
    _ = try run(BackUpStore(to: backup, note: .none))
    _ = try restore()
    #expect(throws: AdministrationError.self) { try restore() }
    TemporaryDirectory.removeAll(restored)
    // What a restoration that was cut off leaves behind is in nobody's way.
    #expect(unsafe mkdir(restored, 0o700) == 0)
    for name in ["lock", "cards.mdb.new"] { close(unsafe creat("\(restored)/\(name)", 0o600)) }
    _ = try restore()
  }

  @Test func `another key, a damaged file or a changed log is refused and leaves nothing`() throws {
    _ = try run(BackUpStore(to: backup, note: .none))
    let kek = service.keyring.keyEncryptionKeyIdentifier
    let other = KeyEncryptionKey(kek, try KeyEncryptionKey.makeSecret())
    #expect(throws: KeyringError.keyringDoesNotOpen(kek)) { try restore(key: other) }
    #expect(unsafe truncate(backup, 8_192) == 0)
    #expect(throws: StorageError.truncated(file: backup)) { try restore() }
    unsafe unlink(backup)
    let seventh = UInt64(7).bigEndianBytes
    let line = Array(#"{"seq":7}"#.utf8)
    try service.store.write {
      try $0.put(key: seventh.rawSpan, value: line.rawSpan, in: .audit)
    }
    #expect(try run(BackUpStore(to: backup, note: .none)).contains(#"{"name":"log-changed","#))
    #expect(throws: AdministrationError.self) { try restore() }
    #expect(!exists(restored))
  }
}

@Suite("Work that is watched")
struct WatchedWorkTests {
  @Test("tells how far it is, and gives its result")
  func result() throws {
    let seen = Mutex<[AdminPart]>([])
    let step = Mutex(0)
    let result = try WatchedWork.run(into: { part in
      seen.withLock { $0.append(part) }
      step.withLock { $0 += 1 }
    }) { progress in
      progress.begin(500..<1_000)
      progress.report(1, of: 2)
      while step.withLock({ $0 }) == 0 { sched_yield() }
      return 42
    }
    #expect(result == 42)
    #expect(seen.withLock { $0.last } == .progress(done: 750, total: 1_000))
  }

  @Test("is told when nobody waits for it, and ends before who asked goes on")
  func givingUp() {
    struct Gone: Error {}
    let hasEnded = Mutex(false)
    #expect(throws: Gone.self) {
      try WatchedWork.run(into: { _ in throw Gone() }) { progress in
        while progress.report(1, of: 2) { sched_yield() }
        hasEnded.withLock { $0 = true }
      }
    }
    #expect(hasEnded.withLock { $0 })
  }

  @Test("throws what it threw")
  func failure() {
    #expect(throws: StorageError.full) {
      try WatchedWork.run(into: { _ in }) { _ in throw StorageError.full }
    }
  }
}
