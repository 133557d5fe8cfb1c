import Bytes
import Cards
import SecretMemory
import TestSupport
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
  Luhn.completing(prefix + String(repeating: "0", count: count - prefix.utf8.count - 1))
}
