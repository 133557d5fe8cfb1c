import CardStore
import Cryptography
import Keyring
import Ledgers
import Storage

/// What clients are told of a failure, all of it here and without a `default`: who adds a failure
/// decides here.
extension Problem {
  /// The active data key has no seal left for what was asked. Pulls and deletions need none.
  package static let dataKeyUsedUp = Problem(
    .unavailable,
    detail: "The data key is used up: it has sealed as often as keys.most_seals allows. "
      + "An operator has to replace it (cadenas keys rotate data); then it goes on.")

  private static let systemUnavailable = Problem(
    .unavailable, detail: "The system gives no locked memory or no random bytes.")

  /// What the client is told.
  package init(of failure: VaultError) {
    switch failure {
    case .refused(let problem, _): self = problem
    case .sealed: self.init(.sealed)
    case .store(let error): self.init(of: error)
    case .keyring(let error): self.init(of: error)
    case .cards(let error): self.init(of: error)
    case .cryptography(let error): self.init(of: error)
    case .audit: self.init(internal: .auditLog)
    case .ledger, .malformedRow: self.init(internal: .damagedRow)
    // Operators ask for these; what a client asks cannot end so.
    case .notSealed, .noCustodians, .noReplacement, .replacementUnderWay, .heldByCustodians,
      .keyringHasChanged, .keyNeeded, .unknownApproval, .samePerson,
      .tooManyApprovals, .ceremonyNeedsApproval, .upkeepUnderWay, .tooManyBackups, .unknownBackup,
      .backupForgotten, .backupHasChanged,
      .unknownMerchant, .tooManyHoneytokens, .unknownHoneytoken, .archive, .entryStays:
      self.init(internal: .unexpected)
    }
  }
}

extension VaultError {
  /// The problem, where the failure is the request's own end and not that of its job: it has an entry,
  /// with a reason of its own where that is not the problem's name. Nil for a failure with which the
  /// job fails, so that nothing of it is in the store.
  package var refusal: (problem: Problem, reason: String?)? {
    switch self {
    case .refused(let problem, let reason): (problem, reason)
    case .cards, .keyring(.keyUsedUp), .ledger(.malformedRow), .ledger(.record),
      .ledger(.unknownKey):
      (Problem(of: self), nil)
    case .store, .keyring, .audit, .ledger, .cryptography, .malformedRow, .sealed, .notSealed,
      .noCustodians, .noReplacement, .replacementUnderWay, .heldByCustodians, .keyringHasChanged,
      .keyNeeded, .unknownApproval, .samePerson, .tooManyApprovals,
      .ceremonyNeedsApproval, .upkeepUnderWay, .tooManyBackups, .unknownBackup, .backupForgotten,
      .backupHasChanged, .unknownMerchant,
      .tooManyHoneytokens, .unknownHoneytoken, .archive, .entryStays:
      nil
    }
  }
}

extension Problem {
  private init(of error: StorageError) {
    switch error {
    case .full, .noRoom: self.init(.storeFull)
    case .overloaded: self.init(.overloaded)
    case .stopped: self.init(.shuttingDown)
    case .writingEnded:
      self.init(
        .unavailable, detail: "Nothing is written until the service is restarted; its log says why."
      )
    case .locked, .notInitialized, .alreadyInitialized, .alreadyExists, .truncated, .damaged,
      .unknownFormat, .journalMissing, .needsJournal, .mapTooSmall, .cancelled, .fileReplaced,
      .engine, .system:
      self.init(internal: .store)
    }
  }

  private init(of error: KeyringError) {
    switch error {
    case .keyUsedUp: self = .dataKeyUsedUp
    case .systemUnavailable: self = .systemUnavailable
    case .store(let error): self.init(of: error)
    case .keySource, .keyFileOwner, .keyFileMode, .keyFileSize, .keyEncryptionKeyMissing,
      .keyNotInstalled, .keyInForceMissing, .keyOutOfReach, .keyFileExists, .noKeyring,
      .keyringDoesNotOpen,
      .malformedKeyring, .noActiveKey,
      .unknownKey, .keyKnownAlready, .keyNotRandom, .wrongState, .rotationUnderWay,
      .rotatedTooOften, .tooManyKeys, .malformedTally, .custody, .sourceRefuses:
      self.init(internal: .keyring)
    }
  }

  private init(of error: CardStoreError) {
    switch error {
    case .recordDoesNotOpen, .unknownKey: self.init(internal: .damagedRecord)
    case .malformedRow: self.init(internal: .damagedRow)
    case .tokensExhausted: self.init(internal: .tokensExhausted)
    case .noSecretMemory: self.init(.overloaded)
    case .indexIsBehind:
      self.init(
        .storeFull,
        detail:
          "The index of card numbers has no room, so a known card cannot be told from a new one.")
    case .indexUnreadable:
      self.init(
        .unavailable, detail: "The index of card numbers is being built anew. Try again later.")
    case .indexUnproven:
      self.init(
        .unavailable,
        detail: "The index of card numbers is being compared with the records. Try again later.")
    case .store(let error): self.init(of: error)
    case .keys(let error): self.init(of: error)
    case .cipher(let error): self.init(of: error)
    }
  }

  private init(of error: CryptographyError) {
    switch error {
    case .entropyUnavailable, .memoryUnavailable: self = .systemUnavailable
    case .authenticationFailed, .malformedInput, .library: self.init(internal: .cryptography)
    }
  }
}
