internal import RecordFormat
internal import Vault

extension AdministrationError {
  /// What an error of the vault amounts to.
  init(_ error: VaultError) {
    switch error {
    case .sealed: self = .unavailable("the keyring is closed; open it with: cadenas unseal")
    case .notSealed: self = .refused("the keyring is open already")
    case .paymentsUnderWay:
      self = .refused("payments still wait for their acquirer; nothing was closed: try again")
    case .keyNeeded(let key, let needs):
      self = .refused(
        "the key \(key.text) is still needed: " + needs.sentences.joined(separator: "; "))
    case .cardsLeft(let key): self = .refused("cards stand under the key \(key.text) still")
    case .unknownApproval:
      self = .refused("no request of this identifier waits; see: cadenas approvals")
    case .samePerson:
      self = .refused("you have asked for it or approved it already: it takes a different person")
    case .tooManyApprovals:
      self = .refused("as many requests wait as may; reject some first: cadenas approvals")
    case .upkeepUnderWay: self = .busy
    case .tooManyBackups:
      self = .refused(
        "\(StoreUpkeep.mostBackups) backups are on record; forget those whose file is destroyed")
    case .unknownBackup(let backup): self = .refused("no backup \(backup.text) is on record")
    case .backupForgotten(let backup):
      self = .refused("the backup \(backup.text) was forgotten before")
    case .malformedRow, .unknownKey:
      self = .unavailable("a row of the store is damaged; run: cadenas store verify")
    }
  }
}

extension KeyNeeds {
  /// What needs the key, and what helps, one sentence each.
  var sentences: [String] {
    var sentences: [String] = []
    if cards > 0 {
      sentences.append("\(cards) cards stand under it (move them with: cadenas keys reencrypt)")
    }
    if answers > 0 {
      sentences.append(
        "\(answers) remembered requests need it (they end by themselves within 24 hours; answers "
          + "move with: cadenas keys reencrypt)")
    }
    if isBeingReplaced {
      sentences.append("cards are still found by it, until its successor has seen every card")
    }
    if !backups.isEmpty {
      sentences.append(
        "the backups \(backups.joined(separator: ", ")) need it (destroy them, then: cadenas store "
          + "backup forget ID)")
    }
    return sentences
  }
}
