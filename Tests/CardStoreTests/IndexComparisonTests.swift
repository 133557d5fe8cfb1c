import Storage
import TestSupport
import Testing

@testable import CardStore

/// What a comparison of index and records says while others write.
@Suite struct IndexComparisonTests {
  @Test func `an index that was never written is as good as its records`() throws {
    let house = try CardHouse()
    #expect(try house.store.index.isProven)
    let tokens = try house.tokenize(customers: 0..<5)
    try house.reopen()
    #expect(try house.store.index.isProven)
    try house.expect(tokens, of: 0..<5)
  }

  @Test(arguments: [false, true])
  func `an index whose table goes meanwhile is not judged`(isRebuilt: Bool) throws {
    let house = try CardHouse()
    let tokens = try house.tokenize(customers: 0..<30)
    try house.reopen()
    let verifier = try CardVerifier(
      store: house.store, keyring: house.keyring, slots: house.slots)
    var isDone = false
    // Between the pages of the index and the records.
    let found = try verifier.verify(comparesIndex: true) { _ in
      if isDone { return true }
      isDone = true
      do {
        if isRebuilt {
          try house.store.index.condemn("a test")
          try house.store.replaceIndex()
        } else {
          try house.rotate()
          #expect(try house.scan().run { _ in } == 0)
          try house.endRotation()
          try FingerprintScan.clearUnusedTable(store: house.store, keyring: house.keyring)
        }
      } catch { Issue.record(error) }
      return true
    }
    #expect(isDone && found.isComplete && found.records == 30)
    #expect(found.missingFromIndex == nil && found.isIndexSound)
    if !isRebuilt { try house.expect(tokens, of: 0..<30) }
  }
}
