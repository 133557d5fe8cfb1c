internal import AuditLog
internal import RecordFormat
internal import Vault

extension AdminRequest {
  /// The method of the HTTP request.
  var method: String {
    switch self {
    case .status, .metrics, .keysStatus, .auditShow, .storeStats, .keysCertificate,
      .keysPublicKey, .keysHistory, .keysInventory:
      "GET"
    case .auditVerify, .storeVerify, .keysRotate, .keysReencrypt, .keysReencryptStop: "POST"
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
      "/v1/keys/certificate?key=\(key.text)" + (kind.map { "&kind=\($0.rawValue)" } ?? "")
    case .keysPublicKey: "/v1/keys/public-key"
    case .keysHistory(nil): "/v1/keys/history"
    case .keysHistory(let key?): "/v1/keys/history?key=\(key.text)"
    case .keysInventory: "/v1/keys/inventory"
    case .keysRotate(let role, nil): "/v1/keys/rotate?role=\(role.name)"
    case .keysRotate(let role, let key?): "/v1/keys/rotate?role=\(role.name)&to=\(key.text)"
    case .keysReencrypt(let rate): "/v1/keys/reencrypt?rate=\(rate)"
    case .keysReencryptStop: "/v1/keys/reencrypt/stop"
    case .auditShow(let query): "/v1/audit" + Self.encode(query)
    case .auditVerify: "/v1/audit/verify"
    case .storeStats: "/v1/store"
    case .storeVerify: "/v1/store/verify"
    }
  }

  /// Reads what ``method`` and ``target`` say; nil where no such thing can be asked.
  /// - Throws: ``AdministrationError/malformedRequest(_:)`` for a query that has no valid form.
  static func parse(
    method: String, target: String
  ) throws(AdministrationError) -> AdminRequest? {
    let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    let query = parts.count == 2 ? parts[1] : ""
    if method == "GET", parts[0] == "/v1/audit" { return .auditShow(try decode(query)) }
    if method == "POST", parts[0] == "/v1/keys/rotate" { return try rotation(query) }
    if method == "POST", parts[0] == "/v1/keys/reencrypt" { return try reencryption(query) }
    if method == "GET", parts[0] == "/v1/keys/certificate" { return try certificate(query) }
    if method == "GET", parts[0] == "/v1/keys/history", !query.isEmpty { return try history(query) }
    guard query.isEmpty else { return nil }
    let plain: [AdminRequest] = [
      .keysReencryptStop, .status, .metrics, .keysStatus, .keysPublicKey, .keysHistory(nil),
      .keysInventory, .auditVerify, .storeStats, .storeVerify,
    ]
    return plain.first { $0.method == method && $0.target == parts[0] }
  }

  private static func rotation(_ query: Substring) throws(AdministrationError) -> AdminRequest {
    let parts = query.split(separator: "&", omittingEmptySubsequences: false)
    let role = KeyRole.allCases.first { parts.first == "role=\($0.name)" }
    let key =
      parts.count == 2 && parts[1].hasPrefix("to=")
      ? KeyIdentifier(String(parts[1].dropFirst(3))) : nil
    guard let role, parts.count == 1 || (key != nil && role == .kek) else {
      throw .malformedRequest("a rotation names a role, and a key only with the role kek")
    }
    return .keysRotate(role, to: key)
  }

  private static func certificate(_ query: Substring) throws(AdministrationError) -> AdminRequest {
    let parts = query.split(separator: "&", omittingEmptySubsequences: false)
    let kind = RotationCertificate.Kind.allCases.first { parts.last == "kind=\($0.rawValue)" }
    guard let key = key(parts.first), parts.count == 1 || (parts.count == 2 && kind != nil) else {
      throw .malformedRequest("a certificate is named by its key, and its kind where that matters")
    }
    return .keysCertificate(key, kind)
  }

  private static func history(_ query: Substring) throws(AdministrationError) -> AdminRequest {
    guard let key = key(query) else {
      throw .malformedRequest("a history is that of every key, or of one")
    }
    return .keysHistory(key)
  }

  private static func key(_ pair: Substring?) -> KeyIdentifier? {
    guard let pair, pair.hasPrefix("key=") else { return nil }
    return KeyIdentifier(String(pair.dropFirst(4)))
  }

  private static func reencryption(
    _ query: Substring
  ) throws(AdministrationError) -> AdminRequest {
    guard query.hasPrefix("rate="), let rate = UInt64(query.dropFirst(5)), rate <= 1 << 32 else {
      throw .malformedRequest("a re-encryption names a rate in cards a second, 0 for none")
    }
    return .keysReencrypt(cardsPerSecond: rate)
  }

  private static func encode(_ query: AuditQuery) -> String {
    let filter = query.filter
    let pairs: [(String, String?)] = [
      ("from", filter.fromMilliseconds.map(String.init)),
      ("to", filter.toMilliseconds.map(String.init)), ("actor", filter.actor),
      ("operation", filter.operation), ("merchant", filter.merchant), ("token", filter.token),
      ("key", filter.key), ("outcome", filter.outcome), ("limit", query.limit.map(String.init)),
    ]
    let text = pairs.compactMap { name, value in
      value.map { "\(name)=\(PercentEncoding.encode($0))" }
    }
    return text.isEmpty ? "" : "?" + text.joined(separator: "&")
  }

  private static func decode(_ text: Substring) throws(AdministrationError) -> AuditQuery {
    var query = AuditQuery()
    var seen: Set<Substring> = []
    for pair in text.split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, seen.insert(parts[0]).inserted,
        let value = PercentEncoding.decode(parts[1]),
        assign(value, to: parts[0], of: &query)
      else { throw .malformedRequest("the query of the request has no valid form") }
    }
    return query
  }

  private static func assign(
    _ value: String, to name: Substring, of query: inout AuditQuery
  ) -> Bool {
    switch name {
    case "actor": query.filter.actor = value
    case "operation": query.filter.operation = value
    case "merchant": query.filter.merchant = value
    case "token": query.filter.token = value
    case "key": query.filter.key = value
    case "outcome": query.filter.outcome = value
    case "from", "to", "limit":
      guard let number = Int64(value) else { return false }
      if name == "from" {
        query.filter.fromMilliseconds = number
      } else if name == "to" {
        query.filter.toMilliseconds = number
      } else {
        guard (1...Int64(AuditQuery.greatestLimit)).contains(number) else { return false }
        query.limit = Int(number)
      }
    default: return false
    }
    return true
  }
}

/// Percent-encoding of the values of a query.
/// - Source: RFC 3986, section 2.
enum PercentEncoding {
  /// Encodes every byte but letters, digits, `-`, `.`, `_` and `~`.
  static func encode(_ text: String) -> String {
    var encoded: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: "_"), UInt8(ascii: "~"):
        encoded.append(byte)
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        encoded.append(contentsOf: "%\(digits.count == 1 ? "0" : "")\(digits)".utf8)
      }
    }
    return String(decoding: encoded, as: UTF8.self)
  }

  /// The text that was encoded; nil where it is not valid.
  static func decode(_ text: Substring) -> String? {
    var decoded: [UInt8] = []
    var bytes = text.utf8.makeIterator()
    while let byte = bytes.next() {
      guard byte == UInt8(ascii: "%") else {
        decoded.append(byte)
        continue
      }
      guard let high = bytes.next().flatMap(digit), let low = bytes.next().flatMap(digit) else {
        return nil
      }
      decoded.append(high << 4 | low)
    }
    return String(validating: decoded, as: UTF8.self)
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    Character(UnicodeScalar(byte)).hexDigitValue.map(UInt8.init)
  }
}
