internal import Keyring
internal import RecordFormat
internal import Vault

extension AdminRequest {
  /// The method of the HTTP request.
  var method: String {
    switch self {
    case .status, .metrics, .keysStatus, .storeStats, .approvals,
      .keysCertificate, .keysPublicKey, .keysHistory, .keysInventory:
      "GET"
    case .storeVerify, .keysRotate, .keysReencrypt, .keysReencryptStop, .keysRetire, .keysDestroy,
      .approve, .reject, .seal, .unseal, .share, .ceremony:
      "POST"
    case .audit(let request): request.method
    case .store(let request): request.method
    case .honeytokens(let request): request.method
    }
  }

  /// The path of the HTTP request, which holds no value of anybody.
  var path: String {
    String(target.prefix { $0 != "?" })
  }

  /// The target of the HTTP request: path and query.
  var target: String {
    switch self {
    case .status: "/v1/status"
    case .metrics: "/v1/metrics"
    case .keysStatus: "/v1/keys"
    case .keysCertificate(let key, let kind):
      "/v1/keys/certificate" + Query.text([("key", key.text), ("kind", kind?.rawValue)])
    case .keysPublicKey: "/v1/keys/public-key"
    case .keysHistory(let key): "/v1/keys/history" + Query.text([("key", key?.text)])
    case .keysInventory: "/v1/keys/inventory"
    case .keysRotate(let role, let key):
      "/v1/keys/rotate" + Query.text([("role", role.name), ("to", key?.text)])
    case .keysReencrypt(let rate): "/v1/keys/reencrypt?rate=\(rate)"
    case .keysReencryptStop: "/v1/keys/reencrypt/stop"
    case .keysRetire(let order, .deactivated): "/v1/keys/deactivate" + Query.text(order.pairs)
    case .keysRetire(let order, .compromised): "/v1/keys/compromise" + Query.text(order.pairs)
    case .keysDestroy(let order, let execute):
      "/v1/keys/destroy" + Query.text(order.pairs + [("execute", execute ? "1" : nil)])
    case .approvals: "/v1/approvals"
    case .approve(let identifier): "/v1/approvals/approve" + Query.text([("id", identifier)])
    case .reject(let identifier, let reason):
      "/v1/approvals/reject" + Query.text([("id", identifier)] + reason.pairs)
    case .seal: "/v1/seal"
    case .unseal: "/v1/unseal"
    case .share(.unseal): "/v1/unseal/share"
    case .share(.replacement): "/v1/ceremony/share"
    case .ceremony: "/v1/ceremony"
    case .audit(let request): request.target
    case .storeStats: "/v1/store"
    case .storeVerify: "/v1/store/verify"
    case .store(let request): request.target
    case .honeytokens(let request): request.target
    }
  }

  /// Reads what ``method`` and ``target`` say; nil where no such thing can be asked.
  /// - Throws: ``AdministrationError/malformedRequest(_:)`` for a query that has no valid form.
  static func parse(
    method: String, target: String
  ) throws(AdministrationError) -> AdminRequest? {
    let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    let query = parts.count == 2 ? parts[1] : ""
    if let request = try AuditRequest.parse(method: method, path: parts[0], query: query) {
      return .audit(request)
    }
    if method == "GET", let request = try lookup(parts[0], query) { return request }
    if method == "POST", let request = try parametrized(parts[0], query) { return request }
    if let request = try StoreRequest.parse(method: method, path: parts[0], query: query) {
      return .store(request)
    }
    if let request = try HoneytokenRequest.parse(method: method, path: parts[0], query: query) {
      return .honeytokens(request)
    }
    guard query.isEmpty else { return nil }
    let plain: [AdminRequest] = [
      .keysReencryptStop, .status, .metrics, .keysStatus, .storeStats, .storeVerify,
      .approvals, .seal, .unseal, .share(.unseal), .share(.replacement), .ceremony, .keysPublicKey,
      .keysInventory,
    ]
    return plain.first { $0.method == method && $0.target == parts[0] }
  }

