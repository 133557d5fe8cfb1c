internal import Bytes
internal import JSON
internal import Storage

/// Where the log of a store ends, as the store says it.
struct AuditEnd {
  let frontier: MerkleFrontier
  /// The time of the last entry.
  let latestMilliseconds: Int64

  /// Reads the frontier and the last line; nil where nothing has been logged yet.
  /// - Throws: ``AuditError/damaged(_:)`` where they do not fit each other.
  static func read(in store: Store) throws(AuditError) -> AuditEnd? {
    try store.read { (transaction) throws(AuditError) in
      guard let frontier = try frontier(in: transaction) else {
        guard try onStore(transaction.count(of: .audit)) == 0 else {
          throw .damaged("there are entries and no frontier")
        }
        return nil
      }
      guard frontier.size > 0 else { throw .damaged("the frontier is empty") }
      let last = (frontier.size - 1).bigEndianBytes
      guard let line = try onStore(transaction.get(last.rawSpan, in: .audit)?.array) else {
        throw .damaged("the last entry is missing")
      }
      guard let time = time(of: line.rawSpan) else {
        throw .damaged("the last entry cannot be read")
      }
      return AuditEnd(frontier: frontier, latestMilliseconds: time)
    }
  }

  /// Reads the frontier; nil where there is none.
  static func frontier(
    in transaction: borrowing some StoreReading & ~Copyable
  ) throws(AuditError) -> MerkleFrontier? {
    let key = AuditLog.frontierKey
    guard let bytes = try onStore(transaction.get(key.rawSpan, in: .meta)?.array) else {
      return nil
    }
    if let frontier = MerkleFrontier(encoded: bytes.rawSpan) { return frontier }
    throw .damaged("the frontier cannot be read")
  }
  private static func time(of line: RawSpan) -> Int64? {
    guard let document = try? JSONDocument(line),
      let node = document.member("time", of: document.root)
    else { return nil }
    return document.string(of: node).flatMap(RFC3339.unixMilliseconds)
  }
}
