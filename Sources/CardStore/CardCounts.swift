import RecordFormat
import SecretMemory
import Storage

/// How many cards stand under each data key, written with the batch that changes it.
///
/// Rows of `meta`: `cards/` ‖ key id(4) → count(8, big-endian).
struct CardCounts {
  private static let prefix: [UInt8] = Array("cards/".utf8)

  private var committed: [KeyIdentifier: UInt64] = [:]
  private var changes: [KeyIdentifier: Int64] = [:]

  /// The counts as the store has them.
  static func read(
    _ transaction: borrowing some StoreReading & ~Copyable
  ) throws -> [KeyIdentifier: UInt64] {
    var counts: [KeyIdentifier: UInt64] = [:]
    try transaction.forEach(in: .meta, from: prefix.rawSpan) { key, value in
      guard key.byteCount == prefix.count + 4, key.starts(with: prefix) else { return false }
      guard value.byteCount == 8,
        let identifier = KeyIdentifier(bytes: key.extracting(prefix.count...))
      else { throw CardStoreError.malformedRow }
      counts[identifier] = value.bigEndianUInt64(at: 0)
      return true
    }
    return counts
  }

  init(_ committed: [KeyIdentifier: UInt64] = [:]) {
    self.committed = committed
  }

  mutating func add(_ change: Int64, under key: KeyIdentifier) {
    changes[key, default: 0] += change
  }

  func willCommit(_ transaction: inout StoreWriteTransaction) throws {
    for (key, change) in changes where change != 0 {
      let row = Self.prefix + key.bytes
      try transaction.put(
        key: row.rawSpan, value: total(key, change).bigEndianBytes.rawSpan, in: .meta)
    }
  }

  mutating func didCommit() {
    for (key, change) in changes { committed[key] = total(key, change) }
    changes.removeAll(keepingCapacity: true)
  }

  mutating func didAbort() {
    changes.removeAll(keepingCapacity: true)
  }

  /// Clamped: a count that was damaged on the disk stops nothing, and the verifier finds it.
  private func total(_ key: KeyIdentifier, _ change: Int64) -> UInt64 {
    UInt64(clamping: Int64(clamping: committed[key] ?? 0).addingReportingOverflow(change).0)
  }
}
