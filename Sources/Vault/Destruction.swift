import AuditLog
internal import Bytes
import CardStore
import Keyring
package import RecordFormat
import Storage
import Synchronization

/// What still needs a key, so that it is not destroyed.
package struct KeyNeeds: Equatable, Sendable {
  /// Cards that stand under it.
  package var cards: UInt64 = 0
  /// Remembered requests that were digested, or whose answers were sealed, under it. They end by
  /// themselves within a day.
  package var answers: UInt64 = 0
  /// Whether cards are still found by it, since its successor has not seen every card.
  package var isBeingReplaced = false
  /// Backups on record that hold it, or are wrapped under it.
  package var backups: [String] = []

  /// Whether nothing needs it.
  package var isEmpty: Bool { self == KeyNeeds() }

  init() {}
}

/// Who decided to destroy a key, and why. Row of `meta`: `destruction/` ‖ key id(8 hex digits) → a
/// ``TextRow`` of version, actor, Unix ms, ticket, reason, audit entries, and each approver. It is
/// there while the key is `destroying`.
struct DestructionOrder: Equatable, Sendable {
  private static let version = "1"
  private static let leastTexts = 6

  let key: KeyIdentifier
  let actor: String
  let beganMilliseconds: UInt64
  let reason: KeyReason
  let approvers: [String]
  /// The audit entries about it, before its end.
  var entries: [UInt64] = []

  static func rowKey(_ key: KeyIdentifier) -> [UInt8] { Array("destruction/\(key.text)".utf8) }

  func write(_ transaction: inout StoreWriteTransaction) throws {
    let row = TextRow.encode(
      [
        Self.version, actor, String(beganMilliseconds), reason.ticket, reason.text,
        TextRow.text(entries),
      ] + approvers)
    try transaction.put(key: Self.rowKey(key).rawSpan, value: row.rawSpan, in: .meta)
  }

  static func read(
    _ key: KeyIdentifier, _ transaction: inout StoreWriteTransaction
  ) throws -> DestructionOrder? {
    guard let row = try transaction.get(rowKey(key).rawSpan, in: .meta) else { return nil }
    let texts = try TextRow.decode(row.array)
    guard texts.count >= leastTexts, texts[0] == version, let began = UInt64(texts[2]),
      let reason = KeyReason(ticket: texts[3], text: texts[4]),
      let entries = TextRow.numbers(texts[5])
    else { throw VaultError.malformedRow }
    return DestructionOrder(
      key: key, actor: texts[1], beganMilliseconds: began, reason: reason,
      approvers: Array(texts[leastTexts...]), entries: entries)
  }
}

/// What came of a request to destroy a key.
package enum DestructionAnswer: Equatable, Sendable {
  /// It has begun, or goes on; ``Vault/keyWork`` tells how far it is.
  case begun
  /// Another person has to approve it.
  case waits(Approval)
}

extension Vault {
  /// Rows of remembered requests that one snapshot looks at.
  private static let rowsInOneSnapshot = 8_192

  /// What still needs a key.
  ///
  /// - Throws: `KeyringError.unknownKey`; `KeyringError.wrongState` for a key that is active or
  ///   destroyed; `StorageError`.
  package func needs(of key: KeyIdentifier) throws -> KeyNeeds {
    guard let entry = try keyring.entry(key) else { throw KeyringError.unknownKey(key) }
    guard entry.isBeingReplaced || entry.state != .active, entry.state != .destroyed else {
      throw KeyringError.wrongState(key, entry.state)
    }
    var needs = KeyNeeds()
    if entry.state == .destroying { return needs }
    needs.isBeingReplaced = entry.isBeingReplaced
    needs.cards = try store.read { try KeyTally.read(.cards, $0) }[key] ?? 0
    needs.backups = try store.read { try BackupRecord.needing(key, in: $0) }
    if entry.role == .data || entry.role == .fingerprint { needs.answers = try answers(under: key) }
    return needs
  }

  /// A key that is not active gets no new rows, so what is counted over several snapshots is never
  /// too low.
  private func answers(under key: KeyIdentifier) throws -> UInt64 {
    var count: UInt64 = 0
    var position: [UInt8]?
    repeat {
      let start = position ?? []
      position = nil
      var seen = 0
      try store.read { transaction in
        try transaction.forEach(
          in: .idempotency, from: start.isEmpty ? nil : start.rawSpan
        ) { rowKey, bytes in
          seen += 1
          if seen > Self.rowsInOneSnapshot {
            position = rowKey.array
            return false
          }
          if try IdempotencyRow(of: bytes).needs(key) { count += 1 }
          return true
        }
      }
    } while position != nil
    return count
  }

