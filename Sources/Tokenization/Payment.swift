import Bytes
package import Cards
package import SecretMemory

/// What a push asks the acquirer to do.
package enum PaymentOperation: String, Sendable, CaseIterable {
  case authorize, verify, authenticate
  /// What came of a challenge; nothing of the card is sent.
  case authenticationResult = "authentication_result"
  case credit

  /// Whether it asks a 3-D Secure server instead of moving money.
  package var isAuthentication: Bool { self == .authenticate || self == .authenticationResult }
}

/// Who started the payment: the cardholder, who is there; the merchant, under an agreement; or the
/// cardholder by mail or telephone.
package enum Initiator: String, Sendable, CaseIterable {
  case cardholder, merchant, moto
}

/// The stored credential framework's data.
package struct StoredCredential: Sendable, Equatable {
  package enum Use: String, Sendable, CaseIterable { case recurring, installment, unscheduled }
  package enum Sequence: String, Sendable, CaseIterable { case first, subsequent }
  package let use: Use
  package let sequence: Sequence
  /// The scheme's transaction id of the first payment: 1 to 36 of letters, digits and inner spaces.
  package let networkTransactionIdentifier: String?
  /// Mastercard's Transaction Link Identifier: 1 to 36 of base 64, either alphabet.
  package let transactionLinkIdentifier: String?

  package init(
    use: Use, sequence: Sequence, networkTransactionIdentifier: String?,
    transactionLinkIdentifier: String? = nil
  ) {
    self.use = use
    self.sequence = sequence
    self.networkTransactionIdentifier = networkTransactionIdentifier
    self.transactionLinkIdentifier = transactionLinkIdentifier
  }
}

/// Exemptions from strong customer authentication (Delegated Regulation (EU) 2018/389).
package enum ScaExemption: String, Sendable, CaseIterable {
  case lowValue = "low_value"
  case transactionRisk = "transaction_risk"
  case trustedBeneficiary = "trusted_beneficiary"
  case secureCorporate = "secure_corporate"
  case recurring
}

/// A card's security code, in secret memory until the payment is over.
package final class SecurityCode: Sendable {
  private let slot: SecretSlot

  /// Takes the slot over.
  package init(_ slot: consuming SecretSlot) {
    self.slot = slot
  }

  /// Lends the 3 or 4 digits.
  package func withDigits<R>(_ body: (RawSpan) throws -> R) rethrows -> R {
    try Self.lend(slot, to: body)
  }

  /// Whether `text` is the code, compared in constant time.
  package func isEqual(to text: String) -> Bool {
    let bytes = Array(text.utf8)
    return withDigits { constantTimeEqual($0, bytes.rawSpan) }
  }

  // The compiler follows the lifetime of a borrowed parameter, not yet that of a stored property.
  private static func lend<R>(
    _ slot: borrowing SecretSlot, to body: (RawSpan) throws -> R
  ) rethrows -> R {
    try body(slot.bytes)
  }
}

/// The variables of one push, each already checked for type, form and range.
///
/// A class, since it outlives the request on its way through the writer to the acquirer; the
/// security code is wiped when the last reference goes.
package final class Payment: Sendable {
  package let operation: PaymentOperation
  package let amount: Money?
  package let reference: PaymentReference?
  package let securityCode: SecurityCode?
  package let initiator: Initiator?
  package let storedCredential: StoredCredential?
  package let threeDSecure: ThreeDSecure?
  package let scaExemption: ScaExemption?
  /// Of an ``PaymentOperation/authenticationResult``: which authentication is asked about, a UUID.
  package let threeDSServerTransactionIdentifier: String?
  /// What the acquirer's template may know beyond this list, in the order of the request.
  package let inputs: [PaymentInput]

  /// The amount's currency.
  package var currency: Currency? { amount?.currency }

  /// The variables as the request had them; absent and `null` members are nil.
  package init(
    operation: PaymentOperation, amount: Money?, reference: PaymentReference?,
    securityCode: SecurityCode?, initiator: Initiator?,
    storedCredential: StoredCredential?, threeDSecure: ThreeDSecure?, scaExemption: ScaExemption?,
    threeDSServerTransactionIdentifier: String? = nil, inputs: [PaymentInput] = []
  ) {
    self.operation = operation
    self.amount = amount
    self.reference = reference
    self.securityCode = securityCode
    self.initiator = initiator
    self.storedCredential = storedCredential
    self.threeDSecure = threeDSecure
    self.scaExemption = scaExemption
    self.threeDSServerTransactionIdentifier = threeDSServerTransactionIdentifier
    self.inputs = inputs
  }
}
