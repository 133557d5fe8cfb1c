/// Gives identifiers that increase strictly, whatever the clock does.
///
/// Within one millisecond the 12 bits after the version count. Where the clock stands still or goes
/// backwards, the last time is kept and the count goes on; a full count carries into the time.
///
/// Not safe for two threads at once: the store's writer owns the one for tokens.
package struct IdentifierSequence: Sendable {
  private var last: UUIDv7?

  /// - Parameter last: the greatest identifier that has been given, or nil for a new store.
  package init(after last: UUIDv7?) {
    self.last = last
  }

  /// The next identifier, greater than all before.
  ///
  /// - Parameters:
  ///   - clock: milliseconds since 1970-01-01T00:00:00Z; beyond 48 bits counts as the greatest
  ///     time there is.
  ///   - random: fresh random bits, of which 62 are used.
  /// - Returns: the identifier, whose time is `clock` unless an earlier one was later.
  /// - Throws: ``CardError/identifiersExhausted`` when the year 10889 is over.
  package mutating func next(
    atMilliseconds clock: UInt64, random: UInt64
  ) throws(CardError) -> UUIDv7 {
    let latest: UInt64 = 1 << 48 - 1
    var milliseconds = min(clock, latest)
    var counter: UInt16 = 0
    if let last, last.milliseconds >= milliseconds {
      // Time and count as one number of 60 bits, so that a full count carries.
      let position = last.milliseconds << 12 | UInt64(last.counter)
      guard position < 1 << 60 - 1 else { throw .identifiersExhausted }
      milliseconds = (position + 1) >> 12
      counter = UInt16((position + 1) & 0xFFF)
    }
    let next = UUIDv7(milliseconds: milliseconds, counter: counter, random: random)
    last = next
    return next
  }
}

/// Gives tokens that increase strictly; see ``IdentifierSequence``.
package struct TokenSequence: Sendable {
  private var identifiers: IdentifierSequence

  /// - Parameter last: the greatest token in the store, or nil for an empty one.
  package init(after last: Token?) {
    identifiers = IdentifierSequence(after: last?.uuid)
  }

  /// The next token; see ``IdentifierSequence/next(atMilliseconds:random:)``.
  package mutating func next(
    atMilliseconds clock: UInt64, random: UInt64
  ) throws(CardError) -> Token {
    Token(try identifiers.next(atMilliseconds: clock, random: random))
  }
}
