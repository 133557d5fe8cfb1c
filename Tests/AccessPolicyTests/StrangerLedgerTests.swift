import Testing

@testable import AccessPolicy

@Suite struct StrangerLedgerTests {
  private let minute: UInt64 = 60_000_000_000

  @Test func anAddressHasAFewEntriesAMinuteAndIsCountedThen() {
    let ledger = StrangerLedger()
    let decisions = (0..<10).map { ledger.record(address: "192.0.2.1", now: UInt64($0)) }
    #expect(decisions.count { $0 == .store } == StrangerLedger.storedByAddress)
    #expect(ledger.record(address: "192.0.2.2", now: 20) == .store, "another has its own")
    let counted = ledger.flush(now: 2 * minute)
    #expect(counted.map(\.client) == ["192.0.2.1"] && counted.map(\.count) == [4])
    #expect(ledger.flush(now: 3 * minute).isEmpty)
  }

  @Test func allTogetherHaveSixtyAMinute() {
    let ledger = StrangerLedger()
    let stored = (0..<1_000).count { ledger.record(address: "a\($0)", now: 1) == .store }
    #expect(stored == StrangerLedger.storedPerMinute)
    let counted = ledger.flush(now: 2 * minute)
    #expect(counted.reduce(0) { $0 + $1.count } == 1_000 - stored, "none is lost")
  }

  @Test func soManyAddressesAreToldApartAndTheOthersAreOne() {
    let ledger = StrangerLedger()
    for number in 0..<(2 * StrangerLedger.mostAddresses) {
      _ = ledger.record(address: "a\(number)", now: 1)
    }
    let counted = ledger.flush(now: 2 * minute)
    #expect(counted.count == StrangerLedger.mostNamed + 1)
    #expect(counted.contains { $0.client == StrangerLedger.others && $0.count >= 8_000 })
  }
}
