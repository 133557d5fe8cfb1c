package import Storage

/// What can go wrong with the audit log, and with what it signs.
package enum AuditError: StoreFailure, Equatable, Sendable {
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

/// Why a verification of a log ends before its end.
enum VerificationStop: StoreFailure {
  /// Something is wrong with the log.
  case finding(AuditVerification.Finding)
  /// Lines were archived while they were verified.
  case archivedMeanwhile
  case failure(AuditError)

  static func store(_ error: StorageError) -> VerificationStop { .failure(.store(error)) }

  static func finding(
    _ sequence: UInt64, _ reason: AuditVerification.Reason
  ) -> VerificationStop {
    .finding(.init(sequence: sequence, reason: reason))
  }
}

/// What `body` returns; the store's error becomes the log's.
@inline(__always)
func onStore<R>(
  _ body: @autoclosure () throws(StorageError) -> R
) throws(AuditError) -> R {
  do throws(StorageError) { return try body() } catch { throw .store(error) }
}

/// What `body` returns; its finding ends the verification.
func finding<R>(
  _ body: @autoclosure () throws(AuditVerification.Finding) -> R
) throws(VerificationStop) -> R {
  do throws(AuditVerification.Finding) { return try body() } catch { throw .finding(error) }
}

/// What `body` returns; its error ends the verification.
func reading<R>(
  _ body: @autoclosure () throws(AuditError) -> R
) throws(VerificationStop) -> R {
  do throws(AuditError) { return try body() } catch { throw .failure(error) }
}
