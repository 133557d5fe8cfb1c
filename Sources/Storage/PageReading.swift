import Bytes
import LMDB

extension Store {
  private static let entriesPerRead = 1_000

  /// Goes through every entry of `table`, in short snapshots while others may write, and with that through
  /// each of its pages: one that is not what its place says is an error.
  ///
  /// - Parameter goesOn: asked after each; false gives up.
  /// - Returns: false where it was given up.
  /// - Throws: ``StorageError/damaged(file:page:)``.
  package func readPages(
    of table: Table, goesOn: () -> Bool = { true }
  ) throws(StorageError) -> Bool {
    var position: [UInt8]?
    repeat {
      let start = position ?? []
      let isFirst = position == nil
      position = nil
      var count = 0
      try read { (transaction) throws(StorageError) in
        try transaction.forEach(
          in: table, from: isFirst ? nil : start.rawSpan
        ) { (key, _) throws(StorageError) in
          count += 1
          guard count > Self.entriesPerRead else { return true }
          position = key.array
          return false
        }
      }
      guard goesOn() else { return false }
    } while position != nil
    notePagesRead(of: table)
    return true
  }
}

extension StorageError {
  /// Whether it says that a file is not what was written.
  package var tellsOfDamage: Bool {
    switch self {
    case .damaged, .truncated: true
    case .engine(let failure): failure.tellsOfDamage
    case .locked, .notInitialized, .alreadyInitialized, .alreadyExists, .unknownFormat,
      .mapTooSmall, .full, .noRoom, .overloaded, .stopped, .writingEnded, .cancelled, .fileReplaced,
      .system:
      false
    }
  }
}
