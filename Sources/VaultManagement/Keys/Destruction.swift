package import AuditLog
import Bytes
import CardStore
import Keyring
import Ledgers
package import RecordFormat
import Storage
import Synchronization
package import VaultCore

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

  func write(_ transaction: inout StoreWriteTransaction) throws(VaultError) {
    let row = TextRow.encode(
      [
        Self.version, actor, String(beganMilliseconds), reason.ticket, reason.text,
        TextRow.text(entries),
      ] + approvers)
    try transaction.putRow(row, at: Self.rowKey(key))
  }

  static func read(
    _ key: KeyIdentifier, _ transaction: inout StoreWriteTransaction
  ) throws(VaultError) -> DestructionOrder? {
    guard let row = try transaction.row(rowKey(key)) else { return nil }
    let texts = try onLedger(TextRow.decode(row))
    guard texts.count >= leastTexts, texts[0] == version, let began = UInt64(texts[2]),
      let reason = KeyReason(ticket: texts[3], text: texts[4]),
      let entries = TextRow.numbers(texts[5])
    else { throw .malformedRow }
    return DestructionOrder(
      key: key, actor: texts[1], beganMilliseconds: began, reason: reason,
      approvers: Array(texts[leastTexts...]), entries: entries)
  }
}

extension VaultManager {
  /// Rows of remembered requests that one snapshot looks at.
  private static let rowsInOneSnapshot = 8_192

  /// What still needs a key.
  ///
  /// - Throws: `KeyringError.unknownKey`; `KeyringError.wrongState` for a key that is active or
  ///   destroyed; `StorageError`.
  package func needs(of key: KeyIdentifier) throws(VaultError) -> KeyNeeds {
    guard let entry = try keyring.entry(key) else { throw .keyring(.unknownKey(key)) }
    guard entry.isBeingReplaced || entry.state != .active, entry.state != .destroyed else {
      throw .keyring(.wrongState(key, entry.state))
    }
    var needs = KeyNeeds()
    if entry.state == .destroying { return needs }
    needs.isBeingReplaced = entry.isBeingReplaced
    (needs.cards, needs.backups) = try store.read { (transaction) throws(VaultError) in
      (
        try onKeys(KeyTally.read(.cards, transaction))[key] ?? 0,
        try BackupRecord.needing(key, in: transaction)
      )
    }
    if entry.role.sealsCards || entry.role.isReplacedCardByCard {
      needs.answers = try answers(under: entry)
    }
    return needs
  }

