import AuditLog
import Bytes
import Storage
import TestSupport
import Testing

@Suite("The audit log")
struct AuditLogTests {
  @Test("numbers entries from zero and puts each under its number")
  func sequence() throws {
    let temporary = try TemporaryStore()
    let log = try AuditLog(restoringFrom: temporary.store)
    try temporary.append(3, to: log)
    #expect(log.committedSize == 3)
    #expect(try temporary.line(0).hasPrefix(#"{"seq":0,"time":"2026-11-23T18:43:25.123Z","#))
    #expect(try temporary.line(2).hasPrefix(#"{"seq":2,"#))
  }

  @Test("is taken up again where it ended")
  func restored() throws {
    let temporary = try TemporaryStore()
    try temporary.append(5, to: AuditLog(restoringFrom: temporary.store))
    let again = try AuditLog(restoringFrom: temporary.store)
    #expect(again.committedSize == 5)
    try temporary.append(6, to: again)

    let straight = try TemporaryStore()
    try straight.append(11, to: AuditLog(restoringFrom: straight.store))
    let root = try AuditVerifier.verify(temporary.store).root
    #expect(root != nil)
    #expect(try AuditVerifier.verify(straight.store).root == root)
  }

  @Test("is what it was before when a batch is aborted, and takes the batch again")
  func aborted() throws {
    struct Stop: Error {}
    let temporary = try TemporaryStore()
    let log = try AuditLog(restoringFrom: temporary.store)
    try temporary.append(2, to: log)
    #expect(throws: Stop.self) {
      try temporary.store.write { transaction in
        for number in 0..<3 {
          try log.append(
            Sample.entry(UInt64(number)), atMilliseconds: Sample.time + 5_000, in: &transaction)
        }
        try log.batchWillCommit(&transaction)
        throw Stop()
      }
    }
    log.batchDidAbort()
    #expect(log.committedSize == 2)
    #expect(log.pendingSize == 2)
    try temporary.append(3, to: log)
    #expect(log.committedSize == 5)
    let result = try AuditVerifier.verify(temporary.store)
    #expect(result.finding == nil)
    #expect(result.size == 5)
  }

  @Test("notes a clock that went backwards once, and goes on")
  func backwards() throws {
    let temporary = try TemporaryStore()
    let log = try AuditLog(restoringFrom: temporary.store)
    try temporary.append(1, to: log)
    try temporary.append(2, to: log, atMilliseconds: Sample.time - 60_000)
    #expect(log.committedSize == 4)
    #expect(
      try temporary.line(1) == """
        {"seq":1,"time":"2026-11-23T18:42:25.123Z","actor":"system","operation":"clock",\
        "outcome":"backwards"}
        """)
    #expect(try temporary.line(2).contains(#""operation":"tokenize""#))
  }

  @Test("notes a clock that went backwards while the service was not running")
  func backwardsAfterRestart() throws {
    let temporary = try TemporaryStore()
    try temporary.append(1, to: AuditLog(restoringFrom: temporary.store))
    let again = try AuditLog(restoringFrom: temporary.store)
    try temporary.append(1, to: again, atMilliseconds: Sample.time - 60_000)
    #expect(again.committedSize == 3)
  }

  @Test("does not note a time within the tolerance")
  func tolerance() throws {
    let temporary = try TemporaryStore()
    let log = try AuditLog(restoringFrom: temporary.store)
    try temporary.append(1, to: log)
    try temporary.append(
      1, to: log, atMilliseconds: Sample.time - AuditLimits.clockToleranceMilliseconds)
    #expect(log.committedSize == 2)
  }

  @Test("is not taken up when its last entry or its frontier is missing")
  func damaged() throws {
    let temporary = try TemporaryStore()
    try temporary.append(4, to: AuditLog(restoringFrom: temporary.store))
    let last = try temporary.value(UInt64(3).bigEndianBytes, in: .audit)
    try temporary.delete(UInt64(3).bigEndianBytes, in: .audit)
    #expect(throws: AuditError.damaged("the last entry is missing")) {
      try AuditLog(restoringFrom: temporary.store)
    }
    try temporary.put(UInt64(3).bigEndianBytes, last, in: .audit)
    try temporary.delete(AuditLog.frontierKey, in: .meta)
    #expect(throws: AuditError.damaged("there are entries and no frontier")) {
      try AuditLog(restoringFrom: temporary.store)
    }
  }
}
