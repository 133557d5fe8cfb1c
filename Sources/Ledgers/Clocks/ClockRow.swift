import Bytes
package import Storage

/// What a process leaves to the next one of what the clocks did: the row `"clock"` of `meta`.
///
/// `version(1) = 1 ‖ (time(8) ‖ age(8)) …`, 1 to 64 pairs, numbers big-endian. Each pair is one way in
/// which the clocks went within the last day of uptime: a row of `idempotency` that was written then is
/// over when its end is not after *time*, which goes on with uptime. *age* is the uptime since the
/// clocks last went so. Both are milliseconds. The pairs are in the order in which the clocks went so;
/// times ascend.
package struct ClockRow: Equatable, Sendable {
  struct Step: Equatable, Sendable {
    /// Unix milliseconds.
    let milliseconds: Int64
    let ageMilliseconds: Int64
  }

  /// The most pairs of a row.
  static let mostSteps = 64

  private static let key = Array("clock".utf8)
  private static let version: UInt8 = 1

  let steps: [Step]

  /// Of a row that is not understood: nothing has waited yet.
  static let unreadable = ClockRow(steps: [Step(milliseconds: 0, ageMilliseconds: 0)])

  /// Reads the row; nil where there is none: what has waited is then over by the log's last time.
  package static func read(
    in transaction: borrowing some StoreReading & ~Copyable
  ) throws(StorageError) -> ClockRow? {
    guard let value = try transaction.get(key.rawSpan, in: .meta) else { return nil }
    return ClockRow(encoded: value.array) ?? unreadable
  }

  func save(in transaction: inout StoreWriteTransaction) throws(StorageError) {
    let value = encoded
    try transaction.put(key: Self.key.rawSpan, value: value.rawSpan, in: .meta)
  }

  static func remove(in transaction: inout StoreWriteTransaction) throws(StorageError) {
    try transaction.delete(key.rawSpan, in: .meta)
  }
}

extension ClockRow {
  var encoded: [UInt8] {
    steps.reduce(into: [Self.version]) { row, step in
      row += UInt64(clamping: step.milliseconds).bigEndianBytes
      row += UInt64(clamping: step.ageMilliseconds).bigEndianBytes
    }
  }

  init?(encoded row: [UInt8]) {
    var rest = RowReader(row.rawSpan)
    guard rest.number(UInt8.self) == Self.version else { return nil }
    var steps: [Step] = []
    while !rest.isAtEnd {
      guard let milliseconds = rest.number(UInt64.self), let age = rest.number(UInt64.self),
        milliseconds <= Reading.mostMilliseconds, age <= Reading.mostMilliseconds
      else { return nil }
      let step = Step(milliseconds: Int64(milliseconds), ageMilliseconds: Int64(age))
      if let last = steps.last,
        step.milliseconds <= last.milliseconds || step.ageMilliseconds > last.ageMilliseconds
      {
        return nil
      }
      steps.append(step)
    }
    guard 1...Self.mostSteps ~= steps.count else { return nil }
    self.steps = steps
  }
}
