/// What was asked for, or what the vault notes: the member `operation` of the entries that this vault
/// writes. The raw value is the word in the log.
///
/// In this order they are offered to whoever misspells one in a rule of alarms.
package enum AuditOperation: String, CaseIterable, Sendable {
  case tokenize, detokenize, delete
  /// A request that was refused before its operation was known.
  case request
  /// A client's refusals past the limit of a minute, as one entry.
  case refusals
  /// Somebody who came with a certificate and is not served.
  case clientRejected = "client.rejected"
  /// The same of a user's commands that were refused or failed.
  case userRefusals = "user.refusals"
  case status, metrics, acquirers, access
  /// A connection to an acquirer that was opened to be looked at.
  case acquirersTest = "acquirers.test"
  case serve, reload, seal, unseal
  /// A start or reload with another file than before.
  case configuration
  /// What of it has changed.
  case configurationRule = "configuration.rule"
  case unsealShare = "unseal.share"
  case ceremony
  case ceremonyShare = "ceremony.share"
  case approvals, approve, reject
  /// A key that is made with the store, or at an opening that finds none of its role.
  case keysCreate = "keys.create"
  case keysRotate = "keys.rotate"
  case keysReencrypt = "keys.reencrypt"
  case keysDeactivate = "keys.deactivate"
  case keysCompromise = "keys.compromise"
  case keysDestroy = "keys.destroy"
  case keysStatus = "keys.status"
  case keysHistory = "keys.history"
  case keysCertificate = "keys.certificate"
  case keysInventory = "keys.inventory"
  case keysPublicKey = "keys.public-key"
  /// A key whose cryptoperiod ends.
  case keysPeriod = "keys.period"
  /// A certificate, or a list of those that were revoked, that ends.
  case certificate
  case revocationList = "revocation-list"
  case clock
  case auditShow = "audit.show"
  case auditVerify = "audit.verify"
  case auditReport = "audit.report"
  case auditCheckpoint = "audit.checkpoint"
  case auditProve = "audit.prove"
  case auditExport = "audit.export"
  /// The entry that an ``ArchiveMark`` is written with.
  case auditArchive = "audit.archive"
  /// What the vault notes about checkpoints of the log.
  case checkpoint
  case storeStats = "store.stats"
  case storeVerify = "store.verify"
  case storeBackup = "store.backup"
  case storeBackupList = "store.backup.list"
  case storeBackupForget = "store.backup.forget"
  case storeCompact = "store.compact"
  /// How much room is left for new cards, when that crosses a bound.
  case storeRoom = "store.room"
  case storeRestore = "store.restore"
  /// A command that opened the store while no service had it, or somebody else who changed it then.
  case storeOffline = "store.offline"
  /// `check`, which opens the store where no service runs.
  case check
  /// A record that does not open, and is given up.
  case storeRemoveDamaged = "store.remove-damaged"
  case honeytokenAdd = "honeytoken.add"
  case honeytokenList = "honeytoken.list"
  case honeytokenRemove = "honeytoken.remove"
  case alarm
  /// A store is made.
  case initialize = "init"

  /// Whether it is a client's: those lines are archived, and are never written while the vault is
  /// sealed.
  package var isArchived: Bool { traits.contains(.archived) }
  /// Whether a rule of alarms may name it. Not `alarm`: no alarm is the cause of another. Of `clock` a
  /// rule sees `jumped`; the log writes `backwards` by itself.
  package var mayRaiseAlarm: Bool { !traits.contains(.unwatched) }
  /// Whether its entries that have a key are part of that key's life.
  package var concernsKeys: Bool { !traits.contains(.onlyLooks) }
  /// Whether the key of its entries is the one that opens the keyring, whatever their reasons say.
  package var concernsKeyEncryptionKey: Bool { traits.contains(.onOpening) }
  /// How its entries with the outcome ``CardChange/outcome`` change the count of cards.
  package var cardChange: CardChange? {
    traits.contains(.creates) ? .created : traits.contains(.deletes) ? .deleted : nil
  }

  private struct Traits: OptionSet {
    let rawValue: UInt8
    static let archived = Traits(rawValue: 1)
    static let creates = Traits(rawValue: 2)
    static let deletes = Traits(rawValue: 4)
    static let onlyLooks = Traits(rawValue: 8)
    static let onOpening = Traits(rawValue: 16)
    static let unwatched = Traits(rawValue: 32)
  }

  private var traits: Traits {
    switch self {
    case .tokenize: [.archived, .creates]
    case .delete: [.archived, .deletes]
    case .storeRemoveDamaged: .deletes
    case .detokenize, .request, .refusals, .clientRejected: .archived
    case .keysStatus, .keysHistory, .keysCertificate, .keysInventory, .keysPublicKey, .approvals:
      .onlyLooks
    case .alarm: [.onlyLooks, .unwatched]
    case .seal, .unseal, .unsealShare, .ceremony, .ceremonyShare: .onOpening
    case .keysCreate, .storeRestore, .initialize: .unwatched
    case .userRefusals, .status, .metrics, .acquirers, .access, .acquirersTest, .serve, .reload,
      .configuration,
      .configurationRule, .approve, .reject, .keysRotate,
      .keysReencrypt, .keysDeactivate,
      .keysCompromise, .keysDestroy, .keysPeriod, .certificate, .revocationList, .clock, .auditShow,
      .auditVerify, .auditReport,
      .auditCheckpoint, .auditProve, .auditExport, .auditArchive, .checkpoint, .storeStats,
      .storeVerify, .storeBackup, .storeBackupList, .storeBackupForget, .storeCompact,
      .storeRoom, .storeOffline, .check, .honeytokenAdd, .honeytokenList, .honeytokenRemove:
      []
    }
  }
}

