import Testing

@testable import cadenas

/// What `status` and `check` say of damage, in the same words.
@Suite struct StoreHealthTests {
  private func health(_ damaged: Int, losses: Int, failedWrites: Int) throws -> StoreHealth {
    let text = """
      {"store_check":{"damaged":\(damaged),"second_tokens":\(losses)},
       "index":{"losses":\(losses),"last_loss":"a page","left_out":\(damaged),
       "failed_writes":\(failedWrites),"last_failure":"a disk"}}
      """
    return StoreHealth(try DocumentView(Array(text.utf8)))
  }

  @Test func `where nothing is known, nothing is said`() throws {
    #expect(try health(0, losses: 0, failedWrites: 0).facts.isEmpty)
    #expect(StoreHealth(try DocumentView(Array("{}".utf8))).facts.isEmpty)
  }

  @Test func `each fact is a finding and a line, in the same words`() throws {
    let health = try health(3, losses: 2, failedWrites: 1)
    #expect(
      health.findings.map(\.text) == [
        "store damaged: 3 records or kept answers",
        "not in the index: 3 records that do not open; their cards may get a second token",
        "second tokens: 2 cards; see cadenas store verify",
        "index built anew: 2 times, last: a page", "index not written: 1 times, last: a disk",
      ])
    #expect(health.findings.map(\.severity) == [.error, .error, .warning, .warning, .warning])
    #expect(health.findings.allSatisfy { $0.remedy != nil })
    for (pair, finding) in zip(health.pairs, health.findings) {
      #expect(finding.text.hasPrefix(pair.name + ": "))
      #expect(pair.value.contains(finding.text.dropFirst(pair.name.count + 2)))
    }
  }
}