  /// Reads a request whose query says what it is about.
  private static func parametrized(
    _ path: Substring, _ query: Substring
  ) throws(AdministrationError) -> AdminRequest? {
    switch path {
    case "/v1/keys/rotate": return try rotation(try Query(query, knowing: ["role", "to"]))
    case "/v1/keys/reencrypt": return try reencryption(try Query(query, knowing: ["rate"]))
    case "/v1/keys/deactivate":
      return .keysRetire(try order(try Query(query, knowing: orderNames)), as: .deactivated)
    case "/v1/keys/compromise":
      return .keysRetire(try order(try Query(query, knowing: orderNames)), as: .compromised)
    case "/v1/keys/destroy":
      let query = try Query(query, knowing: orderNames + ["execute"])
      return .keysDestroy(try order(query), execute: query["execute"] == "1")
    case "/v1/approvals/approve":
      return .approve(try approval(try Query(query, knowing: ["id"])))
    case "/v1/approvals/reject":
      let query = try Query(query, knowing: ["id", "ticket", "reason"])
      return .reject(try approval(query), because: try reason(query))
    default: return nil
    }
  }

  /// Reads a request for something that there is, by its key.
  private static func lookup(
    _ path: Substring, _ query: Substring
  ) throws(AdministrationError) -> AdminRequest? {
    switch path {
    case "/v1/keys/certificate":
      let query = try Query(query, knowing: ["key", "kind"])
      let kind = RotationCertificate.Kind.allCases.first { $0.rawValue == query["kind"] }
      guard let key = query["key"].flatMap({ KeyIdentifier($0) }),
        query["kind"] == nil || kind != nil
      else {
        throw .malformedRequest(
          "a certificate is named by its key, and its kind where that matters")
      }
      return .keysCertificate(key, kind)
    case "/v1/keys/history":
      let query = try Query(query, knowing: ["key"])
      let key = query["key"].flatMap { KeyIdentifier($0) }
      guard query["key"] == nil || key != nil else {
        throw .malformedRequest("a history is that of every key, or of one")
      }
      return .keysHistory(key)
    default: return nil
    }
  }

  private static let orderNames = ["key", "ticket", "reason"]

  private static func rotation(_ query: Query) throws(AdministrationError) -> AdminRequest {
    let role = KeyRole.allCases.first { $0.name == query["role"] }
    let key = query["to"].flatMap { KeyIdentifier($0) }
    guard let role, query["to"] == nil || (key != nil && role.wrapsKeyring) else {
      throw .malformedRequest("a rotation names a role, and a key only with the role kek")
    }
    return .keysRotate(role, to: key)
  }

  private static func reencryption(_ query: Query) throws(AdministrationError) -> AdminRequest {
    guard let rate = query["rate"].flatMap({ UInt64($0) }), rate <= 1 << 32 else {
      throw .malformedRequest("a re-encryption names a rate in cards a second, 0 for none")
    }
    return .keysReencrypt(cardsPerSecond: rate)
  }

  private static func order(_ query: Query) throws(AdministrationError) -> KeyOrder {
    guard let key = query["key"].flatMap({ KeyIdentifier($0) }) else {
      throw .malformedRequest("a key is named by eight hexadecimal digits")
    }
    return KeyOrder(key: key, reason: try reason(query))
  }

  /// The ticket and the reason of a query; ``KeyReason/none`` where neither is in it.
  static func reason(_ query: Query) throws(AdministrationError) -> KeyReason {
    guard let reason = KeyReason(ticket: query["ticket"] ?? "", text: query["reason"] ?? "") else {
      throw .malformedRequest(KeyReason.rules)
    }
    return reason
  }

  private static func approval(_ query: Query) throws(AdministrationError) -> String {
    guard let identifier = query["id"], KeyIdentifier(identifier) != nil else {
      throw .malformedRequest("a request for approval is named by eight hexadecimal digits")
    }
    return identifier
  }
}

extension AdminRequest.KeyOrder {
  /// The order as the pairs of a query.
  fileprivate var pairs: [(String, String?)] {
    [("key", key.text)] + reason.pairs
  }
}

extension KeyReason {
  /// The reason as pairs of a query.
  var pairs: [(String, String?)] {
    [("ticket", ticket.isEmpty ? nil : ticket), ("reason", text.isEmpty ? nil : text)]
  }
}
