import AuditLog
import Storage
import TestSupport
import Testing

@Suite("Reading the audit log")
struct AuditReaderTests {
  private func filled() throws -> TemporaryStore {
    let temporary = try TemporaryStore()
    let log = try AuditLog(restoringFrom: temporary.store)
    for batch in 0..<4 {
      try temporary.append(5, to: log, atMilliseconds: Sample.time + Int64(batch) * 1_000)
    }
    return temporary
  }

  private func sequences(_ page: AuditPage) -> [Int] {
    String(decoding: page.lines, as: UTF8.self).split(separator: "\n").compactMap { line in
      line.dropFirst(7).split(separator: ",").first.flatMap { Int($0) }
    }
  }

  @Test("gives pages that follow each other")
  func pages() throws {
    let temporary = try filled()
    let reader = AuditReader(temporary.store)
    #expect(try reader.size() == 20)
    let first = try reader.page(limit: 8)
    #expect(sequences(first) == Array(0..<8))
    #expect(first.next == 8)
    let last = try reader.page(from: 16, limit: 8)
    #expect(sequences(last) == Array(16..<20))
    #expect(last.next == nil)
  }

  @Test("gives the newest first when reversed")
  func reversed() throws {
    let temporary = try filled()
    let page = try AuditReader(temporary.store).page(reversed: true, limit: 3)
    #expect(sequences(page) == [19, 18, 17])
    #expect(page.next == 16)
    let rest = try AuditReader(temporary.store).page(from: 16, reversed: true)
    #expect(sequences(rest) == Array((0...16).reversed()))
  }

  @Test("gives lines as they were written")
  func lines() throws {
    let temporary = try filled()
    let page = try AuditReader(temporary.store).page(from: 4, limit: 1)
    #expect(String(decoding: page.lines, as: UTF8.self) == (try temporary.line(4)) + "\n")
  }

  @Test("filters by payment, acquirer, request, and by what a reason holds")
  func detailFilters() throws {
    let temporary = try TemporaryStore()
    let log = try AuditLog(restoringFrom: temporary.store)
    func entry(_ acquirer: String?, _ payment: String?, _ reason: String?, _ request: String)
      -> AuditEntry
    {
      AuditEntry(
        actor: "spiffe://shop.example/checkout", operation: .detokenize, acquirer: acquirer,
        paymentIdentifier: payment, outcome: .notSent, reason: reason, requestIdentifier: request)
    }
    try temporary.append(
      [
        entry("north", "pay_1", "connect-failed", "req-1"),
        entry("north", "pay_2", "ticket=CHG-7 reason=\"a\\b\" é", "req-2"),
        entry("south", "pay_3", nil, "connect-failed"),
      ], to: log, atMilliseconds: Sample.time)
    let reader = AuditReader(temporary.store)
    func found(_ change: (inout AuditFilter) -> Void) throws -> [Int] {
      var filter = AuditFilter()
      change(&filter)
      return sequences(try reader.page(filter: filter))
    }
    #expect(try found { $0.acquirer = "north" } == [0, 1])
    #expect(try found { $0.payment = "pay_2" } == [1])
    #expect(try found { $0.payment = "pay_" } == [])
    #expect(try found { $0.request = "req-1" } == [0])
    // It stands in the third too, as another member.
    #expect(try found { $0.reason = "connect-failed" } == [0])
    #expect(try found { $0.reason = "connect" } == [0])
    #expect(try found { $0.reason = "=\"a\\b\" é" } == [1])
    #expect(
      try found {
        $0.reason = "ticket=CHG-7"; $0.acquirer = "south"
      } == [])
  }

  @Test("filters by members and by time")
  func filters() throws {
    let temporary = try filled()
    let reader = AuditReader(temporary.store)
    func found(_ change: (inout AuditFilter) -> Void) throws -> [Int] {
      var filter = AuditFilter()
      change(&filter)
      return sequences(try reader.page(filter: filter))
    }
    #expect(try found { $0.token = "tok_7" } == [7])
    #expect(try found { $0.token = "tok_" } == [])
    #expect(try found { $0.outcome = "existing" } == [1, 3, 5, 7, 9, 11, 13, 15, 17, 19])
    #expect(try found { $0.merchant = "other-shop" } == [])
    #expect(try found { $0.actor = "spiffe://shop.example/checkout" }.count == 20)
    #expect(try found { $0.fromMilliseconds = Sample.time + 3_000 } == Array(15..<20))
    #expect(try found { $0.toMilliseconds = Sample.time + 1_000 } == Array(0..<5))
    #expect(
      try found {
        $0.fromMilliseconds = Sample.time + 1
        $0.toMilliseconds = Sample.time + 1_001
        $0.outcome = "created"
      } == [6, 8])
  }

  @Test("counts what passes a filter before a sequence")
  func counts() throws {
    let temporary = try filled()
    var filter = AuditFilter()
    filter.outcome = "created"
    #expect(try AuditReader(temporary.store).count(below: 20, filter: filter) == 10)
    #expect(try AuditReader(temporary.store).count(below: 7, filter: filter) == 4)
  }

  @Test("a filter's value is not mistaken for another member's text")
  func exactness() throws {
    let temporary = try TemporaryStore()
    let log = try AuditLog(restoringFrom: temporary.store)
    try temporary.store.write { transaction in
      let entry = AuditEntry(
        actor: "a", operation: .serve, outcome: .done, reason: #"","token":"tok_1","#)
      try log.append(entry, atMilliseconds: Sample.time, in: &transaction)
      try log.batchWillCommit(&transaction)
    }
    log.batchDidCommit()
    var filter = AuditFilter()
    filter.token = "tok_1"
    #expect(try AuditReader(temporary.store).page(filter: filter).count == 0)
  }
}
