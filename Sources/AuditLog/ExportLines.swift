internal import Bytes
package import Cryptography
internal import LMDB
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
    return try store.read { (transaction) throws(AuditError) in
      let below = try ArchiveMark.read(in: transaction)?.below ?? 0
      do throws(StorageError) {
        return try Self.page(first..<last, archivedBelow: below, in: transaction)
      } catch { throw .store(error) }
    }.get()
  }

  private static func page(
    _ range: Range<UInt64>, archivedBelow below: UInt64,
    in transaction: borrowing StoreReadTransaction
  ) throws(StorageError) -> Result<Page, AuditError> {
    var page = Page(next: range.upperBound)
    let hashes = try LeafHashes(from: range.lowerBound, to: range.upperBound, in: transaction)
    var cursor = try transaction.cursor(in: .audit)
    let key = range.lowerBound.bigEndianBytes
    var entry = try cursor.start(from: key.rawSpan)
    for sequence in range {
      if let current = entry, UInt64(bigEndianBytes: current.key) == sequence {
        let line = current.value
        page.bytes.append(contentsOf: line)
        if let checked = try? CheckedLine(line, at: sequence), !checked.isArchived {
          page.keptLeaves.append(checked.leaf)
        }
        entry = try cursor.next()
      } else if sequence < below, let leaf = hashes[sequence] {
        page.bytes += ExportVerifier.line(archived: leaf)
      } else {
        return .failure(.damaged("the entry \(sequence) is missing: run cadenas audit verify"))
      }
      page.bytes.append(UInt8(ascii: "\n"))
    }
    return .success(page)
  }
}
