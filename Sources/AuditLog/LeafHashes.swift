internal import Bytes
internal import Cryptography
internal import Storage

/// The noted hashes of some consecutive leaves, read from the rows of `leaves`.
struct LeafHashes {
  private let first: UInt64
  /// 32 bytes for each leaf from `first` on, as far as the rows follow each other without a gap.
  private var bytes: [UInt8] = []
  /// Rows that begin among these leaves.
  private(set) var rows = 0

  /// Reads the hashes of the leaves `first` up to, not including, `end`.
  init(
    from first: UInt64, to end: UInt64,
    in transaction: borrowing some StoreReading & ~Copyable
  ) throws(AuditError) {
    self.first = first
    do throws(StorageError) { try read(to: end, in: transaction) } catch { throw .store(error) }
  }

  private mutating func read(
    to end: UInt64, in transaction: borrowing some StoreReading & ~Copyable
  ) throws(StorageError) {
    var cursor = try transaction.cursor(in: .leaves)
    // The row that holds `first` may begin before it.
    var row = try cursor.start(from: first.bigEndianBytes.rawSpan, reversed: true)
    var expected: UInt64?
    while let current = row, let start = UInt64(bigEndianBytes: current.key), start < end {
      let hashes = current.value
      let isInOrder = expected.map { $0 == start } ?? (start <= first)
      guard isInOrder, hashes.byteCount % Digest256.byteCount == 0 else { return }
      let count = UInt64(hashes.byteCount / Digest256.byteCount)
      if start >= first { rows += 1 }
      let skipped = first > start ? min(first - start, count) : 0
      let used = min(count, end - start)
      if skipped < used {
        let range = Int(skipped) * Digest256.byteCount..<Int(used) * Digest256.byteCount
        bytes.append(contentsOf: hashes.extracting(range))
      }
      expected = start + count
      row = try cursor.next()
    }
  }

  /// The hash of the leaf `sequence`; nil where none was noted.
  subscript(sequence: UInt64) -> Digest256? {
    let start = Int(sequence - first) * Digest256.byteCount
    guard start + Digest256.byteCount <= bytes.count else { return nil }
    return Digest256(bytes.rawSpan.extracting(start..<start + Digest256.byteCount))
  }
}
