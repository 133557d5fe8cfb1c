import AuditLog
import Bytes
import Cryptography
import Storage
import TestSupport
import Testing

@Suite("Checkpoints of the log")
struct CheckpointTests {
  private static let origin = "cadenas/0102030405060708090a0b0c0d0e0f10"

  private func key(_ number: UInt8 = 7) throws -> Ed25519PrivateKey {
    let seed = [UInt8](repeating: number, count: 32)
    return try Ed25519PrivateKey(seed: seed.rawSpan)
  }

  private func verifier(_ number: UInt8 = 7, name: String = origin) throws -> VerifierKey {
    try #require(VerifierKey(name: name, publicKey: try key(number).publicKey))
  }

  /// Signs what the log is, in a batch of its own.
  @discardableResult
  private func sign(
    _ temporary: TemporaryStore, _ log: AuditLog, stays: Bool = false, with number: UInt8 = 7,
    atMilliseconds: Int64 = Sample.time
  ) throws -> SignedCheckpoint {
    let signed = try SignedCheckpoint(
      signing: log.pendingCheckpoint(origin: Self.origin), with: try key(number))
    try temporary.store.write { transaction in
      try log.keep(signed, stays: stays, atMilliseconds: atMilliseconds, in: &transaction)
      try log.batchWillCommit(&transaction)
    }
    log.batchDidCommit()
    return signed
  }

  private func sizes(_ temporary: TemporaryStore) throws -> [UInt64] {
    try temporary.store.read { (transaction) throws(AuditError) in
      try KeptCheckpoints.rows(limit: 100, in: transaction).map(\.size)
    }
  }

  @Test("are written as C2SP defines them, and read again")
  func text() throws {
    let checkpoint = Checkpoint(origin: Self.origin, size: 20_852_163, root: .zero)
    let text = """
      \(Self.origin)
      20852163
      AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

      """
    #expect(checkpoint.text == text)
    #expect(try Checkpoint(parsing: text) == checkpoint)
    for wrong in [
      "", "\n", text + "extension\n", String(text.dropLast()),
      text.replacing("20852163", with: "+1"),
      text.replacing("20852163", with: "020852163"), text.replacing("AAA=", with: "AA=="),
      text.replacing(Self.origin, with: "two words"), text.replacing(Self.origin, with: ""),
      text.replacing("20852163", with: "99999999999999999999"),
    ] {
      #expect(throws: AuditError.self, "\(wrong)") { try Checkpoint(parsing: wrong) }
    }
  }

  @Test("count only with the signature of a key of their own log")
  func signatures() throws {
    let checkpoint = Checkpoint(origin: Self.origin, size: 1, root: .zero)
    let signed = try SignedCheckpoint(signing: checkpoint, with: try key())
    let read = try SignedCheckpoint(parsing: Array(signed.note.encoded.utf8))
    #expect(read == signed)
    #expect(try read.verified(by: [try verifier(8), try verifier()]) == verifier())
    #expect(throws: AuditError.self) { try read.verified(by: [try verifier(8)]) }
    #expect(throws: AuditError.self) { try read.verified(by: []) }
    let other = try verifier(name: "cadenas/ffffffffffffffffffffffffffffffff")
    #expect(throws: AuditError.self) { try read.verified(by: [other]) }
    let changed = signed.note.encoded.replacing("\n1\n", with: "\n2\n")
    let forged = try SignedCheckpoint(parsing: Array(changed.utf8))
    #expect(throws: AuditError.self) { try forged.verified(by: [try verifier()]) }
  }

