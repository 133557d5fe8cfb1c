import CLMDB

/// A named database of an environment: a handle, valid as long as its ``Environment``.
package struct Database: Equatable, Sendable {
  let identifier: MDB_dbi

  /// The database whose entries are the named databases of an environment.
  package static let names = Database(identifier: 1)
}

/// How much a database holds.
package struct DatabaseStatistics: Equatable, Sendable {
  package let entryCount: Int
  /// Pages of its tree, overflow pages included.
  package let pageCount: Int
  package let depth: Int
}

/// How a value is put.
package struct PutOptions: OptionSet, Sendable {
  package let rawValue: UInt32

  package init(rawValue: UInt32) { self.rawValue = rawValue }

  /// The key is greater than all others; fails with ``LMDBError/Kind/keyExists`` when it is not.
  /// Much faster than a search, and fills pages whole.
  package static let append = PutOptions(rawValue: UInt32(MDB_APPEND))
}
