package import AuditLog
package import Keyring
internal import RecordFormat
package import Storage

/// Why an operation of the administration could not be done.
package enum AdministrationError: Error, Equatable, Sendable {
  /// The request is none that this version knows, or one of its values has no valid form.
  case malformedRequest(String)
  /// The user who asks has no role that permits it.
  case notPermitted
  /// The user who asks is an auditor, and it takes an operator.
  case operatorNeeded
  /// As many long operations are running as are allowed at once.
  case busy
  /// It cannot be done as things are; the text says what is in its way, and what helps.
  case refused(String)
  /// The key before a ceremony is still in force, for certain; the text says why.
  case notReplaced(String)
  /// The store could not be read or written.
  case store(StorageError)
  /// The audit log could not be read.
  case audit(AuditError)
  /// The keyring could not be opened, or a key cannot be changed in this way.
  case keyring(KeyringError)
  /// A key or record could not be read; the text says what, without any of its content.
  case unavailable(String)
  /// There is no such thing; the text says what, and when there would be.
  case notFound(String)
  /// The one who asked has gone away.
  case abandoned
}

extension AdministrationError {
  /// The name of the problem that says that new shares are worth nothing.
  package static let notReplacedName = "not-replaced"

  /// The name of the problem in an answer.
  var name: String {
    switch self {
    case .malformedRequest: "malformed-request"
    case .notPermitted, .operatorNeeded: "not-permitted"
    case .busy: "busy"
    case .refused: "refused"
    case .notReplaced: Self.notReplacedName
    case .keyring(let error) where error.isRefusal: "refused"
    case .notFound: "not-found"
    case .store, .audit, .keyring, .unavailable, .abandoned: "unavailable"
    }
  }

  /// The HTTP status of the answer.
  var status: Int {
    switch self {
    case .malformedRequest: 400
    case .notPermitted, .operatorNeeded: 403
    case .refused, .notReplaced: 409
    case .keyring(let error) where error.isRefusal: 409
    case .notFound: 404
    case .busy, .store, .audit, .keyring, .unavailable, .abandoned: 503
    }
  }

  /// A sentence for the person who asked.
  package var detail: String {
    switch self {
    case .malformedRequest(let reason): reason
    case .notPermitted:
      "this user is neither operator nor auditor (administration.operators, .auditors)"
    case .operatorNeeded:
      "this is for operators, and this user is an auditor (administration.operators)"
    case .busy: "other long operations are running; try again when they have ended"
    case .refused(let reason), .notReplaced(let reason): reason
    case .store(let error), .audit(.store(let error)): error.explanation
    case .audit(.damaged(let reason)):
      "the audit log is damaged (\(reason)); run: cadenas audit verify"
    case .audit(.malformedNote(let reason)): "a signed note cannot be read: \(reason)"
    case .audit(.unverifiedNote(let reason)): "a signed note does not verify: \(reason)"
    case .audit(.cannotSign): "the system could not make a signature; try again"
    case .keyring(let error): error.explanation
    case .unavailable(let reason), .notFound(let reason): reason
    case .abandoned, .audit(.abandoned): "the one who asked has gone away"
    }
  }
}

extension StorageError {
  /// A sentence for an operator: what is wrong, and what helps.
  package var explanation: String {
    switch self {
    case .locked(let process):
      "the store is in use by " + (process.map { "process \($0)" } ?? "another process")
    case .notInitialized(let directory):
      "there is no store in \(directory); create it with: cadenas init"
    case .alreadyInitialized(let directory): "there is a store in \(directory) already"
    case .alreadyExists(let file): "\(file) exists already, and is not overwritten"
    case .truncated(let file):
      "\(file) is shorter than it says: it has been cut off; restore a backup"
    case .damaged(let file): "\(file) is not a store of Cadenas, or it is damaged"
    case .unknownFormat(let file, let format):
      "\(file) has format \(format), which this version does not know"
    case .mapTooSmall(let file, let neededBytes):
      "store.map_size is smaller than \(file), which needs \(neededBytes) bytes"
    case .full: "there is no room left, on the disk or in store.map_size"
    case .overloaded: "the store is overloaded; try again"
    case .stopped: "the store is stopped"
    case .writingEnded: "the disk failed: nothing is written any more until a restart"
    case .cancelled: "the copy was stopped, and nothing has changed"
    case .engine(let failure): "the store cannot be read or written (\(failure))"
    case .system(let call, let errno): "\(call) failed: \(systemMessage(errno))"
    }
  }
}

extension KeyringError {
  /// Whether all is well, and what was asked goes against the state of a key.
  var isRefusal: Bool {
    switch self {
    case .unknownKey, .keyKnownAlready, .keyNotRandom, .wrongState, .rotationUnderWay,
      .rotatedTooOften, .tooManyKeys, .keyUsedUp:
      true
    case .keySource, .keyFileOwner, .keyFileMode, .keyFileSize, .keyEncryptionKeyMissing,
      .keyFileExists, .noKeyring, .keyringDoesNotOpen, .malformedKeyring, .noActiveKey,
      .malformedTally, .systemUnavailable, .custody(.malformedSet), .store:
      false
    case .custody: true
    }
  }

  /// A sentence for an operator: what is wrong, and what helps.
  package var explanation: String {
    switch self {
    case .keySource(let path, let errno):
      "the key source \(path) cannot be used: \(systemMessage(errno))"
    case .keyFileOwner(let path, let owner):
      "\(path) belongs to the user \(owner), who could replace the key; it has to be the service's "
        + "own, or root's"
    case .keyFileMode(let path, let mode):
      "\(path) has mode \(String(mode, radix: 8)), so others than its owner may use the key; "
        + "run: chmod 600 \(path)"
    case .keyFileSize(let path, let size): "\(path) has \(size) bytes; a key has 32"
    case .keyEncryptionKeyMissing(let identifier, let directory):
      "the keyring is wrapped under key \(identifier.text), and \(directory) has no "
        + "\(identifier.text).kek"
    case .keyFileExists(let path): "\(path) exists already, and a key is never replaced"
    case .noKeyring: "the store has no keyring"
    case .keyringDoesNotOpen(let identifier):
      "the keyring does not open under key \(identifier.text): the key file is another one's, or "
        + "the store is damaged"
    case .malformedKeyring: "the keyring opens and breaks its own rules; restore a backup"
    case .noActiveKey(let role): "no \(role.name) key is active"
    case .unknownKey(let identifier): "there is no key \(identifier.text)"
    case .keyKnownAlready(let identifier):
      "the key \(identifier.text) is or was in use already; install another one"
    case .keyNotRandom(let identifier):
      "the key \(identifier.text) is one byte again and again; draw 32 random bytes for it"
    case .wrongState(let identifier, let state):
      "the key \(identifier.text) is \(state.name), and this cannot be done with it"
    case .rotationUnderWay(let role):
      "the \(role.name) key is being replaced already; wait for the end, which cadenas status shows"
    case .rotatedTooOften(let role):
      "\(role.name) keys have been rotated \(KeyringChange.mostRotationsInADay) times in a day; try "
        + "again tomorrow"
    case .tooManyKeys: "the keyring holds as many keys as fit"
    case .keyUsedUp(let identifier):
      "the key \(identifier.text) has sealed as often as it may; run: cadenas keys rotate data"
    case .malformedTally: "a count of cards or uses is damaged; run: cadenas store verify"
    case .custody(let problem): problem.explanation
    case .store(let error): error.explanation
    case .systemUnavailable:
      "the system gives no locked memory or no random bytes; raise LimitMEMLOCK (ulimit -l)"
    }
  }
}
