package import AuditLog
import Bytes
import Cryptography
import Ledgers
import Storage
import Synchronization

/// Something that somebody is to be told of for as long as it lasts: a key whose cryptoperiod has ended, a
/// certificate that ends soon, a clock that nothing sets right.
///
/// It is an entry when it begins or changes, and again after a time while it lasts; a restart begins no new
/// count.
package struct Concern: Equatable, Sendable {
  /// What the entry is about and what it says, in the words of the log.
  package let operation: AuditOperation
  package let outcome: AuditOutcome
  /// What it is about; no other one of the operation has the same.
  package let subject: String
  /// The id of the key that it is about.
  package let key: String?
  /// The reason of the entry.
  package let reason: String
  /// The outcome of the entry that says that it is over; nil where something else says that.
  package let end: AuditOutcome?

  /// Describes one.
  package init(
    _ operation: AuditOperation, _ outcome: AuditOutcome, of subject: String, key: String? = nil,
    reason: String, end: AuditOutcome? = nil
  ) {
    self.operation = operation
    self.outcome = outcome
    self.subject = subject
    self.key = key
    self.reason = reason
    self.end = end
  }

  /// For how long it is not told again, in milliseconds: what has come true a day, what is about to a week.
  fileprivate var restMilliseconds: UInt64 {
    (outcome == .endsSoon ? 7 : 1) * 86_400_000
  }
}

/// What was told of a concern that lasts. Row of `meta`: `concern/` ‖ SHA-256 of operation, a space, and
/// subject, in hexadecimal → a ``TextRow`` of version, operation, outcome, subject, Unix ms, and the outcome
/// that ends it, or nothing.
struct ToldConcern: Equatable, Sendable {
  private static let version = "1"
  private static let prefix = Array("concern/".utf8)

  let operation: AuditOperation
  let outcome: AuditOutcome
  let subject: String
  let end: AuditOutcome?
  let toldMilliseconds: UInt64

  init(_ concern: Concern, toldMilliseconds: UInt64) {
    operation = concern.operation
    outcome = concern.outcome
    subject = concern.subject
    end = concern.end
    self.toldMilliseconds = toldMilliseconds
  }

  /// Nil for what another version wrote.
  private init?(_ row: [UInt8]) {
    guard let texts = try? TextRow.decode(row), texts.count == 6, texts[0] == Self.version,
      let operation = AuditOperation(rawValue: texts[1]),
      let outcome = AuditOutcome(rawValue: texts[2]), let told = UInt64(texts[4])
    else { return nil }
    self.operation = operation
    self.outcome = outcome
    subject = texts[3]
    end = AuditOutcome(rawValue: texts[5])
    toldMilliseconds = told
  }

  private var row: [UInt8] {
    TextRow.encode([
      Self.version, operation.rawValue, outcome.rawValue, subject, String(toldMilliseconds),
      end?.rawValue ?? "",
    ])
  }

  var identity: String { Self.identity(operation, subject) }

  static func identity(_ operation: AuditOperation, _ subject: String) -> String {
    "\(operation.rawValue) \(subject)"
  }

  private var rowKey: [UInt8] {
    let identity = Array(identity.utf8)
    return Self.prefix + Digest256.sha256(identity.rawSpan).hex.utf8
  }

  /// Every one that lasts, by its identity.
  static func all(
    in transaction: borrowing some StoreReading & ~Copyable
  ) throws(VaultError) -> [String: ToldConcern] {
    var all: [String: ToldConcern] = [:]
    try transaction.forEachRow(prefix) { (_, row) throws(VaultError) in
      if let told = ToldConcern(row.array) { all[told.identity] = told }
    }
    return all
  }

  func save(in transaction: inout StoreWriteTransaction) throws(VaultError) {
    try transaction.putRow(row, at: rowKey)
  }

  func remove(in transaction: inout StoreWriteTransaction) throws(VaultError) {
    try transaction.removeRow(rowKey)
  }
}

