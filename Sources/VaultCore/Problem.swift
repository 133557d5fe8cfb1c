import JSON

/// Why the vault did not do what it was asked: the names of the contract's error table.
///
/// The raw value is the last part of the problem's `type`, `urn:cadenas:problem:NAME`.
package enum ProblemName: String, Sendable, CaseIterable {
  case malformedRequest = "malformed-request"
  case idempotencyKeyRequired = "idempotency-key-required"
  case unknownClient = "unknown-client"
  case operationNotPermitted = "operation-not-permitted"
  case acquirerNotPermitted = "acquirer-not-permitted"
  case tokenNotFound = "token-not-found"
  case noSuchResource = "no-such-resource"
  case methodNotAllowed = "method-not-allowed"
  case lengthRequired = "length-required"
  case bodyTooLarge = "body-too-large"
  case unsupportedMediaType = "unsupported-media-type"
  case headerTooLarge = "header-too-large"
  case requestInProgress = "request-in-progress"
  case invalidCardNumber = "invalid-card-number"
  case unsupportedBrand = "unsupported-brand"
  case cardExpired = "card-expired"
  case sensitiveAuthenticationData = "sensitive-authentication-data"
  case unknownMember = "unknown-member"
  case missingMember = "missing-member"
  case invalidMember = "invalid-member"
  case unsupportedCurrency = "unsupported-currency"
  case idempotencyKeyReused = "idempotency-key-reused"
  case quotaExceeded = "quota-exceeded"
  case internalError = "internal-error"
  case acquirerUnreachable = "acquirer-unreachable"
  case acquirerRejectedRequest = "acquirer-rejected-request"
  case sealed = "sealed"
  case overloaded = "overloaded"
  case shuttingDown = "shutting-down"
  case unavailable = "unavailable"
  case outcomeUnknown = "outcome-unknown"
  case storeFull = "store-full"

  /// The HTTP status of the contract's table.
  package var status: UInt16 { httpStatus.rawValue }

  private var httpStatus: HTTPStatus {
    switch self {
    case .malformedRequest, .idempotencyKeyRequired: .badRequest
    case .unknownClient, .operationNotPermitted, .acquirerNotPermitted: .forbidden
    case .tokenNotFound, .noSuchResource: .notFound
    case .methodNotAllowed: .methodNotAllowed
    case .requestInProgress: .conflict
    case .lengthRequired: .lengthRequired
    case .bodyTooLarge: .contentTooLarge
    case .unsupportedMediaType: .unsupportedMediaType
    case .invalidCardNumber, .unsupportedBrand, .cardExpired, .sensitiveAuthenticationData,
      .unknownMember, .missingMember, .invalidMember, .unsupportedCurrency, .idempotencyKeyReused:
      .unprocessableContent
    case .quotaExceeded: .tooManyRequests
    case .headerTooLarge: .requestHeaderFieldsTooLarge
    case .internalError: .internalServerError
    case .acquirerUnreachable, .acquirerRejectedRequest: .badGateway
    case .sealed, .overloaded, .shuttingDown, .unavailable: .serviceUnavailable
    case .outcomeUnknown: .gatewayTimeout
    case .storeFull: .insufficientStorage
    }
  }

  /// The `title` member: one sentence, the same at each occurrence (RFC 9457, 3.1.3).
  package var title: String {
    switch self {
    case .malformedRequest: "The request is malformed."
    case .idempotencyKeyRequired: "This operation requires an Idempotency-Key header."
    case .unknownClient: "No policy knows this client."
    case .operationNotPermitted: "This client may not use this operation."
    case .acquirerNotPermitted: "This merchant may not use this acquirer."
    case .tokenNotFound: "There is no such token."
    case .noSuchResource: "There is no such resource."
    case .methodNotAllowed: "The resource does not support this method."
    case .lengthRequired: "The request must have a Content-Length, or come in chunks."
    case .bodyTooLarge: "The body is larger than the vault accepts."
    case .unsupportedMediaType: "The body must be application/json in UTF-8, in no content coding."
    case .headerTooLarge: "The header is larger than the vault accepts."
    case .requestInProgress: "A request with this idempotency key is still running."
    case .invalidCardNumber: "The card number is not valid."
    case .unsupportedBrand: "The card is of no brand that the vault accepts."
    case .cardExpired: "The card has expired."
    case .sensitiveAuthenticationData: "Sensitive authentication data has no place here."
    case .unknownMember: "The request has a member that this operation does not know."
    case .missingMember: "The request lacks a member that this operation requires."
    case .invalidMember: "A member of the request has a wrong type, form or range."
    case .unsupportedCurrency: "The acquirer is not configured for this currency."
    case .idempotencyKeyReused: "This idempotency key was used for another request."
    case .quotaExceeded: "The quota of this operation is used up."
    case .internalError: "The vault failed to handle the request."
    case .acquirerUnreachable: "The acquirer could not be reached; nothing was sent."
    case .acquirerRejectedRequest: "The acquirer rejected the request without processing it."
    case .sealed: "The vault is sealed."
    case .overloaded: "The vault has more work than it can queue."
    case .shuttingDown: "The vault is shutting down."
    case .unavailable: "The store cannot be written."
    case .outcomeUnknown: "It is not known whether the acquirer acted; ask it, with payment_id."
    case .storeFull: "The store is full."
    }
  }

  /// Whether it tells about load or state of the service and not about the request: such answers are
  /// logged, and leave no audit entry.
  package var isServiceState: Bool { status == 503 }
}

