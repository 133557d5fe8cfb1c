import Testing

@testable import Vault

@Suite struct PlaceTableTests {
  /// Keys of few different ends meet as often as they can.
  @Test(arguments: [UInt64(3), 64, .max >> 8])
  func `it holds what a dictionary holds`(range: UInt64) {
    var random = SystemRandomNumberGenerator()
    var table = PlaceTable()
    var plain: [UInt64: Int32] = [:]
    for step in 0..<20_000 {
      let key = UInt64.random(in: 0...range, using: &random) << 8
      if let place = plain[key] {
        #expect(table[key] == place)
        if step.isMultiple(of: 2) {
          table.remove(key)
          plain[key] = nil
        }
      } else {
        #expect(table[key] == nil)
        table.insert(Int32(step), under: key)
        plain[key] = Int32(step)
      }
    }
    #expect(table.count == plain.count)
    for (key, place) in plain { #expect(table[key] == place) }
  }

  @Test func `to remove what is not there changes nothing`() {
    var table = PlaceTable()
    table.insert(7, under: 1)
    table.remove(2)
    table.remove(17)
    #expect(table.count == 1)
    #expect(table[1] == 7)
  }
}