/// What became of it: the member `outcome` of the entries that this vault writes.
package enum AuditOutcome: String, CaseIterable, Sendable {
  case created, existing
  /// The card of a token that was given in place of a number, with or without anything new.
  case updated
  case released, intent, approved
  /// The acquirer decides later.
  case pending
  /// The cardholder was authenticated; nothing was paid yet.
  case authenticated
  case challengeRequired = "challenge_required"
  case authenticationRequired = "authentication_required"
  case refused, rejected
  case notSent = "not_sent"
  case unknown, deleted, replayed, counted, done, share, waiting, expired, begun, stopped, failed
  case changed, intact
  case dryRun = "dry-run"
  case started
  /// Entries that a former process left without a checkpoint.
  case uncovered
  case jumped, backwards, raised
  /// Something has ended, or ends soon.
  case ended
  case endsSoon = "ends-soon"
  /// A file that should be there is not.
  case missing
  /// Whether something keeps the clock right.
  case unsynchronized, synchronized
  /// A rule is in force from now on, or not any more.
  case added, removed
  /// A fifth or less of the room for new cards is left; none is; there is enough again.
  case low, full, ample

  /// Whether a rule of alarms may name it.
  package var mayRaiseAlarm: Bool {
    switch self {
    case .backwards, .raised: false
    case .created, .existing, .updated, .released, .intent, .approved, .pending,
      .authenticated, .challengeRequired, .authenticationRequired, .refused, .rejected, .notSent,
      .unknown, .deleted, .replayed, .counted, .done, .share, .waiting,
      .expired, .begun, .stopped, .failed, .changed, .intact, .dryRun, .started, .uncovered,
      .jumped, .added, .removed, .ended, .endsSoon, .missing, .unsynchronized, .synchronized, .low,
      .full, .ample:
      true
    }
  }
}

/// Reasons that more than one place writes, or that rules of alarms built into the vault are about.
package enum AuditReason {
  /// A former process left the payment without an outcome.
  package static let restart = "restart"
  /// The vault was sealed while the payment was under way.
  package static let sealed = "sealed"
  /// Too many numbers with the same first and last digits were new within an hour.
  package static let sameDigits = "same-digits"
  /// An approved payment waits for the shop to capture it.
  package static let notCaptured = "not-captured"
  /// An acquirer's answer held the card number, or nine or more digits of it.
  package static let cardNumberInAnswer = "card-number-in-answer"
}

/// What an entry does to the count of cards: created less deleted are in the store.
package enum CardChange: Sendable {
  case created, deleted

  /// The outcome of the entries that tell of it.
  package var outcome: AuditOutcome {
    switch self {
    case .created: .created
    case .deleted: .deleted
    }
  }
}
