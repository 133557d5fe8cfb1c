package import AuditLog
package import RecordFormat
package import Vault

/// Everything that can be asked of a running service on its administration socket.
package enum AdminRequest: Equatable, Sendable {
  /// How the service is.
  case status
  /// Its counters, for Prometheus.
  case metrics
  /// Every key.
  case keysStatus
  /// The certificate of a key that was replaced; the final one, or else the interim one, where no
  /// kind is named.
  case keysCertificate(KeyIdentifier, RotationCertificate.Kind?)
  /// The public keys of the audit log, and how they succeed each other.
  case keysPublicKey
  /// What happened to a key, or to every key.
  case keysHistory(KeyIdentifier?)
  /// Algorithms, protocols, certificates and keys that the program uses.
  case keysInventory
  /// A new key of a role; of a KEK, the one that the operator has installed, where it is named.
  case keysRotate(KeyRole, to: KeyIdentifier?)
  /// Moves every card to the active data key, at most so many a second; 0 sets no bound.
  case keysReencrypt(cardsPerSecond: UInt64)
  /// Stops moving cards.
  case keysReencryptStop
  /// Takes a key out of service.
  case keysRetire(KeyOrder, as: Vault.Retirement)
  /// Destroys a key, or tells what stands in its way.
  case keysDestroy(KeyOrder, execute: Bool)
  /// The requests that wait for another person.
  case approvals
  /// Approves a request, by its eight hexadecimal digits.
  case approve(String)
  /// Rejects a request, by its eight hexadecimal digits.
  case reject(String, because: KeyReason)
  /// Closes the keyring.
  case seal
  /// Opens the keyring, with what the key source has.
  case unseal
  /// A custodian's share, in the body as a ``ShareBody``.
  case share(ShareProgress.Purpose)
  /// Other custodians, in the body as a ``CustodyBody``; it goes on until they are in place.
  case ceremony
  /// The audit log.
  case audit(AuditRequest)
  /// Sizes of the store.
  case storeStats
  /// Opens every record.
  case storeVerify

  /// A key, and why something is to be done with it.
  package struct KeyOrder: Equatable, Sendable {
    package var key: KeyIdentifier
    package var reason: KeyReason

    /// Names a key and a reason.
    package init(key: KeyIdentifier, reason: KeyReason) {
      self.key = key
      self.reason = reason
    }
  }
  /// Backups and compaction.
  case store(StoreRequest)
  /// Honeytokens.
  case honeytokens(HoneytokenRequest)
}

extension AdminRequest {
  /// How an answer comes.
  enum Form: Sendable {
    /// One JSON document.
    case document
    /// Text in the format of Prometheus.
    case metrics
    /// The lines of the log as they are.
    case lines
    /// JSON lines: `{"progress":{"done","total"}}` any number of times, then `{"result":…}` or
    /// `{"error":…}`.
    case progress
  }

  var form: Form {
    switch self {
    case .status, .keysStatus, .storeStats, .keysReencryptStop, .keysRetire, .approvals, .reject,
      .keysCertificate, .keysPublicKey, .keysInventory:
      .document
    case .keysDestroy(_, let execute): execute ? .progress : .document
    case .metrics: .metrics
    case .audit(let request): request.form
    case .storeVerify, .keysRotate, .keysReencrypt, .keysHistory,
      .approve, .seal, .unseal, .share, .ceremony:
      .progress
    case .store(let request): request.form
    case .honeytokens: .document
    }
  }

  /// What the audit log calls it; nil where it leaves no entry: it neither changes nor reads
  /// protected state.
  package var auditOperation: AuditOperation? {
    switch self {
    case .status, .metrics, .keysPublicKey: nil
    case .keysStatus: .keysStatus
    case .keysCertificate: .keysCertificate
    case .keysHistory: .keysHistory
    case .keysInventory: .keysInventory
    case .keysRotate: .keysRotate
    case .keysReencrypt, .keysReencryptStop: .keysReencrypt
    case .keysRetire(_, .deactivated): .keysDeactivate
    case .keysRetire(_, .compromised): .keysCompromise
    case .keysDestroy: .keysDestroy
    case .approvals: .approvals
    case .approve: .approve
    case .reject: .reject
    case .seal: .seal
    case .share(.unseal): .unsealShare
    case .share(.replacement): .ceremonyShare
    case .ceremony: .ceremony
    case .unseal: .unseal
    case .audit(let request): request.auditOperation
    case .storeStats: .storeStats
    case .storeVerify: .storeVerify
    case .store(let request): request.auditOperation
    case .honeytokens(let request): request.auditOperation
    }
  }

  /// Who may ask it.
  var leastRole: Role {
    switch self {
    case .status, .metrics, .keysStatus, .keysRotate, .keysReencrypt, .keysReencryptStop,
      .keysCertificate, .keysPublicKey, .keysHistory, .keysInventory, .keysRetire, .approvals,
      .approve, .reject, .storeStats, .storeVerify:
      .auditor
    case .audit(let request): request.leastRole
    case .keysDestroy(_, let execute): execute ? .operator : .auditor
    case .share: .auditor
    case .seal, .unseal, .ceremony: .operator
    case .store(let request): request.leastRole
    case .honeytokens(let request): request.leastRole
    }
  }

  /// Whether a store that no service works with has to be opened for writing.
  package var isWriting: Bool {
    if case .store(let request) = self { request.isWriting } else { false }
  }

  /// Where a request waits for its turn. Each lane has threads of its own, so that those who wait for
  /// something long never keep somebody from closing the vault.
  enum Lane: CaseIterable, Sendable {
    /// What is answered at once.
    case short
    /// What reads everything, or watches long work.
    case long
    /// What goes on until who asks has seen enough: entries that are followed.
    case watching
    /// What persons do together: shares, ceremonies, approvals.
    case persons
    /// What must not wait: seal, compromise.
    case urgent

    /// Threads, which is how many may run at a time; past it, all but the short ones are refused.
    var threads: Int {
      switch self {
      case .short, .urgent, .watching: 2
      case .long: 4
      case .persons: 6
      }
    }
  }

  /// Where it waits.
  var lane: Lane {
    switch self {
    case .status, .metrics, .keysStatus, .storeStats, .keysReencryptStop, .keysCertificate,
      .keysPublicKey, .keysInventory, .approvals, .reject:
      .short
    case .keysRotate, .keysReencrypt, .keysHistory, .keysDestroy, .storeVerify: .long
    case .audit(let request): request.lane
    case .approve, .unseal, .share, .ceremony: .persons
    case .seal, .keysRetire: .urgent
    case .store(let request): request.isLong ? .long : .short
    case .honeytokens: .short
    }
  }
}