  @Test("stay one an hour, the newest, those that were asked for, and the last of each key")
  func thinned() throws {
    let temporary = try TemporaryStore()
    let log = try AuditLog(restoringFrom: temporary.store)
    #expect(!log.needsCheckpoint)
    let hour: Int64 = 3_600_000
    for (step, stays, number) in [
      (0, false, 7), (1, false, 7), (2, true, 7), (3, false, 7), (4, false, 7), (5, false, 8),
      (6, false, 8), (7, false, 8),
    ] as [(Int64, Bool, UInt8)] {
      try temporary.append(1, to: log)
      #expect(log.needsCheckpoint)
      let time = step < 7 ? Sample.time : Sample.time + hour
      let signed = try sign(temporary, log, stays: stays, with: number, atMilliseconds: time)
      #expect(!log.needsCheckpoint)
      #expect(log.committedCheckpoint == signed)
    }
    // 3 was asked for, 5 is the last of the first key, 7 the last of its hour, 8 the newest.
    #expect(try sizes(temporary) == [3, 5, 7, 8])
    let again = try AuditLog(restoringFrom: temporary.store)
    #expect(again.committedCheckpoint?.size == 8)
    try temporary.append(1, to: again)
    try sign(temporary, again)
    #expect(try sizes(temporary) == [3, 5, 7, 8, 9])
    #expect(
      try AuditVerifier.verify(
        temporary.store, trusting: .init(keys: [verifier(7), verifier(8)])
      ).signatures == 5)
  }

  @Test("that were asked for stay one a minute")
  func asked() throws {
    let temporary = try TemporaryStore()
    let log = try AuditLog(restoringFrom: temporary.store)
    for time in [Int64(0), 10_000, 59_000, 60_000, 125_000] {
      try temporary.append(1, to: log)
      try sign(temporary, log, stays: true, atMilliseconds: 1_800_000_000_000 + time)
    }
    #expect(try sizes(temporary) == [3, 4, 5])
  }

  @Test("are missed where entries of clients have gone without for more than a minute")
  func uncovered() throws {
    let temporary = try TemporaryStore()
    let log = try AuditLog(restoringFrom: temporary.store)
    try temporary.append(3, to: log)
    try sign(temporary, log)
    try temporary.append(2, to: log, atMilliseconds: Sample.time + 1_000)
    try temporary.append(1, to: log, atMilliseconds: Sample.time + 61_000)
    let trust = AuditVerifier.Trust(keys: [try verifier()])
    let result = try AuditVerifier.verify(temporary.store, trusting: trust)
    #expect(result.finding == nil)
    #expect(result.covered == 3)
    // Others write also while nobody can sign.
    try temporary.append(
      [AuditEntry(actor: "user:ann", operation: .storeBackup, outcome: .begun)], to: log,
      atMilliseconds: Sample.time + 61_001)
    #expect(try AuditVerifier.verify(temporary.store, trusting: trust).finding == nil)
    try temporary.append(1, to: log, atMilliseconds: Sample.time + 61_001)
    #expect(
      try AuditVerifier.verify(temporary.store, trusting: trust).finding
        == .init(sequence: 3, reason: .signatureMissing))
    // What is under a key that is none hides no checkpoint.
    try sign(temporary, log)
    #expect(try AuditVerifier.verify(temporary.store, trusting: trust).finding == nil)
    try temporary.put([UInt8](repeating: 0, count: 9), [1], in: .checkpoints)
    #expect(try AuditVerifier.verify(temporary.store, trusting: trust).finding != nil)
  }

  @Test("of a batch that is given up are as if they had never been")
  func aborted() throws {
    let temporary = try TemporaryStore()
    let log = try AuditLog(restoringFrom: temporary.store)
    try temporary.append(1, to: log)
    let first = try sign(temporary, log)
    struct GivenUp: Error {}
    #expect(throws: GivenUp.self) {
      try temporary.store.write { transaction in
        try log.append(Sample.entry(1), atMilliseconds: Sample.time, in: &transaction)
        let signed = try SignedCheckpoint(
          signing: log.pendingCheckpoint(origin: Self.origin), with: try key())
        try log.keep(signed, stays: false, atMilliseconds: Sample.time, in: &transaction)
        throw GivenUp()
      }
    }
    log.batchDidAbort()
    #expect(log.committedCheckpoint == first)
    #expect(!log.needsCheckpoint)
    #expect(try sizes(temporary) == [1])
  }

  @Test("are what the log has to go on from when it is taken up")
  func restart() throws {
    let temporary = try TemporaryStore()
    let log = try AuditLog(restoringFrom: temporary.store)
    try temporary.append(5, to: log)
    let frontier = try temporary.value(AuditLog.frontierKey, in: .meta)
    try temporary.append(5, to: log)
    try sign(temporary, log)
    #expect(throws: Never.self) { try AuditLog(restoringFrom: temporary.store) }
    let whole = try temporary.value(AuditLog.frontierKey, in: .meta)
    try temporary.put(AuditLog.frontierKey, frontier, in: .meta)
    #expect(throws: AuditError.self) { try AuditLog(restoringFrom: temporary.store) }
    try temporary.put(AuditLog.frontierKey, whole, in: .meta)
    var leaves = try temporary.value(UInt64(5).bigEndianBytes, in: .leaves)
    leaves[40] ^= 1
    try temporary.put(UInt64(5).bigEndianBytes, leaves, in: .leaves)
    #expect(throws: AuditError.self) { try AuditLog(restoringFrom: temporary.store) }
  }

  @Test("make a proof of an entry and of growth that stands alone")
  func proofs() throws {
    let temporary = try TemporaryStore()
    let log = try AuditLog(restoringFrom: temporary.store)
    try temporary.append(300, to: log)
    let old = try sign(temporary, log, stays: true)
    try temporary.append(400, to: log)
    let new = try sign(temporary, log)
    let keys = [try verifier()]
    let (entry, growth) = try temporary.store.read { transaction in
      let key = UInt64(77).bigEndianBytes
      guard let line = try transaction.get(key.rawSpan, in: .audit) else {
        throw AuditError.damaged("no entry")
      }
      return (
        EntryProof(
          line: line.array, sequence: 77,
          hashes: try LogTree.hashes(of: MerkleProof.inclusion(of: 77, in: 700), in: transaction),
          checkpoint: new),
        ConsistencyProof(
          oldSize: 300,
          hashes: try LogTree.hashes(
            of: MerkleProof.consistency(from: 300, to: 700), in: transaction), checkpoint: new)
      )
    }
    #expect(try EntryProof(parsing: Array(entry.text.utf8)) == entry)
    #expect(try entry.verified(by: keys).entry.token == "tok_77")
    #expect(try ConsistencyProof(parsing: Array(growth.text.utf8)) == growth)
    #expect(try growth.verified(from: old, by: keys) == keys[0])
    #expect(throws: AuditError.self) { try growth.verified(from: new, by: keys) }
    #expect(throws: AuditError.self) { try growth.verified(from: old, by: [try verifier(9)]) }
    // Whatever byte is changed, a proof is not read, or does not verify.
    for text in [Array(entry.text.utf8), Array(growth.text.utf8)] {
      for index in text.indices {
        var changed = text
        changed[index] ^= 1
        #expect(throws: AuditError.self, "byte \(index)") {
          if text.starts(with: "old".utf8) {
            _ = try ConsistencyProof(parsing: changed).verified(from: old, by: keys)
          } else {
            _ = try EntryProof(parsing: changed).verified(by: keys)
          }
        }
      }
    }
  }
}
