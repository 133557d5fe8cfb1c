package import AuditLog
import Bytes
package import Cryptography
package import Keyring
import Ledgers
package import RecordFormat

/// The kinds of what may take several persons. The raw value is the word of the configuration.
package enum ApprovalKind: String, CaseIterable, Sendable {
  /// To destroy a key.
  case destroy
  /// To say that a backup is destroyed, so that keys which it needs can be.
  case forget
  /// To remove lines of the log that an export holds.
  case archive
  /// To give the KEK of a running service into the hands of custodians, or of others.
  case ceremony

  /// What the log calls it.
  package var operation: AuditOperation {
    switch self {
    case .destroy: .keysDestroy
    case .forget: .storeBackupForget
    case .archive: .auditArchive
    case .ceremony: .ceremony
    }
  }
}

/// What is asked for, with all that it is done with: what an approval is given for, and nothing else, is
/// done.
package enum ApprovalSubject: Equatable, Sendable {
  case destroy(KeyIdentifier)
  /// The backup whose file has this SHA-256; zero for one that is unfinished.
  case forget(KeyIdentifier, file: Digest256)
  case archive(ArchiveOrder)
  case ceremony(CeremonyOrder)

  package var kind: ApprovalKind {
    switch self {
    case .destroy: .destroy
    case .forget: .forget
    case .archive: .archive
    case .ceremony: .ceremony
    }
  }

  /// The key that it is about, where there is one already.
  package var key: KeyIdentifier? {
    guard case .destroy(let key) = self else { return nil }
    return key
  }

  /// What entries say of it, each word with a space before it.
  var words: String {
    switch self {
    case .destroy: ""
    case .forget(let backup, _): " id=\(backup.text)"
    case .archive(let order): " below=\(order.below) export=\(order.export.hex)"
    case .ceremony(let order): order.words
    }
  }
}

/// The lines of the log before a sequence, which an export holds.
package struct ArchiveOrder: Equatable, Sendable {
  /// The sequence.
  package let below: UInt64
  /// The SHA-256 of the export's entries before it.
  package let export: Digest256

  /// Names the lines.
  package init(below: UInt64, export: Digest256) {
    self.below = below
    self.export = export
  }
}

/// Who is to hold the KEK of a running service, and for how long it protects. The key itself is made when
/// the ceremony is held.
package struct CeremonyOrder: Equatable, Sendable {
  package let plan: CustodyPlan
  /// The key's cryptoperiod; nil for that of the rules.
  package let cryptoperiodSeconds: UInt64?

  /// Names custodians.
  package init(_ plan: CustodyPlan, cryptoperiodSeconds: UInt64?) {
    self.plan = plan
    self.cryptoperiodSeconds = cryptoperiodSeconds
  }

  /// The order that a ceremony has carried out.
  init(of set: CustodianSet, cryptoperiodSeconds: UInt64?) throws(KeyringError) {
    self.init(
      try CustodyPlan(
        vault: set.vault, threshold: set.threshold, custodians: set.custodians.map(\.name)),
      cryptoperiodSeconds: cryptoperiodSeconds)
  }

  /// The whole of it as one digest, by which it is found in the log.
  var digest: Digest256 { Digest256.sha256(TextRow.encode(texts).rawSpan) }

  fileprivate var words: String {
    " role=kek threshold=\(plan.threshold) custodians=\(plan.custodians.count) plan=\(digest.hex)"
  }

  fileprivate var texts: [String] {
    [plan.vault.text, String(plan.threshold), cryptoperiodSeconds.map { String($0) } ?? ""]
      + plan.custodians.map(\.text)
  }

  fileprivate init?(_ texts: [String]) {
    guard texts.count > 3, let vault = CustodyName(texts[0]), let threshold = Int(texts[1]),
      texts[2].isEmpty || UInt64(texts[2]) != nil
    else { return nil }
    let names = texts[3...].compactMap { CustodyName($0) }
    guard names.count == texts.count - 3,
      let plan = try? CustodyPlan(vault: vault, threshold: threshold, custodians: names)
    else { return nil }
    self.init(plan, cryptoperiodSeconds: UInt64(texts[2]))
  }
}

// MARK: - Rows

extension ApprovalSubject {
  /// What a row says of it.
  var texts: [String] {
    switch self {
    case .destroy(let key): [key.text]
    case .forget(let backup, let file): [backup.text, file.hex]
    case .archive(let order): [String(order.below), order.export.hex]
    case .ceremony(let order): order.texts
    }
  }

  /// Reads ``texts``; nil for anything else.
  init?(_ kind: ApprovalKind, _ texts: [String]) {
    switch kind {
    case .destroy:
      guard texts.count == 1, let key = KeyIdentifier(texts[0]) else { return nil }
      self = .destroy(key)
    case .forget:
      guard texts.count == 2, let backup = KeyIdentifier(texts[0]),
        let file = Digest256(hex: texts[1])
      else { return nil }
      self = .forget(backup, file: file)
    case .archive:
      guard texts.count == 2, let below = UInt64(texts[0]),
        let export = Digest256(hex: texts[1])
      else { return nil }
      self = .archive(ArchiveOrder(below: below, export: export))
    case .ceremony:
      guard let order = CeremonyOrder(texts) else { return nil }
      self = .ceremony(order)
    }
  }
}
