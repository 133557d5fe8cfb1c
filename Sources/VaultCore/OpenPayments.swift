import AuditLog
package import Cards
import Ledgers
import Storage
import Synchronization

extension Books {
  /// Gives each payment that has an intent and no outcome the outcome `unknown`: it may have been sent,
  /// and is never sent again.
  ///
  /// - Parameter cause: the reason of its entry, one of ``AuditReason``.
  func closeOpenPayments(
    because cause: String, in transaction: inout StoreWriteTransaction
  ) throws(VaultError) {
    let session = try opened()
    for open in try onLedger(PaymentLedger.open(in: transaction)) {
      guard var entry = try transaction.logged(open.intentSequence)?.entry else {
        throw .malformedRow
      }
      entry.outcome = .unknown
      entry.reason = cause
      try record(entry, in: &transaction)
      try onLedger(session.idempotency.mendPlace(of: open.rowKey, in: &transaction))
      try onLedger(session.payments.end(open.identifier, in: &transaction))
      let unknown = Problem(.outcomeUnknown, paymentIdentifier: open.identifier.text)
      try onLedger(
        session.idempotency.closeUnknown(
          rowKey: open.rowKey, payment: open.identifier, status: unknown.name.status,
          body: unknown.document, in: &transaction))
    }
  }
}

/// Payments that wait for the writer or for their acquirer.
///
/// Of those that wait for their acquirer it knows what tells whoever waits that the vault was sealed
/// meanwhile. Whoever takes one out answers it, and nobody else.
package final class PaymentsUnderWay: Sendable {
  private let waiting = Atomic(0)
  private let sent = Mutex<[PaymentIdentifier: @Sendable () -> Void]>([:])

  /// How many there are.
  package var count: Int { waiting.load(ordering: .relaxed) }

  /// One begins to wait.
  package func begin() { waiting.add(1, ordering: .relaxed) }

  /// One has its answer.
  package func end() { waiting.subtract(1, ordering: .relaxed) }

  /// Adds one that is about to be sent.
  ///
  /// - Parameter whenSealed: called by a sealing that comes before the outcome.
  package func add(
    _ identifier: PaymentIdentifier, whenSealed: @escaping @Sendable () -> Void
  ) {
    sent.withLock { $0[identifier] = whenSealed }
  }

  /// Takes one out whose outcome is there; false where a sealing was first.
  package func remove(_ identifier: PaymentIdentifier) -> Bool {
    sent.withLock { $0.removeValue(forKey: identifier) } != nil
  }

  /// Takes all of them out that were sent, and says that the vault is sealed.
  func seal() {
    let ends = sent.withLock { sent in
      defer { sent = [:] }
      return sent.values
    }
    for end in ends { end() }
  }
}