  /// A key that is not active gets no new rows, so what is counted over several snapshots is never
  /// too low.
  private func answers(under key: KeyringEntry) throws(VaultError) -> UInt64 {
    let known = Set(try keyring.entries.filter { $0.role == key.role }.map(\.identifier))
    var count: UInt64 = 0
    var position: [UInt8]?
    repeat {
      let start = position ?? []
      position = nil
      var seen = 0
      try store.read { (transaction) throws(VaultError) in
        try transaction.forEach(
          in: .idempotency, from: start.isEmpty ? nil : start.rawSpan
        ) { (rowKey, bytes) throws(VaultError) in
          seen += 1
          if seen > Self.rowsInOneSnapshot {
            position = rowKey.array
            return false
          }
          if IdempotencyRow.mayNeed(key, bytes, among: known) { count += 1 }
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
    _ key: KeyIdentifier, because reason: KeyReason, actor: AuditActor, persons: Int
  ) throws(VaultError) -> ApprovalAnswer {
    let needs = try needs(of: key)
    guard needs.isEmpty else { throw .keyNeeded(key, needs) }
    if try keyring.entry(key)?.state == .destroying {
      try beginDestructions()
      return .begun
    }
    let request = try request(.destroy(key), because: reason, actor: actor, persons: persons)
    let answer = try store.perform {
      [books] (transaction) throws(VaultError) -> ApprovalAnswer in
      if let waiting = try books.wait(request, in: &transaction) { return .waits(waiting) }
      try books.beginDestruction(
        DestructionOrder(
          key: key, actor: actor.name, beganMilliseconds: books.now, reason: reason, approvers: []),
        approval: nil, in: &transaction)
      return .begun
    }
    if answer == .begun { try beginDestructions() }
    return answer
  }

  /// Has destructions begin, or be tried again that could not be completed.
  func beginDestructions() throws(VaultError) {
    destructions.tryAgain()
    try vault.opened().work.wake()
  }
}

extension Books {
  /// Takes the secret of a key out of the keyring, with the entry about it.
  ///
  /// - Throws: ``VaultError/keyNeeded(_:_:)``, `KeyringError`; nothing has changed then.
  func beginDestruction(
    _ order: DestructionOrder, approval: String?, in transaction: inout StoreWriteTransaction
  ) throws(VaultError) {
    let opened = try opened()
    var needs = KeyNeeds()
    needs.cards = opened.cards.cards(under: order.key)
    needs.backups = try BackupRecord.needing(order.key, in: transaction)
    guard needs.isEmpty else { throw .keyNeeded(order.key, needs) }
    try onKeys(
      opened.keys.change(in: &transaction) { (change) throws(KeyringError) in
        try change.beginDestruction(order.key)
      })
    let role = opened.keys.working.entry(order.key)?.role.name ?? ""
    var order = order
    order.entries += [
      try record(
        AuditEntry(
          actor: AuditActor(order.actor), operation: .keysDestroy, key: order.key.text,
          outcome: .begun,
          reason: "role=\(role)" + (approval.map { " approval=\($0)" } ?? "") + order.reason.words),
        in: &transaction)
    ]
    try order.write(&transaction)
  }

  /// Notes that no page of the store holds these keys any more, and certifies it of each.
  ///
  /// - Parameter replacements: the entries that say that keys were replaced, as far as there are any.
  func endDestructions(
    of identifiers: [KeyIdentifier], replacements: [KeyIdentifier: UInt64] = [:],
    in transaction: inout StoreWriteTransaction
  ) throws(VaultError) {
    let keys = try opened().keys
    let now = now
    try onKeys(
      keys.change(in: &transaction) { (change) throws(KeyringError) in
        change.endDestructions(of: identifiers, atMilliseconds: now)
      })
    for key in identifiers {
      let order = try DestructionOrder.read(key, &transaction)
      let actor = order.map { AuditActor($0.actor) } ?? .system
      let end = try record(
        AuditEntry(
          actor: actor,
          operation: .keysDestroy, key: key.text,
          outcome: .done,
          reason: "role=\(keys.working.entry(key)?.role.name ?? "")" + (order?.reason.words ?? "")),
        in: &transaction)
      try certifyDestruction(
        of: key, by: actor, approvedBy: order?.approvers ?? [],
        entries: (order?.entries ?? []) + [replacements[key], end].compactMap { $0 },
        in: &transaction)
      try transaction.removeRow(DestructionOrder.rowKey(key))
    }
  }
}

/// Ends destructions that have begun. What stands in their way is told, and keeps no other work from
/// going on.
final class DestructionTask: BackgroundTask {
  private struct State {
    /// Why the destruction that was tried last could not be completed; it is tried again when somebody
    /// asks for it, or when the vault is opened.
    var failure: String?
    /// Keys that no page of the store holds any more, and whose destruction is not complete yet.
    var compacted: Set<KeyIdentifier> = []
  }

  private let store: Store
  private let books: Books
  private let explain: @Sendable (VaultError) -> String
  private let upkeep: StoreUpkeep
  private let erase: @Sendable (KeyringEntry, Keyring) throws(KeyringError) -> Void
  private let state = Mutex(State())

  /// - Parameter erase: removes a KEK of the keyring in force from its source.
  init(
    _ vault: Vault, _ upkeep: StoreUpkeep,
    erase: @escaping @Sendable (KeyringEntry, Keyring) throws(KeyringError) -> Void
  ) {
    store = vault.store
    books = vault.books
    explain = vault.settings.explain
    self.upkeep = upkeep
    self.erase = erase
  }

  var failure: String? { state.withLock { $0.failure } }

  /// Lets what could not be completed be due again.
  func tryAgain() { state.withLock { $0.failure = nil } }

  func isDue(in session: VaultSession) -> Bool {
    failure == nil && session.keys.current.entries.contains { $0.state == .destroying }
  }

  func run(_ work: BackgroundWork) {
    do throws(VaultError) {
      try end(work)
    } catch {
      // One that was stopped goes on when the work does.
      if work.isStopping { return }
      let cause = explain(error)
      state.withLock { $0.failure = cause }
    }
  }

  private func end(_ work: BackgroundWork) throws(VaultError) {
    let dying = work.session.keys.current.entries.filter { $0.state == .destroying }
    let identifiers = Set(dying.map(\.identifier))
    if !identifiers.isSubset(of: state.withLock { $0.compacted }) {
      try compact(work)
      state.withLock { $0.compacted = identifiers }
    }
    // One whose source is out of reach does not keep the others from their end.
    var ended: [KeyIdentifier] = []
    var failure: VaultError?
    for key in dying {
      do throws(KeyringError) {
        if key.role.wrapsKeyring { try erase(key, work.session.keys.current) }
        ended.append(key.identifier)
      } catch { failure = VaultError(error) }
    }
    if !ended.isEmpty {
      let replacements = try onLog(
        RotationCertificate.replacements(of: Set(ended), in: store))
      try store.perform { [books, ended] (transaction) throws(VaultError) in
        try books.endDestructions(
          of: ended, replacements: replacements, in: &transaction)
      }
      try onStore(store.eraseJournal())
    }
    if let failure { throw failure }
  }

  /// Compacts the store, when a backup or compaction that is under way has ended.
  private func compact(_ work: BackgroundWork) throws(VaultError) {
    while true {
      do throws(VaultError) {
        _ = try upkeep.compact(actor: .system) { done, total in
          work.note {
            $0.done = UInt64(clamping: done)
            $0.total = UInt64(clamping: total)
          }
          return !work.isStopping
        }
        return
      } catch {
        guard error == .upkeepUnderWay else { throw error }
        guard work.rest(after: .zero, atLeast: .milliseconds(100)) else {
          throw .store(.cancelled)
        }
      }
    }
  }
}

extension BackupRecord {
  /// The names of the backups that could not be read without a key.
  fileprivate static func needing(
    _ key: KeyIdentifier, in transaction: borrowing some StoreReading & ~Copyable
  ) throws(VaultError) -> [String] {
    try all(in: transaction).filter { $0.needs(key: key) }.map(\.identifier.text)
  }
}

extension IdempotencyRow {
  /// Whether a row may mean nothing without `key`. One that is damaged so that it names none of the keys of
  /// that role, which are `known`, may need any.
  fileprivate static func mayNeed(
    _ key: KeyringEntry, _ row: RawSpan, among known: Set<KeyIdentifier>
  ) -> Bool {
    guard let row = try? IdempotencyRow(of: row) else { return true }
    guard let named = row.key(of: key.role) else { return false }
    return named == key.identifier || !known.contains(named)
  }

  /// The key of this role that the row names; nil where it has none.
  private func key(of role: KeyRole) -> KeyIdentifier? {
    switch role {
    case .kek, .audit: return nil
    case .fingerprint: return digestKey
    case .data:
      if case .done(_, let dataKey) = state { return dataKey }
      return nil
    }
  }
}
