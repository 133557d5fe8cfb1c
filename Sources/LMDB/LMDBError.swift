import CLMDB
import Glibc
import SystemCalls

/// What LMDB, or the system below it, answered to a call.
///
/// An error says which call failed and why, and nothing of keys or values.
package struct LMDBError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Why a call failed.
  package enum Kind: Equatable, Sendable {
    /// The map has no room left (`MDB_MAP_FULL`). The environment stays usable.
    case mapFull
    /// The disk has no room left (`ENOSPC`, `EDQUOT`). The environment stays usable.
    case noSpace
    /// The device failed (`EIO`). What was written may be lost although a later sync succeeds:
    /// nothing may be written to this environment any more.
    case ioError
    /// The environment had a fatal error before; only opening it anew helps (`MDB_PANIC`).
    case panic
    /// A page is not what its place in the tree says (`MDB_CORRUPTED`, `MDB_PAGE_NOTFOUND`).
    case corrupted
    /// A page of the file is not what its place in its tree says, or is in two places.
    case damaged(file: String, page: Int)
    /// The file is not an LMDB file, or its header is damaged (`MDB_INVALID`).
    case invalid
    /// The file is of another version of LMDB (`MDB_VERSION_MISMATCH`).
    case versionMismatch
    /// The file is shorter than the pages that its header counts. Reading it would be a `SIGBUS`.
    case truncated
    /// The configured map is smaller than what the file already uses.
    case mapTooSmall(neededBytes: Int)
    /// The file is to have, or has, more bytes than this process may write (`EFBIG`). The environment
    /// stays usable.
    case beyondFileSizeLimit
    /// The key exists, or does not follow the last one when appending (`MDB_KEYEXIST`).
    case keyExists
    /// An empty or overlong key, or a value past 4 GiB (`MDB_BAD_VALSIZE`).
    case badValueSize
    /// Every reader slot is in use (`MDB_READERS_FULL`).
    case readersFull
    /// More named databases than the environment was opened for (`MDB_DBS_FULL`).
    case databasesFull
    /// A database or an entry that has to be there is not (`MDB_NOTFOUND`).
    case notFound
    /// Too many changed pages in one transaction (`MDB_TXN_FULL`).
    case transactionFull
    /// The transaction failed before and can only be aborted (`MDB_BAD_TXN`).
    case transactionFailed
    /// Another process holds what the call needs (`EBUSY`, `EAGAIN`).
    case busy
    /// Any other error number of the system.
    case system(errno: Int32)
    /// Any other code of LMDB.
    case other(code: Int32)
  }

  /// The call that failed.
  package enum Call: String, Equatable, Sendable {
    case open, create, inspect, synchronize, information, readerCheck, openDatabase
    case begin, get, put, delete, clear, statistics, cursor, commit, allocate
  }

  package let kind: Kind
  package let call: Call

  package init(_ kind: Kind, in call: Call) {
    self.kind = kind
    self.call = call
  }

  /// The error for a `code` that an LMDB function returned: negative ones are LMDB's own, positive
  /// ones are `errno` values.
  package init(code: Int32, in call: Call) {
    self.init(Self.kind(of: code), in: call)
  }

  /// The error of a page that is not what its place in `file` says.
  static func damaged(_ file: String, at page: UInt64) -> LMDBError {
    LMDBError(.damaged(file: file, page: Int(clamping: page)), in: .inspect)
  }

  private static func kind(of code: Int32) -> Kind {
    switch code {
    case MDB_MAP_FULL: .mapFull
    case ENOSPC, EDQUOT: .noSpace
    case EFBIG: .beyondFileSizeLimit
    case EIO: .ioError
    case MDB_PANIC: .panic
    case MDB_CORRUPTED, MDB_PAGE_NOTFOUND: .corrupted
    case MDB_INVALID: .invalid
    case MDB_VERSION_MISMATCH: .versionMismatch
    case MDB_KEYEXIST: .keyExists
    case MDB_BAD_VALSIZE: .badValueSize
    case MDB_READERS_FULL: .readersFull
    case MDB_DBS_FULL: .databasesFull
    case MDB_NOTFOUND: .notFound
    case MDB_TXN_FULL: .transactionFull
    case MDB_BAD_TXN: .transactionFailed
    case EBUSY, EAGAIN: .busy
    default: code > 0 ? .system(errno: code) : .other(code: code)
    }
  }

  /// True when there is no room, in the map, on the disk or within a limit; the environment stays usable.
  package var isOutOfSpace: Bool {
    kind == .mapFull || kind == .noSpace || kind == .beyondFileSizeLimit
  }

  /// True when nothing may be written to the environment any more.
  package var endsWriting: Bool { kind == .ioError || kind == .panic }

  package var description: String { "LMDB \(call.rawValue): \(kind)" }

  /// What is wrong, in words for an operator; the call stands after it in parentheses.
  package var explanation: String { "\(kind.words) (LMDB \(call.rawValue))" }

  /// Throws unless `code` is success.
  static func check(_ code: Int32, in call: Call) throws(LMDBError) {
    guard code == MDB_SUCCESS else { throw LMDBError(code: code, in: call) }
  }
}

extension LMDBError.Kind {
  /// What is wrong, in words for an operator.
  fileprivate var words: String {
    switch self {
    case .mapFull: "no room is left in its greatest size"
    case .noSpace: "no room is left on its disk"
    case .ioError: "the disk reported an error, or wrote less than it should"
    case .panic: "an error before this one has ended its use"
    case .corrupted: "a page of it is damaged"
    case .damaged(let file, let page): "page \(page) of \(file) is damaged"
    case .invalid: "it is no LMDB file, or its header is damaged"
    case .versionMismatch: "it is of another version of LMDB"
    case .truncated: "it is shorter than its header says"
    case .mapTooSmall: "its greatest size is smaller than the file"
    case .beyondFileSizeLimit: "it is as large as this process may make a file"
    case .keyExists: "a key is there already"
    case .badValueSize: "a key or value is empty or too long"
    case .readersFull: "as many read it as may"
    case .databasesFull: "it has more tables than expected"
    case .notFound: "a table or entry is missing in it"
    case .transactionFull: "one transaction changed too many pages"
    case .transactionFailed: "its transaction had failed before"
    case .busy: "another process holds it"
    case .system(let errno): systemExplanation(errno)
    case .other(let code): "LMDB's code \(code)"
    }
  }
}
