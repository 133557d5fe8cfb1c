import Testing

@testable import AccessPolicy

@Suite struct RefusalLedgerTests {
  let second: UInt64 = 1_000_000_000
  let ledger = RefusalLedger(storedPerMinute: 60)

  private func stored(_ count: Int, _ client: String, now: UInt64) -> Int {
    (0..<count).count { _ in ledger.record(client: client, now: now) == .store }
  }

  @Test func `the first sixty in a minute are stored and the others counted`() {
    #expect(stored(100, "shop", now: 0) == 60)
    #expect(stored(5, "shop", now: 59 * second) == 0)
    #expect(ledger.flush(now: 60 * second) == [.init(client: "shop", count: 45)])
  }

  @Test func `a minute that has not ended is not flushed`() {
    #expect(stored(61, "shop", now: 0) == 60)
    #expect(ledger.flush(now: 60 * second - 1).isEmpty)
    #expect(ledger.flush(now: 60 * second) == [.init(client: "shop", count: 1)])
  }

  @Test func `a count is given once`() {
    #expect(stored(61, "shop", now: 0) == 60)
    #expect(ledger.flush(now: .max).count == 1)
    #expect(ledger.flush(now: .max).isEmpty)
  }

  @Test func `a client that stays below the limit gives no entry`() {
    #expect(stored(60, "shop", now: 0) == 60)
    #expect(ledger.flush(now: .max).isEmpty)
  }

  @Test func `the next minute stores again and keeps the count of the one before`() {
    #expect(stored(70, "shop", now: 0) == 60)
    #expect(stored(63, "shop", now: 60 * second) == 60)
    #expect(ledger.flush(now: 61 * second) == [.init(client: "shop", count: 10)])
    #expect(ledger.flush(now: 120 * second) == [.init(client: "shop", count: 3)])
  }

  @Test func `clients are counted apart`() {
    #expect(stored(61, "b", now: 0) == 60)
    #expect(stored(62, "a", now: second) == 60)
    #expect(
      ledger.flush(now: .max) == [.init(client: "a", count: 2), .init(client: "b", count: 1)])
  }

  @Test func `one for which there is no room is counted, and takes no other's place`() {
    for _ in 0..<3 { #expect(ledger.record(client: "a", storing: false, now: 0) == .count) }
    #expect(stored(61, "a", now: 0) == 60)
    #expect(ledger.flush(now: .max) == [.init(client: "a", count: 4)])
  }
}
