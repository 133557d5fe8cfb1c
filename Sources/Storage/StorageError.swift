import Glibc
import LMDB
package import SystemCalls

/// An error type that can hold one of the store's; an enum's case `store(StorageError)` says so.
package protocol StoreFailure: Error {
  /// The failure that is `error`.
  static func store(_ error: StorageError) -> Self
}

extension StorageError: StoreFailure {
  package static func store(_ error: StorageError) -> StorageError { error }
}

/// Why the store could not be created, opened, read or written.
package enum StorageError: Error, Equatable, Sendable {
  /// Another process (its id where the lock file names one) has the store open.
  case locked(byProcess: Int32?)
  /// There is no store in the directory; the names of files in it that only a store leaves there.
  case notInitialized(directory: String, remains: [String] = [])
  /// There is a store in the directory already.
  case alreadyInitialized(directory: String)
  /// There is a file already where a new one was to be written.
  case alreadyExists(file: String)
  /// The file is shorter than what its header counts.
  case truncated(file: String)
  /// The file is not what it should be: no LMDB file, one without the store's own marks, or, where a page
  /// is named, with a page that is not what its place says.
  case damaged(file: String, page: Int? = nil)
  /// The store was written by a version of Cadenas whose format this one does not know.
  case unknownFormat(file: String, format: UInt8)
  /// The store was not stopped, and its journal, in which acknowledged operations stand, is missing or that of
  /// another one.
  case journalMissing(file: String)
  /// The file is that of a store that runs or was killed: its newest operations are in its journal.
  case needsJournal(file: String)
  /// The configured map is smaller than the file.
  case mapTooSmall(file: String, neededBytes: Int)
  /// There is no room, in the map or on the disk, beside what is reserved.
  case full
  /// There is no room for a file that was to be made or opened, and what ends first.
  case noRoom(file: String, StoreRoom.Limit)
  /// The writer's queue has no room.
  case overloaded
  /// The writer was not started, or has been stopped.
  case stopped
  /// The disk or the engine failed, so nothing is written any more until the process has been restarted.
  case writingEnded
  /// The caller's progress closure returned false, so the copy was given up and removed.
  case cancelled
  /// The file was deleted, renamed or replaced while the store was open.
  case fileReplaced(file: String)
  /// The engine below refused a call.
  case engine(EngineFailure)
  /// A system call failed, on a file or directory where one is named.
  case system(call: String, path: String? = nil, errno: Int32)

  /// The store's word for an error of LMDB inside a transaction.
  init(_ error: LMDBError) {
    self =
      switch error.kind {
      case .mapFull, .noSpace, .beyondFileSizeLimit: .full
      case .ioError, .panic: .writingEnded
      case .damaged(let file, let page): .damaged(file: file, page: page)
      default: .engine(EngineFailure(error: error))
      }
  }

  /// Whether it says that a file is not what was written.
  package var tellsOfDamage: Bool {
    switch self {
    case .damaged, .truncated: true
    case .engine(let failure): failure.tellsOfDamage
    case .locked, .notInitialized, .alreadyInitialized, .alreadyExists, .unknownFormat,
      .journalMissing, .needsJournal, .mapTooSmall, .full, .noRoom, .overloaded, .stopped,
      .writingEnded, .cancelled, .fileReplaced,
      .system:
      false
    }
  }

  /// Where the damage is that it tells of: a page, where one is named.
  package var placeOfDamage: String {
    if case .damaged(_, let page?) = self { "page=\(page)" } else { "file" }
  }

  /// The error for a call of the system that failed.
  package init(_ failure: SystemFailure) {
    self = .system(call: failure.call, errno: failure.errno)
  }

  /// What LMDB said of `file` when it ended all writing.
  init(cause: LMDBError, of file: String) {
    self = .engine(EngineFailure(error: cause, file: file))
  }

  /// The store's word for an error of LMDB while `file` was opened.
  init(_ error: LMDBError, opening file: String) {
    self =
      switch error.kind {
      case .truncated: .truncated(file: file)
      case .damaged(let file, let page): .damaged(file: file, page: page)
      case .invalid, .versionMismatch, .corrupted, .notFound: .damaged(file: file)
      case .mapTooSmall(let neededBytes): .mapTooSmall(file: file, neededBytes: neededBytes)
      case .beyondFileSizeLimit: .noRoom(file: file, .fileSize)
      case .mapFull: .noRoom(file: file, .mapSize)
      case .noSpace: .noRoom(file: file, .disk)
      default: .engine(EngineFailure(error: error, file: file))
      }
  }
}

extension StorageError {
  /// Whether room is missing, so that there is nothing wrong with a file.
  package var isOfRoom: Bool {
    switch self {
    case .full, .noRoom: true
    default: false
    }
  }

  /// The word for an error met while the new file `draft`, which is still there, was written: whatever
  /// its device does, no store has failed.
  ///
  /// - Parameter mapSize: what the file may grow to.
  func making(_ draft: String, mapSize: Int) -> StorageError {
    switch self {
    case .full, .noRoom(_, .mapSize):
      .noRoom(file: draft, Files.limit(of: draft, mapSize: mapSize))
    // LMDB calls it EIO when a part of what was to be written has had room.
    case .writingEnded where Files.haveNoRoom(beside: draft): .noRoom(file: draft, .disk)
    case .writingEnded: .system(call: "write", path: draft, errno: EIO)
    default: self
    }
  }
}

/// What the engine answered to a call, in its own words: which call failed and why, and nothing of
/// keys or values.
package struct EngineFailure: Equatable, Sendable, CustomStringConvertible {
  let error: LMDBError
  /// The file that it was about, where that is known.
  var file: String?

  /// Whether it says that what was read is not what the engine had written, rather than that there
  /// was something it could not get: memory, a place among the readers.
  package var tellsOfDamage: Bool {
    switch error.kind {
    case .corrupted, .damaged, .invalid, .versionMismatch, .truncated, .notFound, .other,
      // LMDB's word in a new transaction, where it looked for the table and met a damaged page.
      .transactionFailed:
      true
    case .mapFull, .noSpace, .ioError, .panic, .mapTooSmall, .beyondFileSizeLimit, .keyExists,
      .badValueSize,
      .readersFull, .databasesFull, .transactionFull, .busy, .system:
      false
    }
  }

  package var description: String { error.description }

  /// A sentence for an operator.
  package var explanation: String {
    "\(file ?? "the store") cannot be read or written: \(error.explanation)"
  }
}

/// What `body` returns; LMDB's error becomes the store's.
@inline(__always)
func engine<R: ~Copyable>(
  _ body: @autoclosure () throws(LMDBError) -> R
) throws(StorageError) -> R {
  do throws(LMDBError) { return try body() } catch { throw StorageError(error) }
}
