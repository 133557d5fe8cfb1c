import Testing

@testable import Ledgers
@testable import Tokenization
@testable import VaultCore
@testable import VaultManagement

@Suite struct PlaceTableTests {
  /// Digests of few different ends meet as often as they can, and halves are the same.
  @Test(arguments: [UInt64(3), 64, .max >> 8], [UInt64(8), 30])
  func `it holds what a dictionary holds`(range: UInt64, shift: UInt64) {
    var random = SystemRandomNumberGenerator()
    var table = PlaceTable()
    var digests: [Int32: UInt64] = [:]
    var plain: [UInt64: Int32] = [:]
    for step in 0..<20_000 {
      let digest = UInt64.random(in: 0...range, using: &random) << shift
      let found = table.find(digest) { digests[$0] == digest }
      #expect(found == plain[digest])
      if let place = plain[digest] {
        if step.isMultiple(of: 2) {
          table.remove(place, under: digest)
          plain[digest] = nil
        }
      } else {
        digests[Int32(step)] = digest
        table.insert(Int32(step), under: digest)
        plain[digest] = Int32(step)
      }
    }
    #expect(table.count == plain.count)
    for (digest, place) in plain {
      #expect(table.find(digest) { digests[$0] == digest } == place)
    }
  }
}
