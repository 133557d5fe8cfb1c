internal import AuditLog
internal import CardStore
internal import Cryptography
internal import Keyring
internal import Ledgers
internal import RecordFormat
internal import SecretMemory
internal import Storage
internal import VaultCore
internal import VaultManagement

/// Why the vault did not do what an operator asked, where that takes more than a line.
private enum Sentence {
  static let approvalNeeded =
    "another person has to approve this very ceremony first (administration.approvals.ceremony); see: "
    + "cadenas approvals"
  static let noReplacement =
    "no new custodians wait for the agreement of the present ones; the ceremony is begun with: "
    + "cadenas keys ceremony replace"
  static let hasChanged =
    "is not what it was on record when it was asked for: reject the request, and ask again"
}

extension AdministrationError {
  /// What an error of any part below amounts to.
  init(any error: any Error) {
    // Of other errors only the kind is told: a description could name anything.
    self =
      AdministrationError(known: error) ?? .unavailable("the operation failed (\(type(of: error)))")
  }

  /// What an error amounts to; nil for one of none of the parts below.
  package init?(known error: any Error) {
    switch error {
    case let error as AdministrationError: self = error
    case let error as StorageError: self = .store(error)
    case let error as AuditError: self.init(VaultError(error))
    case let error as KeyringError: self.init(VaultError(error))
    case let error as CardStoreError: self.init(VaultError(error))
    case let error as LedgerError: self.init(VaultError(error))
    case let error as VaultError: self.init(error)
    case is SecretMemoryError: self = .keyring(.systemUnavailable)
    default: return nil
    }
  }

  /// What an error of the vault amounts to.
  init(_ error: VaultError) {
    switch error {
    case .store(let error): self = .store(error)
    case .keyring(let error): self = .keyring(error)
    case .audit(let error): self = error == .abandoned ? .abandoned : .audit(error)
    case .cards(.indexUnreadable):
      self = .unavailable("index.mdb cannot be read; it is built anew when the store is served")
    case .cards(.indexIsBehind):
      self = .unavailable(
        "index.mdb has no room left: make room on the store's disk, or store.map_size larger and "
          + "restart the service; cadenas status says how much is missing")
    case .cards(.noSecretMemory), .cryptography(.entropyUnavailable),
      .cryptography(.memoryUnavailable):
      self = .keyring(.systemUnavailable)
    case .cryptography: self = .unavailable("a computation in libcrypto failed")
    case .cards, .ledger, .malformedRow:
      self = .unavailable("a row of the store is damaged; run: cadenas store verify")
    // What a client asks is not asked here.
    case .refused(let problem, _): self = .refused(problem.name.title)
    case .archive(let problem): self = .refused(problem.explanation)
    case .sealed: self = .unavailable("the keyring is closed; open it with: cadenas unseal")
    case .notSealed: self = .refused("the keyring is open already")
    case .noCustodians:
      self = .refused("nobody holds a share of this vault's key: its source keeps it whole")
    case .noReplacement: self = .refused(Sentence.noReplacement)
    case .replacementUnderWay:
      self = .refused("another ceremony waits for the present custodians")
    case .heldByCustodians:
      self = .refused(
        "custodians hold the key, and it is replaced with their agreement: cadenas keys ceremony "
          + "replace")
    case .keyringHasChanged: self = .refused("the keyring was changed meanwhile; try again")
    case .keyNeeded(let key, let needs):
      self = .refused(
        "the key \(key.text) is still needed: " + needs.sentences.joined(separator: "; "))
    case .unknownApproval:
      self = .refused("no request of this identifier waits; see: cadenas approvals")
    case .samePerson:
      self = .refused("you have asked for it or approved it already: it takes a different person")
    case .tooManyApprovals:
      self = .refused("as many requests wait as may; reject some first: cadenas approvals")
    case .ceremonyNeedsApproval: self = .refused(Sentence.approvalNeeded)
    case .upkeepUnderWay: self = .busy
    case .tooManyBackups:
      self = .refused(
        "\(StoreUpkeep.mostBackups) backups are on record; forget those whose file is destroyed")
    case .unknownBackup(let backup): self = .refused("no backup \(backup.text) is on record")
    case .backupForgotten(let backup):
      self = .refused("the backup \(backup.text) was forgotten before")
    case .backupHasChanged(let backup):
      self = .refused("the backup \(backup.text) " + Sentence.hasChanged)
    case .unknownMerchant(let known):
      self = .refused(
        known.isEmpty
          ? "the configuration in force has no merchant"
          : "the configuration in force has no merchant of this name; it has: "
            + known.joined(separator: ", "))
    case .tooManyHoneytokens:
      self = .refused(
        "\(Honeytoken.most) honeytokens are planted; remove some first: cadenas honeytoken list")
    case .unknownHoneytoken:
      self = .notFound("this token is no honeytoken; see: cadenas honeytoken list")
    case .entryStays(let entry, let obstacle):
      self =
        obstacle.isAbsence
        ? .notFound("\(entry.text): \(obstacle.sentence)")
        : .refused("\(entry.text) stays: \(obstacle.sentence)")
    }
  }
}

extension KeyNeeds {
  /// What needs the key, and what helps, one sentence each.
  var sentences: [String] {
    var sentences: [String] = []
    if cards > 0 {
      sentences.append(
        (cards == 1 ? "1 card stands" : "\(cards) cards stand")
          + " under it (move with: cadenas keys reencrypt)")
    }
    if answers > 0 {
      sentences.append(
        (answers == 1 ? "1 remembered request needs" : "\(answers) remembered requests need")
          + " it (they end by themselves within 24 hours, but for damaged ones, which cadenas store verify "
          + "names; answers move with: cadenas keys reencrypt)"
      )
    }
    if isBeingReplaced {
      sentences.append("cards are still found by it, until its successor has seen every card")
    }
    if !backups.isEmpty {
      sentences.append(
        (backups.count == 1
          ? "the backup \(backups[0]) needs"
          : "the backups "
            + backups.joined(separator: ", ") + " need")
          + " it (destroy every copy, then: cadenas store backup forget ID)")
    }
    return sentences
  }
}
