internal import Bytes
internal import LMDB
package import Storage

/// Some entries of the log.
package struct AuditPage: Equatable, Sendable {
  /// The lines, each followed by a line feed, in the order in which they were visited.
  package var lines: [UInt8] = []
  /// How many lines there are.
  package var count = 0
  /// Where the next page begins; nil where there is nothing more to visit.
  package var next: UInt64?
}

/// Reads entries in short snapshots, while others are being written.
package struct AuditReader: Sendable {
  private let store: Store

  /// Reads the log of `store`.
  package init(_ store: Store) { self.store = store }

  /// How many entries are durable.
  package func size() throws(AuditError) -> UInt64 {
    try store.read { (transaction) throws(AuditError) in try Self.size(in: transaction) }
  }

  /// How many entries a snapshot has.
  package static func size(
    in transaction: borrowing StoreReadTransaction
  ) throws(AuditError) -> UInt64 {
    try AuditEnd.frontier(in: transaction)?.size ?? 0
  }

  /// The entries that pass `filter`, beginning with the sequence `start`, at most `limit` of them.
  ///
  /// A page may hold fewer, or none, although more follow: it ends after
  /// ``AuditLimits/linesInOneTransaction`` lines, passed or not. Go on from ``AuditPage/next``.
  /// - Parameters:
  ///   - start: the first sequence to visit; nil is the first of all, or the last when `reversed`.
  ///   - end: the sequence to stop before; nil visits all.
  ///   - reversed: visits entries from the newest to the oldest.
  package func page(
    from start: UInt64? = nil, below end: UInt64? = nil, reversed: Bool = false,
    limit: Int = AuditLimits.linesInOneTransaction, filter: AuditFilter = AuditFilter()
  ) throws(AuditError) -> AuditPage {
    let matcher = AuditMatcher(filter)
    let limit = max(1, min(limit, AuditLimits.linesInOnePage))
    return try store.read { (transaction) throws(AuditError) in
      var page = AuditPage()
      do throws(StorageError) {
        var cursor = try transaction.cursor(in: .audit)
        let key = [(start ?? 0).bigEndian] as InlineArray<1, UInt64>
        var entry = try cursor.start(
          from: start == nil ? nil : key.span.rawSpan, reversed: reversed)
        var visited = 0
        while let visiting = entry {
          let line = visiting.value
          guard let sequence = UInt64(bigEndianBytes: visiting.key) else { break }
          if !reversed, let end, sequence >= end { break }
          if page.count == limit || visited == AuditLimits.linesInOneTransaction {
            page.next = sequence
            break
          }
          visited += 1
          if matcher.matches(line) {
            page.lines.append(contentsOf: line)
            page.lines.append(UInt8(ascii: "\n"))
            page.count += 1
          }
          entry = reversed ? try cursor.previous() : try cursor.next()
        }
      } catch { throw .store(error) }
      return page
    }
  }

  /// How many of the entries from the sequence `start` on and before `end` pass `filter`.
  package func count(
    from start: UInt64 = 0, below end: UInt64, filter: AuditFilter
  ) throws(AuditError) -> UInt64 {
    let matcher = AuditMatcher(filter)
    var passed: UInt64 = 0
    var next = start
    while next < end {
      let first = next
      next = try store.read { (transaction) throws(AuditError) in
        do throws(StorageError) {
          let last = min(end, first + UInt64(AuditLimits.linesInOneTransaction))
          var cursor = try transaction.cursor(in: .audit)
          let key = [first.bigEndian] as InlineArray<1, UInt64>
          var entry = try cursor.start(from: key.span.rawSpan)
          while let current = entry, let sequence = UInt64(bigEndianBytes: current.key),
            sequence < last
          {
            if matcher.matches(current.value) { passed += 1 }
            entry = try cursor.next()
          }
          return last
        } catch { throw .store(error) }
      }
    }
    return passed
  }
}
