package import AuditLog
package import Keyring
package import Storage
internal import SystemCalls

/// Why an operation of the administration could not be done.
package enum AdministrationError: Error, Equatable, Sendable {
  /// The request is none that this version knows, or one of its values has no valid form.
  case malformedRequest(String)
  /// The user who asks has no role.
  case notPermitted
  /// No role of the user who asks permits it.
  case roleNeeded(Right)
  /// The system could not say who the user is, with the `errno` of that.
  case accountUnknown(Int32)
  /// As many long operations are running as are allowed at once.
  case busy
  /// As many operations of the user who asks are running as one of their role may have.
  case busyWithOwn
  /// It cannot be done as things are; the text says what is in its way, and what helps.
  case refused(String)
  /// The configuration asks for a ticket with every change, and there is none.
  case ticketNeeded
  /// The key before a ceremony is still in force, for certain; the text says why.
  case notReplaced(String)
  /// The store could not be read or written.
  case store(StorageError)
  /// The audit log could not be read.
  case audit(AuditError)
  /// The keyring could not be opened, or a key cannot be changed in this way.
  case keyring(KeyringError)
  /// The configuration is not valid, or does not fit; the text says what.
  case misconfigured(String)
  /// A key or record could not be read; the text says what, without any of its content.
  case unavailable(String)
  /// There is no such thing; the text says what, and when there would be.
  case notFound(String)
  /// The one who asked has gone away.
  case abandoned
}

extension AdministrationError {
  /// What it means to whoever asked.
  package var kind: FailureKind {
    switch self {
    case .malformedRequest: .malformed
    case .misconfigured: .misconfigured
    case .notPermitted, .roleNeeded: .notPermitted
    case .busy, .busyWithOwn: .busy
    case .accountUnknown: .unavailable
    case .refused, .ticketNeeded: .refused
    case .notReplaced: .notReplaced
    case .notFound: .notFound
    case .store(let error), .audit(.store(let error)): error.kind
    case .keyring(let error): error.kind
    case .audit(.damaged), .audit(.malformedNote), .audit(.unverifiedNote), .audit(.cannotSign),
      .audit(.abandoned), .unavailable, .abandoned:
      .unavailable
    }
  }

  /// A sentence for the person who asked.
  package var detail: String {
    switch self {
    case .malformedRequest(let reason), .refused(let reason), .notReplaced(let reason),
      .unavailable(let reason), .notFound(let reason), .misconfigured(let reason):
      reason
    case .notPermitted:
      "this user has no role: neither operator nor auditor, custodian or monitor "
        + "(administration.operators, .auditors, .custodians, .monitors)"
    case .roleNeeded(let right): right.explanation
    case .ticketNeeded:
      "a change takes the number of its ticket here (administration.tickets is required): name it with "
        + "--ticket"
    case .accountUnknown(let errno):
      "your account could not be looked up (\(systemMessage(errno))), so your role is not known; try again"
    case .busy: "other long operations are running; try again when they have ended"
    case .busyWithOwn:
      "as many operations of this user are running as one may have (an auditor "
        + "\(AdminServer.Limits.longOperationsByAuditor) long ones, a monitor "
        + "\(AdminServer.Limits.operationsByMonitor)); try again when one of them has ended"
    case .store(let error), .audit(.store(let error)): error.explanation
    case .audit(.damaged(let reason)):
      "the audit log is damaged (\(reason)); run: cadenas audit verify"
    case .audit(.malformedNote(let reason)): "a signed note cannot be read: \(reason)"
    case .audit(.unverifiedNote(let reason)): "a signed note does not verify: \(reason)"
    case .audit(.cannotSign): "the system could not make a signature; try again"
    case .keyring(let error): error.explanation
    case .abandoned, .audit(.abandoned): "the one who asked has gone away"
    }
  }
}

