internal import Bytes
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
  let store: Store

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
    // Entries before one that is known are behind it.
    return try store.read(logBelow: reversed ? start.map { $0 + 1 } : end) {
      (transaction) throws(AuditError) in
      var page = AuditPage()
      var visited = 0
      let first = (start ?? 0).bigEndianBytes
      try transaction.forEach(
        in: .audit, from: start == nil ? nil : first.rawSpan, reversed: reversed
      ) { (key, line) throws(AuditError) in
        guard let sequence = UInt64(bigEndianBytes: key) else { return false }
        if !reversed, let end, sequence >= end { return false }
        guard page.count < limit, visited < AuditLimits.linesInOneTransaction else {
          page.next = sequence
          return false
        }
        visited += 1
        guard matcher.matches(line) else { return true }
        page.lines.append(contentsOf: line)
        page.lines.append(UInt8(ascii: "\n"))
        page.count += 1
        return true
      }
      return page
    }
  }

  /// How many cards the entries from the sequence `start` on and before `end` tell were created or
  /// deleted.
  package func cards(
    _ change: CardChange, from start: UInt64 = 0, below end: UInt64
  ) throws(AuditError) -> UInt64 {
    var cards: UInt64 = 0
    for operation in AuditOperation.allCases where operation.cardChange == change {
      cards += try count(
        from: start, below: end, filter: AuditFilter(operation, change.outcome))
    }
    return cards
  }

  /// How many of the entries from the sequence `start` on and before `end` pass `filter`.
  package func count(
    from start: UInt64 = 0, below end: UInt64, filter: AuditFilter
  ) throws(AuditError) -> UInt64 {
    let matcher = AuditMatcher(filter)
    var passed: UInt64 = 0
    var next = start
    while next < end {
      let last = min(end, next + UInt64(AuditLimits.linesInOneTransaction))
      try store.read(logBelow: last) { (transaction) throws(AuditError) in
        try transaction.forEach(in: .audit, from: next.bigEndianBytes.rawSpan) {
          (key, line) throws(AuditError) in
          guard let sequence = UInt64(bigEndianBytes: key), sequence < last else { return false }
          if matcher.matches(line) { passed += 1 }
          return true
        }
      }
      next = last
    }
    return passed
  }
}

extension Store {
  /// Lends a snapshot that has every entry of the log before the sequence `end`, or, where that is nil, every
  /// one that there is. Who goes through a log whose end he knows waits for LMDB once at most.
  func read<R, E: Error>(
    logBelow end: UInt64?, _ body: (borrowing StoreReadTransaction) throws(E) -> R
  ) throws(E) -> R {
    guard let end, (try? readOn { try AuditReader.size(in: $0) >= end }) == true else {
      return try read(body)
    }
    return try readOn(body)
  }
}
