import Tokenization
import VaultCore

/// What a template can put into a message. The raw value is its name in the template.
package enum TemplateVariable: String, CaseIterable, Sendable {
  case cardNumber = "card.number"
  case cardExpiry = "card.expiry"
  case cardPreferredBrand = "card.preferred_brand"
  case securityCode = "card.cvc"
  case amountValue = "amount.value"
  case amountCurrency = "amount.currency"
  case reference
  case paymentIdentifier = "payment_id"
  case initiator
  case storedCredentialUse = "stored_credential.use"
  case storedCredentialSequence = "stored_credential.sequence"
  case networkTransactionIdentifier = "stored_credential.network_transaction_id"
  case transactionLinkIdentifier = "stored_credential.transaction_link_id"
  case threeDSecureVersion = "three_ds.version"
  case threeDSecureStatus = "three_ds.trans_status"
  case threeDSecureIndicator = "three_ds.eci"
  case threeDSecureValue = "three_ds.cavv"
  case directoryTransactionIdentifier = "three_ds.ds_transaction_id"
  case accessControlTransactionIdentifier = "three_ds.acs_transaction_id"
  case threeDSecureReason = "three_ds.trans_status_reason"
  case threeDSecureAlgorithm = "three_ds.cavv_algorithm"
  case threeDSecureScore = "three_ds.network_score"
  case threeDSecureExemption = "three_ds.exemption"
  case threeDSServerTransactionIdentifier = "three_ds_server_transaction_id"
  case scaExemption = "sca_exemption"
  case operation
  case now
}

/// How a value is written: the word after `as`.
package enum ValueForm: String, CaseIterable, Sendable {
  /// A JSON number.
  case integer
  /// A JSON string.
  case string
  /// The expiry's month, two digits, as a string.
  case month = "mm"
  /// The expiry's year, two digits, as a string.
  case shortYear = "yy"
  /// The expiry's year, four digits, as a string.
  case year = "yyyy"
  /// The expiry, year before month, as a string of four digits.
  case yearMonth = "yymm"
  /// The currency's three digits of ISO 4217, as a string.
  case currencyNumeric = "currency_numeric"
  /// The amount in the major unit with the currency's decimals, as a string.
  case amountDecimal = "amount_decimal"
  /// A time as `2026-11-23T18:43:25Z`, as a string.
  case utc
}

extension TemplateVariable {
  /// The forms in which it can be written, the usual one first. The expiry has no usual one.
  package var forms: [ValueForm] {
    switch self {
    case .cardExpiry: [.month, .shortYear, .year, .yearMonth]
    case .amountValue: [.integer, .string, .amountDecimal]
    case .amountCurrency: [.string, .currencyNumeric]
    case .now: [.utc, .integer]
    case .threeDSecureScore: [.string, .integer]
    case .cardNumber, .cardPreferredBrand, .securityCode, .reference, .paymentIdentifier,
      .initiator, .storedCredentialUse, .storedCredentialSequence, .networkTransactionIdentifier,
      .transactionLinkIdentifier, .threeDSecureVersion, .threeDSecureStatus,
      .threeDSecureIndicator, .threeDSecureValue, .directoryTransactionIdentifier,
      .accessControlTransactionIdentifier, .threeDSecureReason, .threeDSecureAlgorithm,
      .threeDSecureExemption, .threeDSServerTransactionIdentifier, .scaExemption, .operation:
      [.string]
    }
  }

  /// The form that is meant where the template says none; nil where it has to say one.
  var usualForm: ValueForm? { self == .cardExpiry ? nil : forms.first }

  /// Where the value stands in the request, as a JSON Pointer; nil for what the vault knows by
  /// itself.
  var pointer: String? {
    switch self {
    case .cardNumber, .cardExpiry, .cardPreferredBrand, .paymentIdentifier, .now, .operation: nil
    case .securityCode: "/cvc"
    default: "/" + rawValue.replacing(".", with: "/")
    }
  }

  /// An object of the request, by its JSON Pointer.
  enum Group: String {
    case amount = "/amount"
    case storedCredential = "/stored_credential"
    case threeDSecure = "/three_ds"
  }

  /// The object of the request that the value is a member of.
  var group: Group? {
    if threeDSecureMember != nil { return .threeDSecure }
    return switch self {
    case .amountValue, .amountCurrency: .amount
    case .storedCredentialUse, .storedCredentialSequence, .networkTransactionIdentifier,
      .transactionLinkIdentifier:
      .storedCredential
    default: nil
    }
  }

  /// Which value of 3-D Secure it is; nil for another one.
  var threeDSecureMember: ThreeDSecure.Member? {
    switch self {
    case .threeDSecureVersion: .version
    case .threeDSecureStatus: .transStatus
    case .threeDSecureIndicator: .eci
    case .threeDSecureValue: .cavv
    case .directoryTransactionIdentifier: .dsTransactionIdentifier
    case .accessControlTransactionIdentifier: .acsTransactionIdentifier
    case .threeDSecureReason: .transStatusReason
    case .threeDSecureAlgorithm: .cavvAlgorithm
    case .threeDSecureScore: .networkScore
    case .threeDSecureExemption: .exemption
    default: nil
    }
  }

  /// Whether it is of the card, which a message about a challenge has nothing of.
  var isOfCard: Bool {
    switch self {
    case .cardNumber, .cardExpiry, .cardPreferredBrand, .securityCode: true
    case .amountValue, .amountCurrency, .reference, .paymentIdentifier, .initiator,
      .storedCredentialUse, .storedCredentialSequence, .networkTransactionIdentifier,
      .transactionLinkIdentifier, .threeDSecureVersion, .threeDSecureStatus,
      .threeDSecureIndicator, .threeDSecureValue, .directoryTransactionIdentifier,
      .accessControlTransactionIdentifier, .threeDSecureReason, .threeDSecureAlgorithm,
      .threeDSecureScore, .threeDSecureExemption, .threeDSServerTransactionIdentifier,
      .scaExemption, .operation, .now:
      false
    }
  }

  /// Which variables a request cannot have without each other.
  static let companions: [[TemplateVariable]] = [
    [.amountValue, .amountCurrency],
    [.storedCredentialUse, .storedCredentialSequence],
    [.threeDSecureVersion, .threeDSecureStatus],
  ]

  /// Whether every message has a value for it.
  var isAlwaysPresent: Bool {
    switch self {
    case .cardNumber, .cardExpiry, .paymentIdentifier, .operation, .now: true
    default: false
    }
  }

  /// Whether it may stand in a path or a header: its characters can neither end a line there nor
  /// lead to another resource, and a log of the acquirer's may hold it.
  var isFitForHead: Bool { self == .paymentIdentifier || self == .operation }

  /// The values that `map` may translate.
  enum Mappable {
    case none
    /// Nothing but these.
    case among([String])
    case anything
  }

  var mappable: Mappable {
    switch self {
    case .initiator: .among(Initiator.allCases.map(\.rawValue))
    case .storedCredentialUse: .among(StoredCredential.Use.allCases.map(\.rawValue))
    case .storedCredentialSequence: .among(StoredCredential.Sequence.allCases.map(\.rawValue))
    case .scaExemption: .among(ScaExemption.allCases.map(\.rawValue))
    case .operation: .among(PaymentOperation.allCases.map(\.rawValue))
    case .threeDSecureStatus: .among(["Y", "A", "I"])
    case .cardPreferredBrand, .amountCurrency, .threeDSecureVersion, .threeDSecureIndicator,
      .threeDSecureReason, .threeDSecureAlgorithm:
      .anything
    default: .none
    }
  }
}
