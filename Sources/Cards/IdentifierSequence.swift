/// Gives identifiers that increase strictly, whatever the clock does, and do not tell how many others
/// there are.
///
/// Within one millisecond the 12 bits after the version begin at random, in the first quarter, and go
/// on in random steps of 1 to 16; what is full carries into the time. So whoever is given two of them
/// cannot count those between, who may be another merchant's. Where the clock has gone backwards,
/// identifiers go on from the last time at half of its pace until it has caught up: if they stood still,
/// steps would add up to a count after all.
///
/// Not safe for two threads at once: the store's writer owns the one for tokens.
/// - Source: RFC 9562, 6.2, methods 1 and 2.
package struct IdentifierSequence: Sendable {
  /// How far into a millisecond the first identifier may begin.
  private static let starts: UInt64 = 1 << 10
  /// How many places the next one may be further.
  private static let steps: UInt64 = 16
  private static let latest: UInt64 = 1 << 48 - 1
  /// By how many milliseconds a clock that is behind may go on between two identifiers.
  private static let longestStep: UInt64 = 1_000

  /// Time and count of an identifier as one number of 60 bits.
  private var last: UInt64?
  /// While the clock is behind: what it said last, and how far identifiers are, in half milliseconds.
  private var lag: (clock: UInt64, halves: UInt64)?

  /// - Parameter last: the greatest identifier that has been given, or nil for a new store.
  package init(after last: UUIDv7?) {
    self.last = last.map { $0.milliseconds << 12 | UInt64($0.counter) }
  }

  /// The next identifier, greater than all before.
  ///
  /// - Parameters:
  ///   - clock: milliseconds since 1970-01-01T00:00:00Z; beyond 48 bits counts as the greatest
  ///     time there is.
  ///   - random: fresh random bits, of which 62 are used; they stand in the identifier.
  ///   - spread: others, of which 14 are used.
  /// - Returns: the identifier, whose time is `clock` unless an earlier one was later.
  /// - Throws: ``CardError/identifiersExhausted`` when the year 10889 is over.
  package mutating func next(
    atMilliseconds clock: UInt64, random: UInt64, spread: UInt64
  ) throws(CardError) -> UUIDv7 {
    let milliseconds = time(at: min(clock, Self.latest))
    var position = milliseconds << 12 | spread % Self.starts
    if let last, last >> 12 >= milliseconds {
      position = last + 1 + spread / Self.starts % Self.steps
    }
    guard position < 1 << 60 else { throw .identifiersExhausted }
    last = position
    return UUIDv7(
      milliseconds: position >> 12, counter: UInt16(position & 0xFFF), random: random)
  }

  /// The time by the clock or, where that has gone backwards, by how it has gone on since.
  private mutating func time(at clock: UInt64) -> UInt64 {
    guard let last, clock < last >> 12 else {
      lag = nil
      return clock
    }
    var lag = lag ?? (clock, (last >> 12) << 1)
    // A step is not time that has passed.
    if clock > lag.clock { lag.halves += min(clock - lag.clock, Self.longestStep) }
    lag.clock = clock
    self.lag = lag
    return min(lag.halves >> 1, Self.latest)
  }
}
