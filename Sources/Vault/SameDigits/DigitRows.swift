import RecordFormat
import SecretMemory
import Storage

/// Numbers that were new, in the store: rows of `meta`, which hold one pair for each of them.
///
/// Key: `"digits/" ‖ Unix seconds(8) ‖ part(2)`. Value: `version(1) = 1 ‖ key id(4) ‖ pair(8)…`, numbers
/// big-endian. The key is the fingerprint key from which that of the digests is derived. A row is
/// written with a checkpoint of the log, and removed an hour later.
enum DigitRows {
  /// What one row says.
  struct Row: Equatable {
    let key: KeyIdentifier
    let ageSeconds: UInt32
    let pairs: [UInt64]
  }

  private static let prefix = Array("digits/".utf8)
  private static let version: UInt8 = 1
  /// A row is this long at most, so that a batch with many numbers does not need one large run of
  /// pages.
  private static let pairsPerRow = 1_000
  /// Rows that one call removes at most.
  private static let mostRemoved = 64

  /// The rows of the last hour, oldest first. One that is not understood is passed over: what is lost
  /// is a count. A row of a time that is still to come counts as one of now.
  static func all(
    in transaction: borrowing some StoreReading & ~Copyable, at now: UInt64
  ) throws -> [Row] {
    var rows: [Row] = []
    try transaction.forEach(in: .meta, from: prefix.rawSpan) { key, value in
      guard let written = seconds(of: [UInt8](copying: key)) else { return false }
      let age = now - min(written, now)
      if age < UInt64(DigitCounts.windowSeconds),
        let row = row([UInt8](copying: value), ageSeconds: UInt32(age))
      {
        rows.append(row)
      }
      return true
    }
    return rows
  }

  /// Writes the pairs of `now`.
  static func write(
    _ pairs: [UInt64], key: KeyIdentifier, at now: UInt64,
    in transaction: inout StoreWriteTransaction
  ) throws {
    var place = try nextPart(at: now, in: transaction)
    for start in stride(from: 0, to: pairs.count, by: pairsPerRow) {
      let part = pairs[start..<min(start + pairsPerRow, pairs.count)]
      var value = [version] + key.value.bigEndianBytes
      value.reserveCapacity(value.count + part.count * 8)
      for pair in part {
        unsafe withUnsafeBytes(of: pair.bigEndian) { unsafe value.append(contentsOf: $0) }
      }
      let rowKey = prefix + now.bigEndianBytes + place.bigEndianBytes
      try transaction.put(key: rowKey.rawSpan, value: value.rawSpan, in: .meta)
      place &+= 1
    }
  }

  /// Removes some of the rows whose hour is over.
  static func removeOld(at now: UInt64, in transaction: inout StoreWriteTransaction) throws {
    var old: [[UInt8]] = []
    try transaction.forEach(in: .meta, from: prefix.rawSpan) { key, _ in
      let key = [UInt8](copying: key)
      guard let written = seconds(of: key),
        now - min(written, now) >= UInt64(DigitCounts.windowSeconds)
      else { return false }
      old.append(key)
      return old.count < mostRemoved
    }
    for key in old { try transaction.delete(key.rawSpan, in: .meta) }
  }

  /// The first part that is free at `now`: checkpoints on demand come within one second too.
  private static func nextPart(
    at now: UInt64, in transaction: borrowing some StoreReading & ~Copyable
  ) throws -> UInt16 {
    let last = prefix + now.bigEndianBytes + UInt16.max.bigEndianBytes
    var part: UInt16 = 0
    try transaction.forEach(in: .meta, from: last.rawSpan, reversed: true) { key, _ in
      let key = [UInt8](copying: key)
      if seconds(of: key) == now { part = key.suffix(2).reduce(0) { $0 << 8 | UInt16($1) } &+ 1 }
      return false
    }
    return part
  }

  /// When the row of this key was written; nil where it is none of these rows.
  private static func seconds(of key: [UInt8]) -> UInt64? {
    guard key.count == prefix.count + 10, key.starts(with: prefix) else { return nil }
    return key[prefix.count..<prefix.count + 8].reduce(0) { $0 << 8 | UInt64($1) }
  }

  private static func row(_ value: [UInt8], ageSeconds: UInt32) -> Row? {
    var rest = RowReader(value)
    guard rest.number(UInt8.self) == version, let key = rest.number(UInt32.self) else { return nil }
    var pairs: [UInt64] = []
    while !rest.isAtEnd {
      guard let pair = rest.number(UInt64.self) else { return nil }
      pairs.append(pair)
    }
    return Row(key: KeyIdentifier(key), ageSeconds: ageSeconds, pairs: pairs)
  }
}
