import AuditLog
import Bytes
import Cryptography
import Storage
import TestSupport
import Testing

@Suite("A log whose old entries are archived")
struct ArchiveTests {
  private static let origin = "cadenas/0102030405060708090a0b0c0d0e0f10"

  private func key() throws -> Ed25519PrivateKey {
    let seed = [UInt8](repeating: 7, count: 32)
    return try Ed25519PrivateKey(seed: seed.rawSpan)
  }

  private func verifier() throws -> VerifierKey {
    try #require(VerifierKey(name: Self.origin, publicKey: try key().publicKey))
  }

  /// 600 entries, of which every 50th is about a key; archived below 500 where `isTold`.
  private func archived(isTold: Bool = true) throws -> TemporaryStore {
    let temporary = try TemporaryStore()
    let log = try AuditLog(restoringFrom: temporary.store)
    var kept = KeptLines()
    for number in UInt64(0)..<600 {
      try temporary.store.write { transaction in
        var entry = Sample.entry(number)
        if number.isMultiple(of: 50) { entry.operation = .keysStatus }
        try log.append(entry, atMilliseconds: Sample.time, in: &transaction)
        if number == 499 || number == 599 {
          let signed = try SignedCheckpoint(
            signing: log.pendingCheckpoint(origin: Self.origin), with: try key())
          try log.keep(
            signed, stays: true, atMilliseconds: Sample.time + Int64(number) * 60_000,
            in: &transaction)
        }
        try log.batchWillCommit(&transaction)
      }
      log.batchDidCommit()
    }
    for number in stride(from: UInt64(0), to: 500, by: 50) {
      let line = try temporary.value(number.bigEndianBytes, in: .audit)
      kept.add(MerkleHash.leaf(line.rawSpan))
    }
    let mark = ArchiveMark(below: 500, kept: kept, created: 245, deleted: 0, export: .zero)
    try temporary.store.write { transaction in
      try mark.save(in: &transaction)
      try log.append(
        AuditEntry(
          actor: "user:ann", operation: isTold ? .auditArchive : .auditShow,
          outcome: .done, reason: mark.text),
        atMilliseconds: Sample.time, in: &transaction)
      let signed = try SignedCheckpoint(
        signing: log.pendingCheckpoint(origin: Self.origin), with: try key())
      try log.keep(signed, stays: true, atMilliseconds: Sample.time, in: &transaction)
      try log.batchWillCommit(&transaction)
    }
    for number in UInt64(0)..<500 where !number.isMultiple(of: 50) {
      try temporary.delete(number.bigEndianBytes, in: .audit)
    }
    return temporary
  }

  private func finding(_ temporary: TemporaryStore) throws -> AuditVerification.Finding? {
    try AuditVerifier.verify(temporary.store).finding
  }

  @Test("verifies as a whole, by the hashes of what is gone")
  func intact() throws {
    let result = try AuditVerifier.verify(
      try archived().store, trusting: .init(keys: [verifier()]))
    #expect(result.finding == nil)
    #expect(result.size == 601)
    #expect(result.archived == 490)
    #expect(result.signatures == 3)
  }

  @Test("says where a line is missing that was not archived")
  func missing() throws {
    for (sequence, reason) in [
      (UInt64(550), AuditVerification.Reason.entryMissing), (500, .entryMissing),
      (600, .entryMissing),
    ] {
      let temporary = try archived()
      try temporary.delete(sequence.bigEndianBytes, in: .audit)
      #expect(try finding(temporary) == .init(sequence: sequence, reason: reason))
    }
    // One about a key, which stays in the store.
    let temporary = try archived()
    try temporary.delete(UInt64(100).bigEndianBytes, in: .audit)
    #expect(try finding(temporary)?.reason == .archiveMismatch)
  }