/// What is to be told, where these concerns last and those were told.
struct ConcernChanges {
  /// To be told, now or again.
  private(set) var raised: [Concern] = []
  /// Those that last no more.
  private(set) var over: [ToldConcern] = []

  /// - Parameters:
  ///   - concerns: all that last of these kinds.
  ///   - told: what was told of every kind, by identity.
  init(
    _ concerns: [Concern], of kinds: Set<AuditOperation>, told: [String: ToldConcern],
    atMilliseconds now: UInt64
  ) {
    var lasting: Set<String> = []
    for concern in concerns {
      let identity = ToldConcern.identity(concern.operation, concern.subject)
      // Two that are about one thing are one.
      guard lasting.insert(identity).inserted else { continue }
      if let before = told[identity], before.outcome == concern.outcome {
        // A time to come is that of a clock which was set back since.
        let since = max(now, before.toldMilliseconds) - min(now, before.toldMilliseconds)
        guard since >= concern.restMilliseconds else { continue }
      }
      raised.append(concern)
    }
    over = told.values.filter {
      kinds.contains($0.operation) && !lasting.contains($0.identity)
    }.sorted { $0.identity < $1.identity }
  }

  var isEmpty: Bool { raised.isEmpty && over.isEmpty }
}

/// Remembers what was told, so that the store is asked once.
final class ConcernLedger: Sendable {
  private struct State {
    /// Nil until it was read from the store.
    var told: [String: ToldConcern]?
    var isBusy = false
  }

  private let state = Mutex(State())

  /// Whether there may be something to write; then ``end(_:)`` has to follow.
  func begin(
    _ concerns: [Concern], of kinds: Set<AuditOperation>, atMilliseconds now: UInt64
  ) -> Bool {
    state.withLock { state in
      guard !state.isBusy else { return false }
      if let told = state.told,
        ConcernChanges(concerns, of: kinds, told: told, atMilliseconds: now).isEmpty
      {
        return false
      }
      state.isBusy = true
      return true
    }
  }

  /// - Parameter told: what is durable now; nil where nothing could be written.
  func end(_ told: [String: ToldConcern]?) {
    state.withLock { state in
      if let told { state.told = told }
      state.isBusy = false
    }
  }
}

extension Vault {
  /// Notes what has begun, changed or ended of `kinds`, and what lasts for long. Call it every few seconds;
  /// it waits for nothing.
  ///
  /// - Parameter concerns: all that last of these kinds; those of other kinds stay as they are.
  package func tell(_ concerns: [Concern], of kinds: Set<AuditOperation>) {
    guard self.concerns.begin(concerns, of: kinds, atMilliseconds: now) else { return }
    store.submit { [books] (transaction) throws(VaultError) in
      try books.tell(concerns, of: kinds, in: &transaction)
    } reply: { [ledger = self.concerns] result in
      ledger.end(try? result.get())
    }
  }
}

extension Books {
  /// - Returns: what was told by then, of every kind.
  fileprivate func tell(
    _ concerns: [Concern], of kinds: Set<AuditOperation>,
    in transaction: inout StoreWriteTransaction
  ) throws(VaultError) -> [String: ToldConcern] {
    var told = try ToldConcern.all(in: transaction)
    let now = now
    let changes = ConcernChanges(concerns, of: kinds, told: told, atMilliseconds: now)
    for concern in changes.raised {
      try record(
        AuditEntry(
          actor: .system, operation: concern.operation, key: concern.key,
          outcome: concern.outcome, reason: concern.reason), in: &transaction)
      let row = ToldConcern(concern, toldMilliseconds: now)
      try row.save(in: &transaction)
      told[row.identity] = row
    }
    for concern in changes.over {
      if let end = concern.end {
        try record(
          AuditEntry(
            actor: .system, operation: concern.operation, outcome: end,
            reason: "subject=\(concern.subject)"), in: &transaction)
      }
      try concern.remove(in: &transaction)
      told[concern.identity] = nil
    }
    return told
  }
}
