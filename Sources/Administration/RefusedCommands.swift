package import AuditLog
internal import CardStore
internal import Keyring
internal import Storage
internal import VaultCore

/// A failure that has an entry of its own already, or whose entry another part writes.
struct RecordedFailure: Error {
  let cause: any Error
}

// What is kept of commands that came to nothing, whichever they are:
//
// - for want of a role, any of them: `refused`, `not-permitted`, by ``Operations/recordRefusal(of:actor:)``;
// - as things are (a key that is needed, a closed keyring, …): `refused`, and where something broke,
//   also when a part of it was done before: `failed`, both with `cause=WORD` and what it was about.
//
// Who is refused again and again fills nothing: past the limit of a minute they are counted. No entry
// is left by a command that leaves none where it is done, by one whose user has gone away, by a target
// that names no command, and by one that found others in its lane: those are logged.
extension Operations {
  /// Notes that `actor` has no role that permits `operation`. It is no part of the life of a key that they
  /// have named.
  package func recordRefusal(of operation: any AdminOperation, actor: AuditActor) throws {
    try hooks.recordRefusal?(
      AuditEntry(
        actor: actor, operation: operation.terms.audited, outcome: .refused,
        reason: "not-permitted"))
  }

  /// Notes that `operation` came to nothing.
  ///
  /// Where the entry cannot be written, what failed is told all the same: nothing was given out.
  func record(_ error: any Error, of operation: any AdminOperation, actor: AuditActor) {
    let failure = AdministrationError(any: error)
    guard failure != .abandoned else { return }
    try? hooks.recordRefusal?(
      AuditEntry(
        actor: actor, operation: operation.terms.audited, token: operation.subject.token,
        key: operation.subject.key, outcome: failure.kind.isRefusal ? .refused : .failed,
        reason: "cause=\(FailureWord.of(error, failure.kind))\(operation.subject.words)"))
  }
}

extension FailureKind {
  /// Whether nothing is broken: it was decided that it is not done.
  fileprivate var isRefusal: Bool {
    switch self {
    case .malformed, .notPermitted, .notFound, .refused, .notReplaced, .busy: true
    case .misconfigured, .unavailable: false
    }
  }
}

/// What entries call the cause of a failure.
private enum FailureWord {
  /// A word of its own for what an auditor asks about, otherwise that of the kind of failure.
  static func of(_ error: any Error, _ kind: FailureKind) -> String {
    switch error {
    case AdministrationError.ticketNeeded: "ticket-needed"
    case let error as VaultError: word(error) ?? kind.rawValue
    case let error as KeyringError: word(VaultError(error)) ?? kind.rawValue
    default: kind.rawValue
    }
  }

  private static func word(_ error: VaultError) -> String? {
    switch error {
    case .keyNeeded: "key-needed"
    case .sealed: "sealed"
    case .notSealed: "not-sealed"
    case .samePerson: "same-person"
    case .unknownApproval: "unknown-approval"
    case .tooManyApprovals: "too-many-approvals"
    case .ceremonyNeedsApproval: "approval-needed"
    case .heldByCustodians: "held-by-custodians"
    case .noCustodians: "no-custodians"
    case .upkeepUnderWay: "upkeep-under-way"
    case .store(.full), .store(.noRoom): "store-full"
    case .entryStays(_, let obstacle): obstacle.word
    case .keyring(let error): word(error)
    default: nil
    }
  }

  private static func word(_ error: KeyringError) -> String? {
    switch error {
    case .unknownKey, .keyNotInstalled: "unknown-key"
    case .wrongState: "wrong-state"
    case .rotationUnderWay: "rotation-under-way"
    case .rotatedTooOften: "rotated-too-often"
    case .keySource, .keyFileOwner, .keyFileMode, .keyFileSize, .keyFileExists,
      .keyEncryptionKeyMissing, .keyInForceMissing, .keyOutOfReach, .sourceRefuses:
      "key-source"
    case .keyringDoesNotOpen: "keyring-does-not-open"
    default: nil
    }
  }
}
