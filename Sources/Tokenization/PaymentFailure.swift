/// Why a payment came to no decision: for the service's log, beside what the client is told.
///
/// Nothing of a card is in it, and no text of the acquirer's. An object, so that the many answers
/// without one are not larger for it.
package final class PaymentFailure: Sendable {
  /// The cause of an answer that was given before, and was found again by its idempotency key.
  package static let replayed = "replayed"
  /// The cause where the acquirer says that it did nothing.
  package static let rejected = "rejected"

  /// The acquirer's name in the configuration.
  package let acquirer: String
  /// `pay_…`
  package let paymentIdentifier: String
  /// A fixed word, the one of the audit entry's reason.
  package let cause: String
  /// What the system said, where it said something.
  package let systemError: SystemError?

  package init(
    acquirer: String, paymentIdentifier: String, cause: String, systemError: SystemError? = nil
  ) {
    self.acquirer = acquirer
    self.paymentIdentifier = paymentIdentifier
    self.cause = cause
    self.systemError = systemError
  }
}

extension PaymentFailure: Equatable {
  /// Whether both say the same.
  package static func == (one: PaymentFailure, other: PaymentFailure) -> Bool {
    one.acquirer == other.acquirer && one.paymentIdentifier == other.paymentIdentifier
      && one.cause == other.cause && one.systemError == other.systemError
  }
}

/// What the operating system said of a connection.
package struct SystemError: Sendable, Equatable {
  /// `errno`; nil where looking a name up failed, which sets none.
  package let number: Int32?
  /// The same in words, such as `Connection refused`.
  package let words: String

  package init(number: Int32?, words: String) {
    self.number = number
    self.words = words
  }
}
