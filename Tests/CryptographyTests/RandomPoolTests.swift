import Cryptography
import Testing

struct RandomPoolTests {
  @Test func everyByteIsNewAcrossRefills() throws {
    var pool = try RandomPool()
    var seen: Set<[UInt8]> = []
    for _ in 0..<1000 { seen.insert(try pool.bytes(count: 24)) }
    #expect(seen.count == 1000)
  }

  @Test func numbersDiffer() throws {
    var pool = try RandomPool()
    var seen: Set<UInt64> = []
    for _ in 0..<2000 { seen.insert(try pool.next()) }
    #expect(seen.count == 2000)
  }

  @Test func aRequestLargerThanThePoolIsFilledWhole() throws {
    var pool = try RandomPool()
    let large = try pool.bytes(count: 20_000)
    // Any run of 16 zero bytes among random ones would have a probability of 2^-113.
    var run = 0
    var longestRun = 0
    for byte in large {
      run = byte == 0 ? run + 1 : 0
      longestRun = max(longestRun, run)
    }
    #expect(longestRun < 16)
  }
}
