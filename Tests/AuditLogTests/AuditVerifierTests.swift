import AuditLog
import Bytes
import Cryptography
import Storage
import TestSupport
import Testing

@Suite("Verifying the audit log")
struct AuditVerifierTests {
  /// A log of 20 entries in batches of 5.
  private func filled() throws -> TemporaryStore {
    let temporary = try TemporaryStore()
    let log = try AuditLog(restoringFrom: temporary.store)
    for _ in 0..<4 { try temporary.append(5, to: log) }
    return temporary
  }

  private func key(_ sequence: UInt64) -> [UInt8] { sequence.bigEndianBytes }

  private func expect(
    _ temporary: TemporaryStore, _ sequence: UInt64, _ reason: AuditVerification.Reason,
    _ comment: Comment? = nil, location: SourceLocation = #_sourceLocation
  ) throws {
    let result = try AuditVerifier.verify(temporary.store)
    #expect(
      result.finding == .init(sequence: sequence, reason: reason), comment,
      sourceLocation: location)
    #expect(result.root == nil, sourceLocation: location)
  }

  @Test("gives size and root of a log that nobody changed")
  func unchanged() throws {
    let temporary = try filled()
    let result = try AuditVerifier.verify(temporary.store)
    #expect(result.finding == nil)
    #expect(result.size == 20)
    #expect(result.root != nil)
  }

  @Test("passes an empty log")
  func empty() throws {
    let result = try AuditVerifier.verify(TemporaryStore().store)
    #expect(result.finding == nil)
    #expect(result.size == 0)
  }

  @Test("goes on over chunks and batches, and tells how far it is")
  func chunks() throws {
    let temporary = try TemporaryStore()
    let log = try AuditLog(restoringFrom: temporary.store)
    for _ in 0..<9 { try temporary.append(1_001, to: log) }
    var steps: [UInt64] = []
    let result = try AuditVerifier.verify(temporary.store) { done, total in
      #expect(total == 9_009)
      steps.append(done)
      return true
    }
    #expect(result.finding == nil)
    #expect(steps == [4_096, 8_192, 9_009])
  }

  @Test("finds a bit that was flipped anywhere in a line", arguments: [UInt64(0), 7, 19])
  func flippedLine(sequence: UInt64) throws {
    let temporary = try filled()
    let line = try temporary.value(key(sequence), in: .audit)
    for index in line.indices {
      var changed = line
      changed[index] ^= 1
      try temporary.put(key(sequence), changed, in: .audit)
      let finding = try AuditVerifier.verify(temporary.store).finding
      #expect(finding?.sequence == sequence, "byte \(index)")
    }
    try temporary.put(key(sequence), line, in: .audit)
    #expect(try AuditVerifier.verify(temporary.store).finding == nil)
  }

  @Test("finds an outcome that was rewritten")
  func rewritten() throws {
    let temporary = try filled()
    let line = try temporary.line(6).split(separator: "created").joined(separator: "refused")
    try temporary.put(key(6), Array(line.utf8), in: .audit)
    try expect(temporary, 6, .hashMismatch)
  }

  @Test("finds a line that is no longer JSON")
  func malformed() throws {
    let temporary = try filled()
    try temporary.put(key(3), Array("not json".utf8), in: .audit)
    try expect(temporary, 3, .entryMalformed)
  }

  @Test("finds an entry that was deleted, in the middle and at the end")
  func deleted() throws {
    for sequence in [UInt64(0), 11, 19] {
      let temporary = try filled()
      try temporary.delete(key(sequence), in: .audit)
      try expect(temporary, sequence, .entryMissing)
    }
  }

  @Test("finds two entries that were swapped")
  func swapped() throws {
    let temporary = try filled()
    let first = try temporary.value(key(4), in: .audit)
    try temporary.put(key(4), temporary.value(key(9), in: .audit), in: .audit)
    try temporary.put(key(9), first, in: .audit)
    try expect(temporary, 4, .sequenceMismatch)
  }

  @Test("finds an entry that was inserted, after the end, between two and before the first")
  func inserted() throws {
    let temporary = try filled()
    let line = try temporary.value(key(19), in: .audit)
    try temporary.put(key(20), line, in: .audit)
    try expect(temporary, 20, .entryUnexpected, "after the end")
    try temporary.delete(key(20), in: .audit)
    try temporary.put(key(12) + [0], line, in: .audit)
    try expect(temporary, 13, .entryUnexpected, "between two")
    try temporary.delete(key(12) + [0], in: .audit)
    try temporary.put([0], line, in: .audit)
    try expect(temporary, 0, .entryUnexpected, "before the first")
  }

  @Test("finds an entry that was inserted where one snapshot ends and the next begins")
  func insertedBetweenChunks() throws {
    let temporary = try TemporaryStore()
    try temporary.append(5_000, to: AuditLog(restoringFrom: temporary.store))
    try temporary.put(key(4_095) + [9], Array("{}".utf8), in: .audit)
    try expect(temporary, 4_096, .entryUnexpected)
  }

  @Test("finds that the end was cut off, with the frontier as it was")
  func truncated() throws {
    let temporary = try filled()
    for sequence in UInt64(15)..<20 { try temporary.delete(key(sequence), in: .audit) }
    try expect(temporary, 15, .entryMissing)
    try temporary.delete(key(15), in: .leaves)
    try expect(temporary, 15, .entryMissing)
  }

  @Test("finds noted hashes that were changed, shortened, moved or removed")
  func hashes() throws {
    let temporary = try filled()
    let row = try temporary.value(key(5), in: .leaves)
    var changed = row
    changed[2 * 32 + 5] ^= 0x80
    try temporary.put(key(5), changed, in: .leaves)
    try expect(temporary, 7, .hashMismatch)
    try temporary.put(key(5), Array(row.dropLast(32)), in: .leaves)
    try expect(temporary, 9, .hashMissing)
    try temporary.put(key(5), row.dropLast(1) + [], in: .leaves)
    try expect(temporary, 5, .hashMissing)
    try temporary.delete(key(5), in: .leaves)
    try temporary.put(key(6), row, in: .leaves)
    try expect(temporary, 5, .hashMissing)
    try temporary.delete(key(6), in: .leaves)
    try expect(temporary, 5, .hashMissing)
    try temporary.put(key(5), row, in: .leaves)
    try temporary.put(key(20), row, in: .leaves)
    try expect(temporary, 20, .hashMissing, "beyond the end")
  }

  @Test("finds a line that was changed together with its noted hash, by the tree")
  func consistentChange() throws {
    let temporary = try filled()
    let line = try temporary.line(17).split(separator: "existing").joined(separator: "refused")
    let bytes = Array(line.utf8)
    try temporary.put(key(17), bytes, in: .audit)
    var row = try temporary.value(key(15), in: .leaves)
    row.replaceSubrange(64..<96, with: MerkleHash.leaf(bytes.rawSpan).bytes)
    try temporary.put(key(15), row, in: .leaves)
    // 20 leaves are trees of 16 and 4: the second one begins at 16.
    try expect(temporary, 16, .treeMismatch)
  }

  @Test("finds a frontier that was changed or removed")
  func frontier() throws {
    let temporary = try filled()
    let frontier = try temporary.value(AuditLog.frontierKey, in: .meta)
    var changed = frontier
    changed[8] ^= 1
    try temporary.put(AuditLog.frontierKey, changed, in: .meta)
    try expect(temporary, 0, .treeMismatch)
    try temporary.put(AuditLog.frontierKey, [1, 2, 3], in: .meta)
    try expect(temporary, 0, .frontierUnreadable)
    try temporary.delete(AuditLog.frontierKey, in: .meta)
    try expect(temporary, 0, .entryUnexpected)
  }

  @Test("does not mind entries that are written meanwhile")
  func growing() throws {
    let temporary = try TemporaryStore()
    let log = try AuditLog(restoringFrom: temporary.store)
    try temporary.append(6_000, to: log)
    var failures: [any Error] = []
    let result = try AuditVerifier.verify(temporary.store) { _, _ in
      do { try temporary.append(10, to: log) } catch { failures.append(error) }
      return true
    }
    #expect(failures.isEmpty)
    #expect(result.finding == nil)
    #expect(result.size == 6_000)
    #expect(log.committedSize == 6_020)
  }

  // MARK: - Checkpoints

  private static let origin = "cadenas/0102030405060708090a0b0c0d0e0f10"

  private func key() throws -> Ed25519PrivateKey {
    let seed = [UInt8](repeating: 7, count: 32)
    return try Ed25519PrivateKey(seed: seed.rawSpan)
  }

  /// A log of 20 entries with kept checkpoints of 10 and 20, and the first of them.
  private func checkpointed() throws -> (TemporaryStore, SignedCheckpoint) {
    let temporary = try TemporaryStore()
    let log = try AuditLog(restoringFrom: temporary.store)
    var kept: [SignedCheckpoint] = []
    for _ in 0..<2 {
      try temporary.append(10, to: log)
      try temporary.store.write { transaction in
        let signed = try SignedCheckpoint(
          signing: log.pendingCheckpoint(origin: Self.origin), with: try key())
        try log.keep(
          signed, stays: true, atMilliseconds: Sample.time + Int64(signed.size) * 60_000,
          in: &transaction)
        kept.append(signed)
      }
      log.batchDidCommit()
    }
    return (temporary, kept[0])
  }

  @Test("looks at what came after a checkpoint that was kept, and at that alone")
  func since() throws {
    let (temporary, kept) = try checkpointed()
    let result = try AuditVerifier.verify(temporary.store, trusting: .init(since: kept))
    #expect(result.finding == nil)
    #expect(result.since == 10)
    #expect(result.checkpoints == 2)
    let line = try temporary.line(3).replacing("tok_3", with: "tok_4")
    try temporary.put(key(3), Array(line.utf8), in: .audit)
    #expect(
      try AuditVerifier.verify(temporary.store, trusting: .init(since: kept)).finding == nil)
    try expect(temporary, 3, .hashMismatch)
  }

  @Test("finds a log that was rolled back to before a checkpoint that was kept")
  func rolledBack() throws {
    let (temporary, kept) = try checkpointed()
    let old = try TemporaryStore()
    try old.append(7, to: try AuditLog(restoringFrom: old.store))
    #expect(
      try AuditVerifier.verify(old.store, trusting: .init(since: kept)).finding
        == .init(sequence: 7, reason: .logShortened))
    _ = temporary
  }

  @Test("finds a log that was written anew, with everything that belongs to it")
  func writtenAnew() throws {
    let (_, kept) = try checkpointed()
    let other = try TemporaryStore()
    let log = try AuditLog(restoringFrom: other.store)
    try other.append(20, to: log, atMilliseconds: Sample.time + 1)
    #expect(try AuditVerifier.verify(other.store).finding == nil)
    #expect(
      try AuditVerifier.verify(other.store, trusting: .init(since: kept)).finding
        == .init(sequence: 0, reason: .checkpointMismatch))
  }

  @Test("finds a kept checkpoint that was changed, by its tree or its signature")
  func changedCheckpoint() throws {
    let (temporary, kept) = try checkpointed()
    let trust = AuditVerifier.Trust(
      keys: [try #require(VerifierKey(name: Self.origin, publicKey: key().publicKey))])
    let forged = try SignedCheckpoint(
      signing: Checkpoint(origin: Self.origin, size: 10, root: .zero), with: try key())
    try temporary.put(key(10), Array(forged.note.encoded.utf8), in: .checkpoints)
    try expect(temporary, 0, .checkpointMismatch)
    var note = Array(kept.note.encoded.utf8)
    note[note.count - 9] ^= 1
    try temporary.put(key(10), note, in: .checkpoints)
    #expect(
      try AuditVerifier.verify(temporary.store, trusting: trust).finding
        == .init(sequence: 9, reason: .checkpointInvalid))
    try temporary.put(key(10), Array("nothing".utf8), in: .checkpoints)
    try expect(temporary, 9, .checkpointInvalid)
    try temporary.delete(key(10), in: .checkpoints)
    #expect(try AuditVerifier.verify(temporary.store, trusting: trust).signatures == 1)
    // Where a line was changed too, that comes first.
    try temporary.put(key(20), Array("nothing".utf8), in: .checkpoints)
    let line = try temporary.line(3).replacing("tok_3", with: "tok_4")
    try temporary.put(key(3), Array(line.utf8), in: .audit)
    try expect(temporary, 3, .hashMismatch)
  }
}
