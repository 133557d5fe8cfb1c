package import Storage

/// What can go wrong with the audit log.
package enum AuditError: Error, Equatable, Sendable {
  /// The store could not be read or written.
  case store(StorageError)
  /// What the log keeps about itself does not fit what it holds, or cannot be read. Nothing may be
  /// appended to such a log: run `cadenas audit verify`.
  case damaged(String)
  /// Whoever asked has said, when told of the progress, that it need not go on.
  case abandoned
}