  /// Destroys a key, or asks for the approval of another person first: from one commit on its secret
  /// is in no keyring; then the store is compacted, since free pages hold it still.
  ///
  /// - Parameter persons: how many different persons it takes, the one who asks among them. A request
  ///   about the key that waits already is answered in its place, whatever it takes now.
  /// - Throws: ``VaultError/keyNeeded(_:_:)`` and what ``needs(of:)`` throws;
  ///   ``VaultError/tooManyApprovals``.
  package func destroy(
    _ key: KeyIdentifier, because reason: KeyReason, actor: String, persons: Int
  ) throws -> DestructionAnswer {
    let needs = try needs(of: key)
    guard needs.isEmpty else { throw VaultError.keyNeeded(key, needs) }
    if try keyring.entry(key)?.state == .destroying {
      try opening.session().worker.wakeForDestruction()
      return .begun
    }
    let request = Approval(
      identifier: try KeyIdentifier.fresh(besides: []).text, key: key, requester: actor,
      requestedMilliseconds: core.now, persons: persons, reason: reason)
    var answer = DestructionAnswer.begun
    try store.perform { [core] transaction in
      if let waiting = try core.wait(request, in: &transaction) {
        answer = .waits(waiting)
        return
      }
      answer = .begun
      try core.beginDestruction(
        DestructionOrder(
          key: key, actor: actor, beganMilliseconds: core.now, reason: reason, approvers: []),
        approval: nil, in: &transaction)
    }
    if answer == .begun { try opening.session().worker.wakeForDestruction() }
    return answer
  }
}

extension WriterCore {
  /// Takes the secret of a key out of the keyring, with the entry about it.
  ///
  /// - Throws: ``VaultError/keyNeeded(_:_:)``, `KeyringError`; nothing has changed then.
  func beginDestruction(
    _ order: DestructionOrder, approval: String?, in transaction: inout StoreWriteTransaction
  ) throws {
    let opened = try open()
    var needs = KeyNeeds()
    needs.cards = opened.cards.cards(under: order.key)
    needs.backups = try BackupRecord.needing(order.key, in: transaction)
    guard needs.isEmpty else { throw VaultError.keyNeeded(order.key, needs) }
    try opened.keys.change(in: &transaction) { try $0.beginDestruction(order.key) }
    let role = opened.keys.working.entry(order.key)?.role.name ?? ""
    var order = order
    order.entries += [
      try record(
        AuditEntry(
          actor: order.actor, operation: AuditWord.Operation.keysDestroy, key: order.key.text,
          outcome: AuditWord.Outcome.begun,
          reason: "role=\(role)" + (approval.map { " approval=\($0)" } ?? "") + order.reason.words),
        in: &transaction)
    ]
    try order.write(&transaction)
  }

  /// Notes that no page of the store holds these keys any more.
  func endDestructions(
    of identifiers: [KeyIdentifier], in transaction: inout StoreWriteTransaction
  ) throws {
    let keys = try open().keys
    let now = now
    try keys.change(in: &transaction) { $0.endDestructions(of: identifiers, atMilliseconds: now) }
    for key in identifiers {
      let order = try DestructionOrder.read(key, &transaction)
      let actor = order?.actor ?? AuditEntry.systemActor
      let end = try record(
        AuditEntry(
          actor: actor,
          operation: AuditWord.Operation.keysDestroy, key: key.text,
          outcome: AuditWord.Outcome.done,
          reason: "role=\(keys.working.entry(key)?.role.name ?? "")" + (order?.reason.words ?? "")),
        in: &transaction)
      if keys.working.entry(key)?.role == .data {
        try certifyDestruction(
          of: key, by: actor, approvedBy: order?.approvers ?? [],
          entries: (order?.entries ?? []) + [end], in: &transaction)
      }
      try transaction.delete(DestructionOrder.rowKey(key).rawSpan, in: .meta)
    }
  }
}

extension KeyWorker {
  /// Ends destructions that have begun. What stands in their way is told, and keeps no other work from
  /// going on.
  func tryDestructions() {
    do {
      try endDestructions()
    } catch {
      let cause = explain(error)
      state.withLock { $0.destructionFailure = cause }
    }
  }

  private func endDestructions() throws {
    let dying = keys.current.entries.filter { $0.state == .destroying }
    let identifiers = Set(dying.map(\.identifier))
    if !identifiers.isSubset(of: state.withLock { $0.compacted }) {
      try compact()
      state.withLock { $0.compacted = identifiers }
    }
    // One whose source is out of reach does not keep the others from their end.
    var ended: [KeyIdentifier] = []
    var failure: (any Error)?
    for key in dying {
      do {
        if key.role == .kek { try eraseKeyEncryptionKey(key) }
        ended.append(key.identifier)
      } catch { failure = error }
    }
    if !ended.isEmpty {
      try store.perform { [core] transaction in
        try core.endDestructions(of: ended, in: &transaction)
      }
    }
    if let failure { throw failure }
  }
}

extension KeyWorker {
  /// Compacts the store, when a backup or compaction that is under way has ended.
  private func compact() throws {
    while true {
      do {
        _ = try upkeep.compact(actor: AuditEntry.systemActor) { [self] done, total in
          state.withLock {
            $0.progress.done = UInt64(clamping: done)
            $0.progress.total = UInt64(clamping: total)
          }
          return !isStopping
        }
        return
      } catch VaultError.upkeepUnderWay {
        guard rest(after: .zero, atLeast: .milliseconds(100)) else { throw StorageError.cancelled }
      }
    }
  }
}

extension BackupRecord {
  /// The names of the backups that could not be read without a key.
  fileprivate static func needing(
    _ key: KeyIdentifier, in transaction: borrowing some StoreReading & ~Copyable
  ) throws -> [String] {
    try all(in: transaction).filter { $0.needs(key: key) }.map(\.identifier.text)
  }
}

extension IdempotencyRow {
  /// Whether the row means nothing without `key`.
  fileprivate func needs(_ key: KeyIdentifier) -> Bool {
    if digestKey == key { return true }
    if case .done(_, let dataKey) = state { return dataKey == key }
    return false
  }
}
