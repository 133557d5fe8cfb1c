/// What is to be written about one operation: an entry before it has its sequence and time.
///
/// Holds names, identifiers and outcomes only, never anything of a card, nor a request's body, path or header.
/// A member that is nil is left out of the line. See ``AuditLine`` for how it is written.
package struct AuditEntry: Equatable, Sendable {
  /// Who asked, and from where.
  package var actor: AuditActor
  /// What was asked for.
  package var operation: AuditOperation
  /// The merchant whose token it is about, by name.
  package var merchant: String?
  /// The token, as text.
  package var token: String?
  /// The id of the key that it is about, 8 hexadecimal digits.
  package var key: String?
  /// The acquirer that it goes to, by name.
  package var acquirer: String?
  /// The vault's identifier of a payment.
  package var paymentIdentifier: String?
  /// What became of it.
  package var outcome: AuditOutcome
  /// Why, where the outcome alone does not say: the NAME of a problem, a cause, a count.
  package var reason: String?
  /// The `X-Request-Id` of the request.
  package var requestIdentifier: String?

  /// Makes a draft; members that do not apply stay nil.
  package init(
    actor: AuditActor, operation: AuditOperation, merchant: String? = nil, token: String? = nil,
    key: String? = nil, acquirer: String? = nil, paymentIdentifier: String? = nil,
    outcome: AuditOutcome, reason: String? = nil, requestIdentifier: String? = nil
  ) {
    self.actor = actor
    self.operation = operation
    self.merchant = merchant
    self.token = token
    self.key = key
    self.acquirer = acquirer
    self.paymentIdentifier = paymentIdentifier
    self.outcome = outcome
    self.reason = reason
    self.requestIdentifier = requestIdentifier
  }
}

/// The limits of an entry.
package enum AuditLimits {
  /// The longest actor, in bytes: the longest SPIFFE ID. What is longer is cut.
  package static let actorBytes = 2_048
  /// Any other member, in bytes. What is longer is cut.
  package static let memberBytes = 256
  /// The longest line, in bytes: every byte of every member escaped to six, and the frame.
  package static let lineBytes = 6 * (actorBytes + 10 * memberBytes) + 512
  /// How far behind the latest entry a time may be, in milliseconds, before a note is made of it.
  package static let clockToleranceMilliseconds: Int64 = 1_000
  /// How many lines one read transaction visits at most.
  package static let linesInOneTransaction = 4_096
  /// How many lines a page holds at most.
  package static let linesInOnePage = 10_000
}
