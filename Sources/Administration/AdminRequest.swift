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
  /// Entries of the audit log.
  case auditShow(AuditQuery)
  /// Recomputes the audit log.
  case auditVerify
  /// Sizes of the store.
  case storeStats
  /// Opens every record.
  case storeVerify
}

/// Which entries of the audit log are asked for.
package struct AuditQuery: Equatable, Sendable {
  /// What the entries have to have.
  package var filter = AuditFilter()
  /// How many at most, the newest ones; all where it is nil. They come from the newest to the
  /// oldest where it is given, in the order of the log where not.
  package var limit: Int?

  /// The most that a limit may ask for: whoever asks keeps them in memory to turn them round.
  package static let greatestLimit = 1_000_000

  /// Every entry.
  package init() {}
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
    case .status, .keysStatus, .storeStats, .keysReencryptStop, .keysCertificate, .keysPublicKey,
      .keysInventory:
      .document
    case .metrics: .metrics
    case .auditShow: .lines
    case .auditVerify, .storeVerify, .keysRotate, .keysReencrypt, .keysHistory: .progress
    }
  }

  /// What the audit log calls it; nil where it leaves no entry: it neither changes nor reads
  /// protected state.
  package var auditOperation: String? {
    switch self {
    case .status, .metrics, .keysPublicKey: nil
    case .keysStatus: "keys.status"
    case .keysCertificate: "keys.certificate"
    case .keysHistory: "keys.history"
    case .keysInventory: "keys.inventory"
    case .keysRotate: "keys.rotate"
    case .keysReencrypt, .keysReencryptStop: "keys.reencrypt"
    case .auditShow: "audit.show"
    case .auditVerify: "audit.verify"
    case .storeStats: "store.stats"
    case .storeVerify: "store.verify"
    }
  }

  /// Who may ask it.
  var leastRole: Role {
    switch self {
    case .status, .metrics, .keysStatus, .keysRotate, .keysReencrypt, .keysReencryptStop,
      .keysCertificate, .keysPublicKey, .keysHistory, .keysInventory,
      .auditShow, .auditVerify, .storeStats, .storeVerify:
      .auditor
    }
  }

  /// Whether it may take long, so that only a few run at a time.
  var isLong: Bool {
    switch self {
    case .status, .metrics, .keysStatus, .storeStats, .keysReencryptStop, .keysCertificate,
      .keysPublicKey, .keysInventory:
      false
    case .keysRotate, .keysReencrypt, .keysHistory, .auditShow, .auditVerify, .storeVerify: true
    }
  }
}
