import AuditLog
import Cards
import Ledgers
import Storage

extension Books {
  /// Gives each payment that has an intent and no outcome the outcome `unknown`, cause `restart`: it may
  /// have been sent, and is never sent again.
  func closeOpenPayments(in transaction: inout StoreWriteTransaction) throws(VaultError) {
    let session = try opened()
    for open in try onLedger(PaymentLedger.open(in: transaction)) {
      guard var entry = try transaction.logged(open.intentSequence)?.entry else {
        throw .malformedRow
      }
      entry.outcome = .unknown
      entry.reason = "restart"
      try record(entry, in: &transaction)
      try onLedger(session.payments.end(open.identifier, in: &transaction))
      let unknown = Problem(.outcomeUnknown, paymentIdentifier: open.identifier.text)
      try onLedger(
        session.idempotency.closeUnknown(
          rowKey: open.rowKey, payment: open.identifier, status: unknown.name.status,
          body: unknown.document, in: &transaction))
    }
  }
}
