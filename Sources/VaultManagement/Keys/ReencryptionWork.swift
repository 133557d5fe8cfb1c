import AuditLog
import CardStore
import Cards
import Keyring
import Ledgers
import RecordFormat
import Storage
import VaultCore

/// Cards and kept answers that are sealed anew under the active data key.
final class ReencryptionTask: BackgroundTask {
  /// Cards moved in one transaction while nobody else asks for anything, and while somebody does.
  static let idleStep = 4_096
  static let busyStep = 128

  private let store: Store
  private let books: Books

  init(_ vault: Vault) {
    store = vault.store
    books = vault.books
  }

  var failure: String? { nil }

  func isDue(in session: VaultSession) throws(VaultError) -> Bool { try isOrdered() }

  /// Whether cards are to be moved, and that is not done yet.
  func isOrdered() throws(VaultError) -> Bool { try order() != nil }

  private func order() throws(VaultError) -> ReencryptionOrder? {
    try store.read { (transaction) throws(VaultError) in
      try ReencryptionOrder.read(in: transaction)
    }
  }

  /// Notes that cards are to be moved, with its entry. Where that is under way it goes on, and the new
  /// rate counts from its next start.
  ///
  /// - Parameter cardsPerSecond: 0 for as fast as requests allow.
  func begin(
    cardsPerSecond: UInt64, because reason: KeyReason, actor: AuditActor
  ) throws(VaultError) {
    try store.perform { [books] (transaction) throws(VaultError) in
      let active = try books.opened().keys.working.activeDataKey.identifier
      let sequence = try books.record(
        AuditEntry(
          actor: actor, operation: .keysReencrypt, key: active.text,
          outcome: .begun, reason: reason.whole), in: &transaction)
      var order =
        try ReencryptionOrder.read(in: transaction)
        ?? ReencryptionOrder(
          cardsPerSecond: cardsPerSecond, beganMilliseconds: books.now, sequence: sequence,
          actor: actor.name)
      order.cardsPerSecond = cardsPerSecond
      try books.note(order, in: &transaction)
    }
  }

  /// Notes that no more cards are to be moved for now.
  func stop(because reason: KeyReason, actor: AuditActor) throws(VaultError) {
    try store.perform { [books] (transaction) throws(VaultError) in
      guard try ReencryptionOrder.remove(in: &transaction) else { return }
      let active = try books.opened().keys.working.activeDataKey.identifier
      try books.record(
        AuditEntry(
          actor: actor, operation: .keysReencrypt, key: active.text,
          outcome: .stopped, reason: reason.whole), in: &transaction)
    }
  }

  /// Notes that every card that can be moved was, and certifies what that has emptied.
  private func end(_ reason: String, _ keys: LiveKeyring) throws(VaultError) {
    guard let order = try order() else { return }
    let replacements = try onLog(
      RotationCertificate.replacements(
        of: Set(order.counts.map(\.key)).intersection(keys.current.replacedDataKeys), in: store))
    try store.perform { [books] (transaction) throws(VaultError) in
      guard try ReencryptionOrder.remove(in: &transaction) else { return }
      let active = try books.opened().keys.working.activeDataKey.identifier
      let end = try books.record(
        AuditEntry(
          actor: AuditActor(order.actor), operation: .keysReencrypt, key: active.text,
          outcome: .done, reason: reason), in: &transaction)
      try books.certifyReencryption(
        order, replacements: replacements, end: end, in: &transaction)
    }
  }

  /// The cards that stand under another key than the active one.
  func cardsToMove(in session: VaultSession) throws(VaultError) -> UInt64 {
    let active = session.keys.current.activeDataKey.identifier
    return try onCards(CardVerifier.cardCounts(in: store))
      .reduce(0) { $0 + ($1.key == active ? 0 : $1.value) }
  }

  func run(_ work: BackgroundWork) throws(VaultError) {
    guard let order = try order() else { return }
    let keys = work.session.keys
    let total = try cardsToMove(in: work.session)
    let active = keys.current.activeDataKey.identifier
    work.note {
      $0 = BackgroundProgress()
      $0.total = total
      $0.isRunning = true
    }
    // A key that was replaced since the beginning has its cards noted now.
    try store.perform { [books] (transaction) throws(VaultError) in
      guard let order = try ReencryptionOrder.read(in: transaction) else { return }
      try books.note(order, in: &transaction)
    }
    guard try moveCards(work, cardsPerSecond: order.cardsPerSecond), try moveAnswers(work) else {
      return
    }
    let left = try cardsToMove(in: work.session)
    // A key that was rotated meanwhile makes another round necessary. Where it was not, what is left
    // cannot be moved: records that do not open, or a count that is damaged.
    guard left == 0 || keys.current.activeDataKey.identifier == active else { return }
    try end("moved=\(work.progress.done) left=\(left)", keys)
  }

  private func moveCards(
    _ work: BackgroundWork, cardsPerSecond: UInt64
  ) throws(VaultError) -> Bool {
    var position: Token?
    repeat {
      let limit = work.isBusy ? Self.busyStep : Self.idleStep
      let bounded = cardsPerSecond == 0 ? limit : min(limit, Int(clamping: cardsPerSecond))
      let began = ContinuousClock.now
      let step = try work.patiently { () throws(VaultError) in
        try store.perform(admission: .ordinary) {
          [books, position] (transaction) throws(VaultError) in
          let cards = try books.opened().cards
          return try onCards(
            cards.reencrypt(after: position, limit: bounded, in: &transaction))
        }
      }
      position = step.position
      let moved = UInt64(step.moved)
      work.note {
        $0.done += moved
        $0.damaged += UInt64(step.damaged)
      }
      let took = ContinuousClock.now - began
      let least: Duration =
        cardsPerSecond == 0
        ? .zero
        : .nanoseconds(Int64(clamping: moved * 1_000_000_000 / cardsPerSecond)) - took
      guard work.rest(after: took, atLeast: least), try !work.hasMoreUrgent(than: self),
        // Nobody has stopped it meanwhile.
        try isOrdered()
      else { return false }
    } while position != nil
    return true
  }

  private func moveAnswers(_ work: BackgroundWork) throws(VaultError) -> Bool {
    var position: [UInt8]?
    repeat {
      let began = ContinuousClock.now
      let step = try work.patiently { () throws(VaultError) in
        try store.perform(admission: .ordinary) {
          [books, position] (transaction) throws(VaultError) in
          let idempotency = try books.opened().idempotency
          return try onLedger(
            idempotency.reseal(after: position, limit: Self.busyStep, in: &transaction))
        }
      }
      position = step.position
      work.note { $0.damaged += UInt64(step.damaged) }
      guard work.rest(after: ContinuousClock.now - began) else { return false }
    } while position != nil
    return true
  }
}
