import CLMDB

/// A named database of an environment: a handle, valid as long as its ``Environment``.
package struct Database: Equatable, Sendable {
  let identifier: MDB_dbi

  /// The database whose entries are the named databases of an environment.
  package static let names = Database(identifier: 1)
}
