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
        guard try transaction.auditCount() == 0 else {
          throw .damaged("there are entries and no frontier")
        }
        return nil
      }
      guard frontier.size > 0 else { throw .damaged("the frontier is empty") }
      let last = [(frontier.size - 1).bigEndian] as InlineArray<1, UInt64>
      guard let line = try transaction.value(last.span.rawSpan, in: .audit) else {
        throw .damaged("the last entry is missing")
      }
      guard let time = time(of: line) else { throw .damaged("the last entry cannot be read") }
      return AuditEnd(frontier: frontier, latestMilliseconds: time)
    }
  }

  /// Reads the frontier; nil where there is none.
  static func frontier(
    in transaction: borrowing some StoreReading & ~Copyable
  ) throws(AuditError) -> MerkleFrontier? {
    let key = AuditLog.frontierKey
    do throws(StorageError) {
      guard let bytes = try transaction.get(key.rawSpan, in: .meta) else { return nil }
      if let frontier = MerkleFrontier(encoded: bytes) { return frontier }
    } catch { throw .store(error) }
    throw .damaged("the frontier cannot be read")
  }

  private static func time(of line: RawSpan) -> Int64? {
    guard let document = try? JSONDocument(line),
      let node = document.member("time", of: document.root),
      let text = document.string(of: node)
    else { return nil }
    return RFC3339.unixMilliseconds(text)
  }
}

extension StoreReadTransaction {
  /// As `get`, with this target's error.
  @_lifetime(borrow self)
  func value(_ key: RawSpan, in table: Table) throws(AuditError) -> RawSpan? {
    do throws(StorageError) { return try get(key, in: table) } catch { throw .store(error) }
  }

  /// How many entries the table `audit` holds.
  func auditCount() throws(AuditError) -> UInt64 {
    do throws(StorageError) {
      return UInt64(try count(of: .audit))
    } catch { throw .store(error) }
  }
}
