package import Storage

/// What can go wrong with the audit log, and with what it signs.
package enum AuditError: Error, Equatable, Sendable, StoreFailure {
  /// The store could not be read or written.
  case store(StorageError)
  /// What the log keeps about itself does not fit what it holds, or cannot be read. Nothing may be
  /// appended to such a log: run `cadenas audit verify`.
  case damaged(String)
  /// Whoever asked has said, when told of the progress, that it need not go on.
  case abandoned
  /// A text is no signed note, or what stands in one does not have its form; says what is wrong.
  case malformedNote(String)
  /// A note is not signed by whom it should be; says what is wrong.
  case unverifiedNote(String)
  /// The system could not make a signature.
  case cannotSign
}
