import AuditLog
import Bytes
import CardStore
import Cards
import Keyring
import RecordFormat
import Storage
import Synchronization

/// Cards and kept answers that are sealed anew under the active data key.
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

  func reencrypt(_ order: ReencryptionOrder) throws {
    let total = try cardsToMove()
    let active = keys.current.activeDataKey.identifier
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
    // A key that was rotated meanwhile makes another round necessary. Where it was not, what is left
    // cannot be moved: records that do not open, or a count that is damaged.
    guard left == 0 || keys.current.activeDataKey.identifier == active else { return }
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
      try patiently { [store, core] in
        try store.perform(admission: .ordinary) { transaction in
          step = try core.cards.reencrypt(after: after, limit: bounded, in: &transaction)
        }
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
      guard rest(after: work, atLeast: least), !isMoreUrgentThanCards, try isWanted() else {
        return false
      }
    } while position != nil
    return true
  }

  private func moveAnswers() throws -> Bool {
    var position: [UInt8]?
    repeat {
      let after = position
      let began = ContinuousClock.now
      var next: [UInt8]?
      try patiently { [store, core] in
        try store.perform(admission: .ordinary) { transaction in
          next = try core.idempotency.reseal(after: after, limit: Self.busyStep, in: &transaction)
        }
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

  /// Runs `body` again after a pause while the store has no room for it, in its queue or on the disk.
  private func patiently(_ body: () throws -> Void) throws {
    while true {
      do {
        return try body()
      } catch let error as StorageError where error == .overloaded || error == .full {
        guard rest(after: .zero, atLeast: .milliseconds(250)) else { throw error }
      }
    }
  }
}