  @Test("is not believed where no entry tells of it, or another archive")
  func untold() throws {
    #expect(
      try finding(archived(isTold: false)) == .init(sequence: 1, reason: .archiveMismatch))
    let temporary = try archived()
    try temporary.store.write { transaction in
      let mark = try #require(try ArchiveMark.read(in: transaction))
      try ArchiveMark(
        below: 550, kept: mark.kept, created: mark.created, deleted: 0, export: .zero
      ).save(in: &transaction)
    }
    for number in UInt64(500)..<550 { try temporary.delete(number.bigEndianBytes, in: .audit) }
    #expect(try finding(temporary)?.reason == .archiveMismatch)
  }

  @Test("is judged in the same way after a checkpoint that was kept")
  func since() throws {
    let temporary = try archived()
    let rows = try temporary.store.read { (transaction) throws(AuditError) in
      try KeptCheckpoints.rows(limit: 9, in: transaction)
    }
    let trust = AuditVerifier.Trust(
      since: try SignedCheckpoint(parsing: rows[1].note), keys: [try verifier()])
    #expect(rows[1].size == 600)
    #expect(try AuditVerifier.verify(temporary.store, trusting: trust).finding == nil)
    // Somebody says that more was archived than the log does.
    try temporary.store.write { transaction in
      try ArchiveMark(
        below: 601, kept: KeptLines(), created: 0, deleted: 0, export: .zero
      ).save(in: &transaction)
    }
    try temporary.delete(UInt64(600).bigEndianBytes, in: .audit)
    #expect(
      try AuditVerifier.verify(temporary.store, trusting: trust).finding
        == .init(sequence: 600, reason: .archiveMismatch))
  }

  @Test("still shows a hash that was changed, also of an entry that is gone")
  func changedHash() throws {
    let temporary = try archived()
    var leaf = try temporary.value(UInt64(7).bigEndianBytes, in: .leaves)
    leaf[0] ^= 1
    try temporary.put(UInt64(7).bigEndianBytes, leaf, in: .leaves)
    let finding = try #require(try finding(temporary))
    #expect(finding == .init(sequence: 0, reason: .nodeMismatch))
  }

  @Test("is exported with hashes in the place of lines, and those have to be told of")
  func export() throws {
    let temporary = try archived()
    let page = try ExportLines(temporary.store).page(from: 0, below: 601)
    let lines = page.bytes.split(separator: UInt8(ascii: "\n")).map(Array.init)
    #expect(lines.count == 601)
    #expect(lines[1].first == UInt8(ascii: "\""))
    let rows = try temporary.store.read { (transaction) throws(AuditError) in
      try KeptCheckpoints.rows(limit: 9, in: transaction)
    }
    let newest = try SignedCheckpoint(parsing: rows[2].note)
    func verify(_ lines: [[UInt8]]) throws -> AuditVerification {
      var verifier = ExportVerifier(
        newest, and: Array(rows.prefix(2)), trusting: [try verifier()])
      for line in lines { _ = try verifier.add(line.rawSpan) }
      return try verifier.finish()
    }
    #expect(try verify(lines).archived == 490)
    // A line that anybody has replaced by its hash, to hide what it says.
    for sequence in [50, 520, 600] {
      var hidden = lines
      let line = lines[sequence]
      hidden[sequence] = ExportVerifier.line(
        archived: MerkleHash.leaf(line.rawSpan))
      #expect(throws: AuditVerification.Finding(sequence: 1, reason: .archiveMismatch)) {
        try verify(hidden)
      }
    }
  }

  @Test("is told in an entry that holds it whole, and read again")
  func mark() {
    let mark = ArchiveMark(
      below: .max, kept: KeptLines(), created: .max, deleted: .max, export: .zero)
    #expect(mark.text.utf8.count <= AuditLimits.memberBytes)
    #expect(ArchiveMark(mark.text) == mark)
    #expect(ArchiveMark(mark.text + " ") == nil)
    #expect(ArchiveMark("below=1") == nil)
  }
}
