internal import Bytes
package import Cryptography
package import Storage

/// The lines of an export's entries, as the store has them: see ``ExportVerifier``.
package struct ExportLines: Sendable {
  /// Some lines.
  package struct Page: Sendable {
    /// The lines, each with a line feed.
    package fileprivate(set) var bytes: [UInt8] = []
    /// The leaves of those that stay in the store when it is archived.
    package fileprivate(set) var keptLeaves: [Digest256] = []
    /// The sequence after the last one.
    package fileprivate(set) var next: UInt64
  }

  private let store: Store

  /// Reads the log of `store`.
  package init(_ store: Store) { self.store = store }

  /// Lines from the sequence `first` on, at most ``AuditLimits/linesInOneTransaction``, from one
  /// snapshot.
  /// - Throws: ``AuditError/store(_:)``; ``AuditError/damaged(_:)`` where an entry is missing that is
  ///   not archived, or its hash.
  package func page(from first: UInt64, below end: UInt64) throws(AuditError) -> Page {
    let last = min(end, first + UInt64(AuditLimits.linesInOneTransaction))
    return try store.read(logBelow: last) { (transaction) throws(AuditError) in
      try Self.page(
        first..<last, archivedBelow: ArchiveMark.read(in: transaction)?.below ?? 0, in: transaction)
    }
  }

  private static func page(
    _ range: Range<UInt64>, archivedBelow below: UInt64,
    in transaction: borrowing StoreReadTransaction
  ) throws(AuditError) -> Page {
    var page = Page(next: range.lowerBound)
    let hashes = try LeafHashes(from: range.lowerBound, to: range.upperBound, in: transaction)
    func passArchived(to end: UInt64) throws(AuditError) {
      for sequence in page.next..<end {
        guard sequence < below, let leaf = hashes[sequence] else {
          throw .damaged("the entry \(sequence) is missing: run cadenas audit verify")
        }
        page.bytes += ExportVerifier.line(archived: leaf) + [UInt8(ascii: "\n")]
      }
      page.next = end
    }
    try transaction.forEach(in: .audit, from: range.lowerBound.bigEndianBytes.rawSpan) {
      (key, line) throws(AuditError) in
      guard let sequence = UInt64(bigEndianBytes: key), range.contains(sequence) else {
        return false
      }
      try passArchived(to: sequence)
      page.bytes.append(contentsOf: line)
      page.bytes.append(UInt8(ascii: "\n"))
      if let checked = try? CheckedLine(line, at: sequence), !checked.isArchived {
        page.keptLeaves.append(checked.leaf)
      }
      page.next = sequence + 1
      return true
    }
    try passArchived(to: range.upperBound)
    return page
  }
}
