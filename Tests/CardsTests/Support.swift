import Bytes
import Cards
import SecretMemory
import Testing

/// A pool with room for every number that a test holds at once.
func makePool() throws -> SecretPool { try SecretPool(slots: 8, slotSize: 32) }

/// Parses a number into a slot of `pool`.
func parse(_ text: String, in pool: SecretPool) throws -> PAN {
  guard let slot = pool.lease() else { throw PoolIsEmpty() }
  return try PAN.parse(Array(text.utf8).rawSpan, into: slot)
}

struct PoolIsEmpty: Error {}

/// The digits of a number; only tests make a text of them.
func text(of pan: borrowing PAN) -> String {
  let digits = pan.digits
  return digits.text
}

/// A number of `count` digits that begins with `prefix` and passes Luhn.
func number(beginningWith prefix: String, count: Int) -> String {
  let stem = prefix + String(repeating: "0", count: count - prefix.utf8.count - 1)
  var sum = 0
  for (offset, byte) in stem.utf8.reversed().enumerated() {
    let digit = Int(byte - UInt8(ascii: "0"))
    let weighted = offset % 2 == 0 ? digit * 2 : digit
    sum += weighted > 9 ? weighted - 9 : weighted
  }
  return stem + String((10 - sum % 10) % 10)
}

/// SplitMix64: a seeded sequence, so that a failure can be seen again.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }
}
