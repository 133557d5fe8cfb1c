import Bytes
import JSON
import Payments

/// What the vault answered, or why nothing came.
enum VaultAnswer: Sendable {
  /// 2xx.
  case done(status: Int, body: [UInt8])
  /// RFC 9457.
  case problem(VaultProblem)
  /// Nothing was sent: the vault cannot be reached.
  case notSent
  /// It may have been sent, and no answer came, however often it was asked again.
  case lost
}

/// An error of the vault.
struct VaultProblem: Equatable, Sendable {
  let status: Int
  /// What stands behind `urn:cadenas:problem:`.
  let name: String
  let pointer: String?
  let vaultPayment: String?
  /// In seconds, where the vault says when it may be asked again.
  var retryAfter: Int64?

  init(status: Int, body: [UInt8]) {
    self.status = status
    guard let document = try? JSONDocument(body.rawSpan) else {
      name = ""
      pointer = nil
      vaultPayment = nil
      return
    }
    func text(_ member: String) -> String? {
      document.presentMember(member, of: document.root).flatMap { document.string(of: $0) }
    }
    name = String(text("type")?.split(separator: ":").last ?? "")
    pointer = text("pointer")
    vaultPayment = text("payment_id")
  }
}

/// The answer of tokenize.
struct TokenView: Sendable {
  let token: String
  let card: CardView
  let bin: String?

  init?(_ body: [UInt8]) {
    guard let document = try? JSONDocument(body.rawSpan) else { return nil }
    func text(_ name: String) -> String? {
      document.presentMember(name, of: document.root).flatMap { document.string(of: $0) }
    }
    func integer(_ name: String) -> Int? {
      document.member(name, of: document.root).flatMap { document.integer(of: $0) }.map { Int($0) }
    }
    guard let token = text("token"), let brand = text("brand"), let last4 = text("last4"),
      let month = integer("exp_month"), let year = integer("exp_year"),
      let list = document.member("brands", of: document.root)
    else { return nil }
    var brands: [String] = []
    for element in document.elements(of: list) {
      if let brand = document.string(of: element) { brands.append(brand) }
    }
    self.token = token
    bin = text("bin")
    card = CardView(
      brand: brand, brands: brands, scheme: text("preferred_brand"), last4: last4, month: month,
      year: year)
  }
}

/// The answer of a push.
struct VaultOutcome: Sendable {
  enum Kind: String, Sendable {
    case approved, pending, authenticated, refused
    case challengeRequired = "challenge_required"
    case authenticationRequired = "authentication_required"
  }

  let kind: Kind
  let reason: String?
  let vaultPayment: String?
  let captured: Bool?
  let approvedAmount: Int64?
  /// The object to hand on, as JSON.
  let threeDS: String?
  let challenge: (url: String, request: String, transaction: String)?

  init?(_ body: [UInt8]) {
    guard let document = try? JSONDocument(body.rawSpan) else { return nil }
    let root = document.root
    func text(_ name: String, of object: JSONDocument.Node) -> String? {
      document.presentMember(name, of: object).flatMap { document.string(of: $0) }
    }
    guard let kind = text("outcome", of: root).flatMap({ Kind(rawValue: $0) }) else { return nil }
    self.kind = kind
    reason = text("reason", of: root)
    vaultPayment = text("payment_id", of: root)
    captured = document.presentMember("captured", of: root).flatMap { document.boolean(of: $0) }
    approvedAmount = document.presentMember("approved_amount", of: root)
      .flatMap { document.integer(of: $0) }
    if let object = document.presentMember("three_ds", of: root) {
      var json = JSONWriter()
      json.object { json in
        for member in document.members(of: object) {
          guard let value = document.string(of: member) else { continue }
          json.member(JSONName(document.key(of: member)), string: value)
        }
      }
      threeDS = String(decoding: json.bytes, as: UTF8.self)
    } else {
      threeDS = nil
    }
    if let fields = document.presentMember("fields", of: root),
      let url = text("acs_url", of: fields), let request = text("creq", of: fields),
      let transaction = text("three_ds_server_transaction_id", of: fields)
    {
      challenge = (url, request, transaction)
    } else {
      challenge = nil
    }
  }
}