/// What failed in the vault where it answers `internal-error`: for the service's log, and never for a
/// client.
package enum InternalCause: String, Sendable {
  /// A card's record does not open: damaged, moved, or under a key that is gone.
  case damagedRecord = "damaged-record"
  /// A row beside the records does not have its layout or its check.
  case damagedRow = "damaged-row"
  /// A file of the store could not be read, or is not what it should be.
  case store
  case keyring
  case cryptography
  case auditLog = "audit-log"
  /// No token is left.
  case tokensExhausted = "tokens-exhausted"
  /// Nothing that a client asks for should end so.
  case unexpected
}

/// One occurrence of a problem. It never holds anything that the client sent: `pointer` and `detail`
/// are built from names that the vault knows.
package struct Problem: Error, Sendable, Equatable {
  package var name: ProblemName
  /// JSON Pointer (RFC 6901) of the member at fault, of known names only.
  package var pointer: String?
  /// A sentence for the developer of the client.
  package var detail: String?
  /// Seconds for `Retry-After`.
  package var retryAfterSeconds: Int?
  /// `pay_…`, where a payment was begun.
  package var paymentIdentifier: String?
  /// What the log says beside it; not in ``document``.
  package var cause: InternalCause?

  /// A problem that explains itself by its name.
  package init(
    _ name: ProblemName, pointer: String? = nil, detail: String? = nil,
    retryAfterSeconds: Int? = nil, paymentIdentifier: String? = nil
  ) {
    self.name = name
    self.pointer = pointer
    self.detail = detail
    self.retryAfterSeconds = retryAfterSeconds ?? (name.isServiceState ? 1 : nil)
    self.paymentIdentifier = paymentIdentifier
  }

  /// An `internal-error`.
  init(internal cause: InternalCause) {
    self.init(.internalError)
    self.cause = cause
  }
}

extension Problem {
  /// The problem document of RFC 9457.
  package var document: [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    json.member("type", string: "urn:cadenas:problem:" + name.rawValue)
    json.member("title", string: name.title)
    json.member("status", integer: name.status)
    if let detail { json.member("detail", string: detail) }
    if let pointer { json.member("pointer", string: pointer) }
    if let paymentIdentifier { json.member("payment_id", string: paymentIdentifier) }
    json.endObject()
    return json.bytes
  }
}
