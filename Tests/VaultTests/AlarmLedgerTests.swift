import AccessPolicy
import AuditLog
import Testing

@testable import Ledgers
@testable import Tokenization
@testable import VaultCore
@testable import VaultManagement

private let second: UInt64 = 1_000_000_000

@Suite struct SubjectWindowsTests {
  @Test func `a window begins with a subject's first and ends after its length`() {
    var windows = SubjectWindows(seconds: 60)
    var firsts: [UInt64] = []
    for time in [10, 20, 69, 70, 71, 130] as [UInt64] {
      let count = windows.count("a", past: 1, at: time * second)
      if count.isFirstPast { firsts.append(time) }
    }
    #expect(firsts == [20, 71])
    #expect(windows.count("a", past: 9, at: 131 * second).number == 2)
    #expect(windows.count("b", past: 9, at: 131 * second).number == 1)
  }

  @Test func `a clock that another thread read a moment earlier ends no window`() {
    var windows = SubjectWindows(seconds: 1)
    #expect(windows.count("a", past: 9, at: 5 * second).number == 1)
    #expect(windows.count("a", past: 9, at: 5 * second - 1).number == 2)
  }

  @Test func `subjects without end cost no memory without end, and end no count`() {
    var windows = SubjectWindows(seconds: 60)
    _ = windows.count("victim", past: 2, at: 0)
    _ = windows.count("victim", past: 2, at: 1)
    var alarms = 0
    for number in 0..<20_000 as Range<UInt64> {
      let count = windows.count("made up \(number)", past: 2, at: 2 + number)
      if count.isFirstPast {
        alarms += 1
        #expect(count.subject == nil, "they are counted together")
      }
    }
    #expect(windows.size == SubjectWindows.most)
    #expect(alarms == 1)
    let third = windows.count("victim", past: 2, at: 30_000)
    #expect(third.number == 3 && third.isFirstPast, "the flood has not ended its count")
  }

  @Test func `ended windows make room`() {
    var windows = SubjectWindows(seconds: 1)
    for number in 0..<SubjectWindows.most { _ = windows.count("\(number)", past: 9, at: 0) }
    #expect(windows.count("new", past: 9, at: second - 1).subject == nil)
    #expect(windows.count("new", past: 9, at: 3 * second).subject == "new")
    #expect(windows.size == 1)
  }

  @Test func `what is taken back was never counted`() {
    var windows = SubjectWindows(seconds: 60)
    _ = windows.count("a", past: 1, at: 0)
    let past = windows.count("a", past: 1, at: 1)
    #expect(past.isFirstPast)
    windows.takeBack(past)
    #expect(windows.count("a", past: 1, at: 2).isFirstPast, "it is the first again")
    let alone = windows.count("b", past: 1, at: 2)
    windows.takeBack(alone)
    #expect(windows.size == 1)
    let old = windows.count("c", past: 9, at: 0)
    #expect(windows.count("c", past: 9, at: 61 * second).number == 1)
    windows.takeBack(old)
    #expect(windows.count("c", past: 9, at: 61 * second).number == 2, "of a window that is over")
  }
}

@Suite struct AlarmLedgerTests {
  private func entry(
    _ operation: AuditOperation = .delete, token: String? = nil, actor: String = "client"
  ) -> AuditEntry {
    AuditEntry(actor: AuditActor(actor), operation: operation, token: token, outcome: .refused)
  }

  @Test func `a honeytoken raises one alarm a second for each client`() {
    let ledger = AlarmLedger(
      rules: [AlarmRule(name: "h", honeytokens: true)], honeytokens: ["t", "u"])
    func note(_ token: String, _ actor: String, at time: UInt64) -> Int {
      ledger.note(entry(token: token, actor: actor), now: { time }).count
    }
    #expect(note("t", "a", at: 0) == 1)
    #expect(note("t", "a", at: second - 1) == 0)
    #expect(note("u", "a", at: second - 1) == 1)
    #expect(note("t", "b", at: second - 1) == 1)
    #expect(note("t", "a", at: second) == 1)
    #expect(note("x", "a", at: second) == 0)
  }

  @Test func `an operator who names a honeytoken raises none`() {
    let ledger = AlarmLedger(
      rules: [AlarmRule(name: "h", honeytokens: true)], honeytokens: ["t"])
    for operation in [AuditOperation.honeytokenAdd, .honeytokenRemove, .tokenize, .alarm] {
      #expect(ledger.note(entry(operation, token: "t"), now: { 0 }).isEmpty)
    }
    ledger.remove(honeytoken: "t")
    #expect(ledger.note(entry(token: "t"), now: { 0 }).isEmpty)
    ledger.add(honeytoken: "t")
    #expect(ledger.note(entry(token: "t"), now: { 0 }).count == 1)
  }

  @Test func `a batch that is given up leaves no count, and none waits`() {
    let ledger = AlarmLedger(
      rules: [AlarmRule(name: "two", threshold: 1, windowSeconds: 60)])
    for _ in 0..<3 {
      #expect(ledger.note(entry(), now: { 0 }).isEmpty)
      #expect(ledger.note(entry(), now: { 0 }).count == 1)
      ledger.batchDidAbort()
      ledger.noteCounted(entry(), from: .batch, now: { 0 })
      ledger.noteCounted(entry(), from: .batch, now: { 0 })
      ledger.batchDidAbort()
    }
    #expect(ledger.counts.map(\.raised) == [0])
    #expect(ledger.takeWaiting().isEmpty)
    ledger.noteCounted(entry(), from: .batch, now: { 0 })
    ledger.noteCounted(entry(), from: .batch, now: { 0 })
    #expect(ledger.takeWaiting().isEmpty, "not before the batch is durable")
    ledger.batchDidCommit()
    #expect(ledger.counts.map(\.raised) == [1])
    #expect(ledger.takeWaiting().count == 1)
  }

  @Test func `what other threads count stays when a batch is given up`() {
    let ledger = AlarmLedger(
      rules: [AlarmRule(name: "two", threshold: 1, windowSeconds: 60)])
    #expect(ledger.note(entry(), now: { 0 }).isEmpty)
    ledger.noteCounted(entry(), from: .outside, now: { 0 })
    ledger.batchDidAbort()
    #expect(ledger.counts.map(\.raised) == [1])
    #expect(ledger.note(entry(), now: { 0 }).isEmpty, "two are counted, and told")
  }

  @Test func `rules that change within a batch leave it sound`() {
    let rule = AlarmRule(name: "two", threshold: 1, windowSeconds: 60)
    let ledger = AlarmLedger(rules: [rule])
    _ = ledger.note(entry(), now: { 0 })
    ledger.update(rules: [AlarmRule(name: "other", keys: true)])
    ledger.batchDidAbort()
    ledger.update(rules: [rule, AlarmRule(name: "other", keys: true)])
    #expect(ledger.note(entry(), now: { 0 }).isEmpty)
    #expect(ledger.note(entry(), now: { 0 }).count == 1)
  }

  @Test func `alarms that cannot be written wait, as many as there is room for`() {
    let ledger = AlarmLedger(rules: [AlarmRule(name: "each", operations: [.delete])])
    for number in 0..<5_000 {
      ledger.noteCounted(entry(actor: "client \(number)"), from: .outside, now: { 0 })
    }
    let waiting = ledger.takeWaiting()
    #expect(waiting.count == AlarmLedger.mostWaiting)
    #expect(ledger.takeWaiting().isEmpty)
    ledger.putBack(waiting)
    #expect(ledger.takeWaiting() == waiting)
    #expect(ledger.counts.map(\.raised) == [5_000])
  }
}
