import Bytes
import CLMDB
import Synchronization

/// Stands before LMDB's calls on an environment, so that LMDB touches no page of its file that has not
/// passed ``TreeReader``'s check.
///
/// A tree whose pages have all passed since the environment was opened is *proven*: what is added to it
/// later, this process writes itself. Of a tree that is not, the way to a key is read before each call,
/// and what lies beside it before an entry is removed. The names' tree and the free list are read at
/// opening.
final class TreeGuard: Sendable {
  static let namesIdentifier: MDB_dbi = 1

  private let file: PageFile
  /// The pages that passed at opening.
  private let checked: CheckedTrees
  /// One bit for each database that is proven.
  private let proven: Atomic<UInt64>
  /// The names of the databases that are open.
  private let names = Mutex<[MDB_dbi: [UInt8]]>([:])

  init(_ file: PageFile, _ checked: CheckedTrees) {
    self.file = file
    self.checked = checked
    // The free list and the names.
    proven = Atomic(0b11)
  }

  /// Notes that `database` is the tree `name`.
  func opened(_ database: Database, name: String) {
    let name = Array(name.utf8)
    names.withLock { $0[database.identifier] = name }
    switch checked {
    case .all: prove(database)
    case .some(let trees): if trees.contains(name) { prove(database) }
    }
  }

  /// Whether nothing has to be read before a call on `database`.
  func isProven(_ database: Database) -> Bool {
    proven.load(ordering: .relaxed) >> UInt64(database.identifier) & 1 == 1
  }

  /// Whether it is none of the two trees that the environment itself lives on.
  func isNamed(_ database: Database) -> Bool { database.identifier > Self.namesIdentifier }

  /// Notes that every page of `database` has been read since the environment was opened.
  func prove(_ database: Database) {
    proven.bitwiseOr(1 << UInt64(database.identifier), ordering: .relaxed)
  }

  /// A reader of `database` as it was when `transaction` began.
  func reader(
    of database: Database, in transaction: OpaquePointer, keeping kept: KeptPages? = nil
  ) throws(LMDBError) -> TreeReader {
    let name = names.withLock { $0[database.identifier] } ?? []
    var description = unsafe MDB_val()
    let status = unsafe name.rawSpan.withMutableValue { name in
      unsafe mdb_get(transaction, Self.namesIdentifier, &name, &description)
    }
    try LMDBError.check(status, in: .inspect)
    guard let tree = unsafe FileTree(description.span) else { throw file.damaged(at: 0) }
    return TreeReader(tree, of: file, kept: kept)
  }

  /// Reads the way to `key`, where the tree is not proven.
  @inline(__always)
  func check(
    wayTo key: RawSpan, in database: Database, of transaction: OpaquePointer
  ) throws(LMDBError) {
    if isProven(database) { return }
    unsafe try readWay(to: key, in: database, of: transaction)
  }

  private func readWay(
    to key: RawSpan, in database: Database, of transaction: OpaquePointer
  ) throws(LMDBError) {
    var reader = unsafe try reader(of: database, in: transaction)
    try reader.seek(key)
  }

  /// Reads every page of `database`, where that is not proven.
  func checkAll(of database: Database, in transaction: OpaquePointer) throws(LMDBError) {
    if isProven(database) { return }
    var reader = unsafe try reader(of: database, in: transaction)
    try reader.readAll()
  }
}