extension Right {
  /// Whom it takes, for somebody of another role.
  fileprivate var explanation: String {
    switch self {
    case .watch: "this is for operators, auditors and monitors (administration.monitors)"
    case .enterShares: "shares are entered by custodians (administration.custodians)"
    case .audit: "this is for operators and auditors (administration.auditors)"
    case .operate: "this is for operators (administration.operators)"
    }
  }
}

extension StorageError {
  /// What it means to whoever asked.
  package var kind: FailureKind {
    switch self {
    case .alreadyInitialized, .alreadyExists: .refused
    case .mapTooSmall: .misconfigured
    case .locked, .notInitialized, .truncated, .damaged, .unknownFormat, .journalMissing,
      .needsJournal, .full, .noRoom,
      .overloaded, .stopped, .writingEnded, .cancelled, .fileReplaced, .engine, .system:
      .unavailable
    }
  }

  /// A sentence for an operator: what is wrong, and what helps.
  package var explanation: String {
    switch self {
    case .locked(let process):
      "the store is in use by " + (process.map { "process \($0)" } ?? "another process")
    case .notInitialized(let directory, []):
      "there is no store in \(directory); create it with: cadenas init"
    case .notInitialized(let directory, let remains):
      "there is no store in \(directory), and what a store leaves there is "
        + "(\(remains.joined(separator: ", "))): find out where cards.mdb has gone and put it back, or "
        + "restore a backup with: cadenas store restore. Where there never was one: cadenas init"
    case .alreadyInitialized(let directory): "there is a store in \(directory) already"
    case .alreadyExists(let file): "\(file) exists already, and is not overwritten"
    case .truncated(let file):
      "\(file) is shorter than it says: it has been cut off; restore a backup"
    case .damaged(let file, let block) where file.hasSuffix(".journal"):
      (block.map { "block \($0) of \(file)" } ?? file)
        + " is damaged: acknowledged operations stand there, or in another file of that name; put that back, "
        + "or restore a backup (cadenas store restore)"
    case .damaged(let file, let page?):
      "page \(page) of \(file) is damaged; restore a backup (cadenas store restore)"
    case .damaged(let file, nil): "\(file) is not a store of Cadenas, or it is damaged"
    case .unknownFormat(let file, let format):
      "\(file) has format \(format), which this version does not know"
    case .journalMissing(let file):
      "\(file) is missing, or is another store's: the store was not stopped, and acknowledged operations "
        + "stand there; put it back beside cards.mdb, or restore a backup (cadenas store restore)"
    case .needsJournal(let file):
      "\(file) is the file of a store that runs or was killed: its newest operations stand in its journal; "
        + "take a copy with cadenas store backup, or after a stop"
    case .mapTooSmall(let file, let neededBytes):
      "store.map_size is smaller than \(file), which needs \(neededBytes) bytes"
    case .full:
      "there is no room left in the store: make room on its disk, or store.map_size larger and "
        + "restart the service; cadenas check says which of them ends"
    case .noRoom(let file, let limit): "there is no room left for \(file): \(limit.remedy)"
    case .overloaded: "the store is overloaded; try again"
    case .stopped: "the store is stopped"
    case .writingEnded: "nothing is written any more until a restart; the service's log says why"
    case .cancelled: "the copy was stopped, and nothing has changed"
    case .fileReplaced(let file):
      "\(file) was deleted, renamed or replaced while the store was open, so nothing is written any "
        + "more; put the file back, or restore a backup with: cadenas store restore"
    case .engine(let failure): failure.explanation
    case .system(let call, let path, let errno):
      (path.map { "\($0): " } ?? "") + "\(call) failed: \(systemExplanation(errno))"
    }
  }
}

extension StoreRoom.Limit {
  /// What ends, and what helps.
  package var remedy: String {
    switch self {
    case .mapSize: "it is as large as store.map_size lets it become; make that larger"
    case .disk: "its disk is full; make room there"
    case .fileSize:
      "it is as large as this process may make a file; \(ResourceLimit.fileSize.remedy)"
    }
  }
}
