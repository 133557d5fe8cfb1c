import AuditLog
import CardStore
import Cards
import Glibc
import Keyring
import RecordFormat
import SecretMemory
import Storage
import Synchronization

/// How far long work on keys is.
package struct KeyWorkProgress: Equatable, Sendable {
  /// Cards that have been seen to since the work began or went on.
  package var done: UInt64 = 0
  /// Cards that there were to see to.
  package var total: UInt64 = 0
  /// Cards whose record does not open, so that they stay under their key.
  package var damaged: UInt64 = 0
  /// Whether the work goes on.
  package var isRunning = false
  /// Why it ended before its end.
  package var failure: String?

  init() {}
}

/// Long work on keys beside requests, on a thread of its own: fingerprints that are made anew after a
/// rotation, and cards that are sealed anew under the active key.
///
/// What there is to do is read from the store: the keyring says whether fingerprints are being
/// replaced, the row `reencryption` of `meta` whether cards are to be moved. So a restart goes on.
final class KeyWorker: Sendable {
  /// Cards moved in one transaction while nobody else asks for anything, and while somebody does.
  private static let idleStep = 4_096
  private static let busyStep = 128
  /// How many times as long as a piece of work its pause is, while somebody asks for something.
  private static let restFactor = 4

  struct State {
    var thread: WorkerThread?
    var isStopping = false
    var progress = KeyWorkProgress()
    var auditSize: UInt64 = 0
  }

  let store: Store
  let core: WriterCore
  let keys: LiveKeyring
  private let slots: SecretPool
  let upkeep: StoreUpkeep
  /// Removes a KEK from its source.
  let eraseKeyEncryptionKey: @Sendable (KeyIdentifier) throws -> Void
  let state = Mutex(State())

  init(
    store: Store, core: WriterCore, keys: LiveKeyring, slots: SecretPool, upkeep: StoreUpkeep,
    eraseKeyEncryptionKey: @escaping @Sendable (KeyIdentifier) throws -> Void
  ) {
    self.upkeep = upkeep
    self.eraseKeyEncryptionKey = eraseKeyEncryptionKey
    self.store = store
    self.core = core
    self.keys = keys
    self.slots = slots
  }

  var progress: KeyWorkProgress { state.withLock { $0.progress } }

  /// Begins what there is to do, where it is not under way; that it could not begin is told by
  /// ``progress``.
  func wake() {
    do {
      guard try nextWork() != nil else { return }
      let finished = try state.withLock { state -> WorkerThread? in
        guard !state.progress.isRunning, !state.isStopping else { return nil }
        let before = state.thread
        state.progress = KeyWorkProgress()
        state.thread = try WorkerThread(named: "cadenas-keys") { [self] in run() }
        state.progress.isRunning = true
        return before
      }
      finished?.join()
    } catch {
      state.withLock { $0.progress.failure = "\(error)" }
    }
  }

  /// Ends the thread; what is left goes on at the next start.
  func stop() {
    let thread = state.withLock { state in
      state.isStopping = true
      return state.thread.take()
    }
    thread?.join()
  }

  private enum Work {
    case destruction
    case fingerprints
    case reencryption(ReencryptionOrder)
  }

  private func nextWork() throws -> Work? {
    if keys.current.replacedFingerprintKey != nil { return .fingerprints }
    if keys.current.entries.contains(where: { $0.state == .destroying }) { return .destruction }
    let order = try store.read { try ReencryptionOrder.read(in: $0) }
    return order.map { .reencryption($0) }
  }

  private func run() {
    do {
      repeat {
        while !isStopping, let work = try nextWork() {
          switch work {
          case .destruction: try endDestructions()
          case .fingerprints: try replaceFingerprints()
          case .reencryption(let order): try reencrypt(order)
          }
        }
        state.withLock { $0.progress.isRunning = false }
        // Who asked for more before this was said has seen that the work is under way.
      } while try claimsMore()
    } catch {
      state.withLock {
        $0.progress.isRunning = false
        $0.progress.failure = "\(error)"
      }
    }
  }

  private func claimsMore() throws -> Bool {
    guard try nextWork() != nil else { return false }
    return state.withLock { state in
      guard !state.isStopping, !state.progress.isRunning else { return false }
      state.progress.isRunning = true
      return true
    }
  }

  var isStopping: Bool { state.withLock { $0.isStopping } }

  /// Pauses after a piece of work, longer while others wait; false where the work is to end.
  func rest(after work: Duration, atLeast least: Duration = .zero) -> Bool {
    let size = core.audit.committedSize
    let isBusy = state.withLock { state in
      defer { state.auditSize = size }
      return size != state.auditSize
    }
    let pause = min(max(isBusy ? work * Self.restFactor : .zero, least), .seconds(5))
    let (seconds, nanoseconds) = Int(pause / .nanoseconds(1)).quotientAndRemainder(
      dividingBy: 1_000_000_000)
    var request = timespec(tv_sec: seconds, tv_nsec: nanoseconds)
    unsafe nanosleep(&request, nil)
    return !isStopping
  }

  private var isBusy: Bool {
    let size = core.audit.committedSize
    return state.withLock { $0.auditSize != size }
  }
}

// MARK: - Fingerprints

