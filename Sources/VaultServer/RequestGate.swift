import AccessPolicy
import Cards
import Tokenization
import VaultCore

/// Who is at the other end of a connection.
enum ClientIdentity: Equatable {
  /// A principal's client, by its SPIFFE URI.
  case client(actor: String, Principal)
  /// A valid certificate that no policy knows.
  case unknown
  /// A certificate that must not be served at all.
  case rejected(Rejection)

  /// Why a connection is closed as soon as its certificate has been seen.
  enum Rejection: String {
    case unreadable, noAuthority, wrongKeyUsage, notYetValid, expired, revoked
    case staleRevocationList
    case uncoveredByRevocationLists
  }
}

/// What the rest of a request is expected to be, once its head has passed.
enum ExpectedRequest: Equatable {
  case tokenize(key: [UInt8]?)
  case push(Token?, key: [UInt8])
  case pull(Token?)
  case delete(Token?)
}

/// Decides from a request's head alone whether its body is wanted, in the order of the contract:
/// identity, sealed, path and method, quota, operation, idempotency key, media type, length.
///
/// HTTP itself came before, in ``HeadParser``; the body, and what the vault checks, come after.
struct RequestGate {
  /// What became of a head.
  enum Verdict: Equatable {
    case admitted(ExpectedRequest)
    case refused(Refusal)
  }

  /// A refusal, and what it means for audit and connection.
  struct Refusal: Equatable {
    let problem: Problem
    /// Whether it gets an entry in the audit log: those of known clients about an operation do.
    var isAudited = false
    /// Whether it can't be told where this request ends and the next begins.
    var closes = false
  }

  let identity: ClientIdentity
  let policy: Policy
  let isSealed: Bool
  let isStopping: Bool
  let bodyLimit: Int

  /// Decides about one head.
  ///
  /// - Parameter takeQuota: counts the request against the quotas of the principal and its client.
  func admit(
    _ head: RequestHead,
    takeQuota: (Operation, Principal, _ actor: String) -> QuotaLedger.Decision
  ) -> Verdict {
    guard case .client(let actor, let principal) = identity else {
      return refused(.unknownClient)
    }
    if isStopping { return refused(.shuttingDown, closes: true) }
    if isSealed { return refused(.sealed) }
    guard let operation = head.route.operation else { return refused(.noSuchResource) }
    guard head.method == head.route.allowedMethod else { return refused(.methodNotAllowed) }
    if case .exceeded(let seconds) = takeQuota(operation, principal, actor) {
      return audited(Problem(.quotaExceeded, retryAfterSeconds: seconds))
    }
    guard policy.permits(operation, for: principal, actor: actor) else {
      return audited(Problem(.operationNotPermitted))
    }
    let verdict = expect(head, of: principal)
    guard case .admitted(let expected) = verdict else { return verdict }
    return checkBody(head, expected)
  }

  /// What the request is, and whether the idempotency key that it needs is there.
  private func expect(_ head: RequestHead, of principal: Principal) -> Verdict {
    switch (head.route, principal) {
    case (.unknown, _): return refused(.noSuchResource)
    case (.token(let token), _): return .admitted(.delete(token))
    case (.detokenize(let token), .acquirer): return .admitted(.pull(token))
    case (.detokenize(let token), .merchant):
      switch head.idempotencyKey {
      case .key(let key): return .admitted(.push(token, key: key))
      case .absent: return audited(Problem(.idempotencyKeyRequired))
      case .malformed: return audited(malformedKey)
      }
    case (.tokens, _):
      switch head.idempotencyKey {
      case .key(let key): return .admitted(.tokenize(key: key))
      case .absent: return .admitted(.tokenize(key: nil))
      case .malformed: return audited(malformedKey)
      }
    }
  }

  private var malformedKey: Problem {
    Problem(
      .malformedRequest, detail: "An Idempotency-Key has 1 to 255 visible ASCII characters.")
  }

  /// Media type and length, where a body belongs; none where it does not. What comes in chunks is
  /// measured as it comes.
  private func checkBody(_ head: RequestHead, _ expected: ExpectedRequest) -> Verdict {
    if case .delete = expected {
      guard !head.hasBody else { return audited(Problem(.malformedRequest), closes: true) }
      return .admitted(expected)
    }
    guard head.mediaType == .json, !head.isCoded else {
      return audited(Problem(.unsupportedMediaType))
    }
    if head.isChunked { return .admitted(expected) }
    guard let length = head.bodyLength else {
      return audited(Problem(.lengthRequired), closes: true)
    }
    guard length <= bodyLimit else { return audited(Problem(.bodyTooLarge), closes: true) }
    return .admitted(expected)
  }

  private func refused(_ problem: ProblemName, closes: Bool = false) -> Verdict {
    .refused(Refusal(problem: Problem(problem), closes: closes))
  }

  private func audited(_ problem: Problem, closes: Bool = false) -> Verdict {
    .refused(Refusal(problem: problem, isAudited: true, closes: closes))
  }
}

extension RequestHead {
  /// How many bytes of body follow the head, as far as the connection has to skip them.
  var bodyBytes: Int { bodyLength ?? 0 }

  /// Whether something follows the head.
  var hasBody: Bool { isChunked || bodyBytes > 0 }
}
