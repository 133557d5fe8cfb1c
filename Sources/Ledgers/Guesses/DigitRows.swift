import Bytes
import RecordFormat
package import Storage

/// Numbers that were new, in the store: rows of `meta`, each with one pair for each number.
///
/// Key: `"digits/" ‖ kind(1) ‖ Unix seconds(8) ‖ part(2)`. Value: `version(1) = 1 ‖ key id(4) ‖ pair(8)…`,
/// numbers big-endian. The key is the fingerprint key from which that of the digests is derived. A row
/// is written with a checkpoint of the log, and removed an hour later.
package enum DigitRows {
  /// What the pairs of a row are.
  enum Kind: UInt8, CaseIterable {
    /// Pairs of which more than one number was new: every number of theirs has its place here.
    case several = 1
    /// Pairs of which one number was new. Most are, and stay, such.
    case single = 2

    /// Pairs of one row at most. A service that stores thousands of new cards a second keeps some of
    /// the single ones only: what a restart forgets of them is one number of a pair.
    var mostPairs: Int {
      switch self {
      case .several: 1_024
      case .single: 64
      }
    }
  }

  private static let prefix = Array("digits/".utf8)
  private static let keyCount = prefix.count + 11
  private static let version: UInt8 = 1
  /// Rows of one kind that one call moves or removes at most.
  private static let mostChanged = 64

  /// Calls `body` with each pair of the rows of one kind that were written within the last hour under
  /// `key`, and how many seconds ago that was; oldest first. A row of a time that is still to come
  /// counts as one of now; one that is not understood is passed over: what is lost is a count.
  static func forEach(
    _ kind: Kind, under key: KeyIdentifier, at now: UInt64,
    in transaction: borrowing some StoreReading & ~Copyable,
    _ body: (_ pair: UInt64, _ ageSeconds: UInt32) -> Void
  ) throws(LedgerError) {
    try transaction.forEach(in: .meta, from: rowKey(kind, 0).rawSpan) {
      (rowKey, value) throws(LedgerError) in
      guard let written = seconds(of: rowKey, kind) else { return false }
      let age = now - min(written, now)
      guard age < UInt64(DigitCounts.windowSeconds), self.key(of: value) == key else { return true }
      for start in stride(from: 5, to: value.byteCount - 7, by: 8) {
        body(value.bigEndian(start..<start + 8), UInt32(age))
      }
      return true
    }
  }

  /// The key under which the newest row was written; nil where there is none.
  static func newestKey(
    in transaction: borrowing some StoreReading & ~Copyable
  ) throws(LedgerError) -> KeyIdentifier? {
    var newest: (seconds: UInt64, key: KeyIdentifier)?
    for kind in Kind.allCases {
      try transaction.forEach(in: .meta, from: rowKey(kind, .max).rawSpan, reversed: true) {
        (rowKey, value) throws(LedgerError) in
        guard let written = seconds(of: rowKey, kind), let key = key(of: value) else {
          return false
        }
        if written >= newest?.seconds ?? 0 { newest = (written, key) }
        return false
      }
    }
    return newest?.key
  }

  /// Writes pairs, of which there are not more than the kind's most.
  static func write(
    _ pairs: [UInt64], _ kind: Kind, key: KeyIdentifier, at now: UInt64,
    in transaction: inout StoreWriteTransaction
  ) throws(LedgerError) {
    var value = [version] + key.value.bigEndianBytes
    for pair in pairs { value.append(bigEndian: pair) }
    try put(value, kind, at: now, in: &transaction)
  }

  /// Removes some of the rows whose hour is over, and moves some of those to now that a clock which
  /// was ahead has written: they have their hour from now on.
  package static func tidy(
    at now: UInt64, in transaction: inout StoreWriteTransaction
  ) throws(LedgerError) {
    let end = now - min(now, UInt64(DigitCounts.windowSeconds) - 1)
    for kind in Kind.allCases {
      for (key, _) in try rows(kind, 0..<end, in: transaction) {
        try onStore(transaction.delete(key.rawSpan, in: .meta))
      }
      for (key, value) in try rows(kind, now + 1..<UInt64.max, in: transaction) {
        try onStore(transaction.delete(key.rawSpan, in: .meta))
        try put(value, kind, at: now, in: &transaction)
      }
    }
  }

  private static func rows(
    _ kind: Kind, _ times: Range<UInt64>,
    in transaction: borrowing some StoreReading & ~Copyable
  ) throws(LedgerError) -> [(key: [UInt8], value: [UInt8])] {
    var rows: [(key: [UInt8], value: [UInt8])] = []
    try transaction.forEach(in: .meta, from: rowKey(kind, times.lowerBound).rawSpan) {
      (key, value) throws(LedgerError) in
      guard let written = seconds(of: key, kind), times.contains(written) else { return false }
      rows.append((key.array, value.array))
      return rows.count < mostChanged
    }
    return rows
  }

  /// Puts a row behind those of the same second: checkpoints on demand come within one second too.
  private static func put(
    _ value: [UInt8], _ kind: Kind, at now: UInt64, in transaction: inout StoreWriteTransaction
  ) throws(LedgerError) {
    var part: UInt16 = 0
    try transaction.forEach(in: .meta, from: rowKey(kind, now, .max).rawSpan, reversed: true) {
      (key, _) throws(LedgerError) in
      if seconds(of: key, kind) == now {
        part = UInt16(key.bigEndian(keyCount - 2..<keyCount)) &+ 1
      }
      return false
    }
    try onStore(
      transaction.put(key: rowKey(kind, now, part).rawSpan, value: value.rawSpan, in: .meta))
  }

  private static func rowKey(_ kind: Kind, _ seconds: UInt64, _ part: UInt16 = 0) -> [UInt8] {
    prefix + [kind.rawValue] + seconds.bigEndianBytes + part.bigEndianBytes
  }

  /// When the row of this key was written; nil where it is none of this kind.
  private static func seconds(of key: RawSpan, _ kind: Kind) -> UInt64? {
    guard key.byteCount == keyCount, key.starts(with: prefix + [kind.rawValue]) else { return nil }
    return key.bigEndian(prefix.count + 1..<keyCount - 2)
  }

  /// Under which key a row was written; nil where its version is another.
  private static func key(of value: RawSpan) -> KeyIdentifier? {
    guard value.byteCount >= 5, value.byte(0) == version else { return nil }
    return KeyIdentifier(UInt32(value.bigEndian(1..<5)))
  }
}