extension KeyWorker {
  private func replaceFingerprints() throws {
    let keyring = keys.current
    let total = try store.read { try $0.count(of: .cards) }
    state.withLock { $0.progress.total = UInt64(total) }
    let scan = try FingerprintScan(store: store, keyring: keyring, slots: slots) { [self] work in
      rest(after: work)
    }
    guard let scan else { return }
    let isComplete = try scan.run { opened in
      state.withLock { $0.progress.done = UInt64(opened) }
    }
    guard isComplete else { return }
    try store.perform { [core] transaction in
      let now = core.now
      let old = try core.open().keys.change(in: &transaction) {
        $0.endFingerprintRotation(atMilliseconds: now)
      }
      guard let old else { return }
      try core.record(
        AuditEntry(
          actor: AuditEntry.systemActor, operation: AuditWord.Operation.keysDeactivate,
          key: old.text, outcome: AuditWord.Outcome.done, reason: "role=fingerprint"),
        in: &transaction)
    }
    try FingerprintScan.clearUnusedTable(store: store, keyring: keys.current)
  }
}

// MARK: - Cards

extension KeyWorker {
  /// Notes that cards are to be moved, with its entry, and begins. Where that is under way it goes on,
  /// and the new rate counts from its next start.
  ///
  /// - Parameter cardsPerSecond: 0 for as fast as requests allow.
  func beginReencryption(cardsPerSecond: UInt64, actor: String) throws {
    try store.perform { [core] transaction in
      let active = try core.open().keys.working.activeDataKey.identifier
      let sequence = try core.record(
        AuditEntry(
          actor: actor, operation: AuditWord.Operation.keysReencrypt, key: active.text,
          outcome: AuditWord.Outcome.begun), in: &transaction)
      var order =
        try ReencryptionOrder.read(in: transaction)
        ?? ReencryptionOrder(
          cardsPerSecond: cardsPerSecond, beganMilliseconds: core.now, sequence: sequence,
          actor: actor)
      order.cardsPerSecond = cardsPerSecond
      try core.note(order, in: &transaction)
    }
    wake()
  }

  /// Notes that no more cards are to be moved for now.
  func stopReencryption(actor: String) throws {
    try store.perform { [core] transaction in
      guard try ReencryptionOrder.remove(in: &transaction) else { return }
      let active = try core.open().keys.working.activeDataKey.identifier
      try core.record(
        AuditEntry(
          actor: actor, operation: AuditWord.Operation.keysReencrypt, key: active.text,
          outcome: AuditWord.Outcome.stopped), in: &transaction)
    }
  }

  /// Notes that every card that can be moved was, and certifies what that has emptied.
  private func endReencryption(_ reason: String) throws {
    guard let order = try store.read({ try ReencryptionOrder.read(in: $0) }) else { return }
    let replacements = try RotationCertificate.replacements(
      of: Set(order.counts.map(\.key)).intersection(keys.current.replacedDataKeys), in: store)
    try store.perform { [core] transaction in
      guard try ReencryptionOrder.remove(in: &transaction) else { return }
      let active = try core.open().keys.working.activeDataKey.identifier
      let end = try core.record(
        AuditEntry(
          actor: order.actor, operation: AuditWord.Operation.keysReencrypt, key: active.text,
          outcome: AuditWord.Outcome.done, reason: reason), in: &transaction)
      try core.certifyReencryption(
        order, replacements: replacements, end: end, in: &transaction)
    }
  }

  /// The cards that stand under another key than the active one.
  func cardsToMove() throws -> UInt64 {
    let active = keys.current.activeDataKey.identifier
    return try CardVerifier.cardCounts(in: store)
      .reduce(0) { $0 + ($1.key == active ? 0 : $1.value) }
  }

  private func reencrypt(_ order: ReencryptionOrder) throws {
    let total = try cardsToMove()
    state.withLock {
      $0.progress = KeyWorkProgress()
      $0.progress.total = total
      $0.progress.isRunning = true
    }
    // A key that was replaced since the beginning has its cards noted now.
    try store.perform { [core] transaction in
      guard let order = try ReencryptionOrder.read(in: transaction) else { return }
      try core.note(order, in: &transaction)
    }
    guard try moveCards(cardsPerSecond: order.cardsPerSecond), try moveAnswers() else { return }
    let progress = progress
    let left = try cardsToMove()
    // A key that was rotated meanwhile makes another round necessary.
    guard left <= progress.damaged else { return }
    try endReencryption("moved=\(progress.done) left=\(left)")
  }

  private func moveCards(cardsPerSecond: UInt64) throws -> Bool {
    var position: Token?
    repeat {
      let limit = isBusy ? Self.busyStep : Self.idleStep
      let bounded = cardsPerSecond == 0 ? limit : min(limit, Int(clamping: cardsPerSecond))
      let after = position
      let began = ContinuousClock.now
      var step = ReencryptionStep()
      try store.perform(admission: .ordinary) { [core] transaction in
        step = try core.cards.reencrypt(after: after, limit: bounded, in: &transaction)
      }
      position = step.position
      let moved = UInt64(step.moved)
      let damaged = UInt64(step.damaged)
      state.withLock {
        $0.progress.done += moved
        $0.progress.damaged += damaged
      }
      let work = ContinuousClock.now - began
      let least: Duration =
        cardsPerSecond == 0
        ? .zero
        : .nanoseconds(Int64(clamping: moved * 1_000_000_000 / cardsPerSecond)) - work
      guard rest(after: work, atLeast: least), try isWanted() else { return false }
    } while position != nil
    return true
  }

  private func moveAnswers() throws -> Bool {
    var position: [UInt8]?
    repeat {
      let after = position
      let began = ContinuousClock.now
      var next: [UInt8]?
      try store.perform(admission: .ordinary) { [core] transaction in
        next = try core.idempotency.reseal(after: after, limit: Self.busyStep, in: &transaction)
      }
      position = next
      guard rest(after: ContinuousClock.now - began) else { return false }
    } while position != nil
    return true
  }

  /// Whether nobody has stopped the re-encryption meanwhile.
  private func isWanted() throws -> Bool {
    let key = ReencryptionOrder.rowKey
    return try store.read { try $0.contains(key.rawSpan, in: .meta) }
  }
}
