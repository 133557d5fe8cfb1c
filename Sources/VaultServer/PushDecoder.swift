import Bytes
import Cards
import Cryptography
import JSON
import Ledgers
import SecretMemory
import Tokenization
import VaultCore

/// Reads the body of a push: a payment for an acquirer.
///
/// What is wrong with it is told late, after policy, replay and token have been looked at, so all of
/// it but malformed JSON travels in the request.
struct PushDecoder {
  /// The ranges that tell a card number from another one.
  let brands: BrandTable
  /// The secret memory that security codes are read into.
  let pool: SecretPool

  private static let members: MemberNames = [
    "acquirer", "operation", "amount", "reference", "cvc", "initiator", "stored_credential",
    "three_ds", "sca_exemption", "three_ds_server_transaction_id", "inputs",
  ]
  /// An acquirer's name in the configuration is never longer, so a longer one is of none.
  private static let longestAcquirer = 64

  /// Reads one request.
  ///
  /// - Parameters:
  ///   - text: the body.
  ///   - token: what the path named; nil where that had not the form of a token.
  ///   - key: the idempotency key.
  /// - Throws: `malformed-request`.
  func decode(_ text: RawSpan, token: Token?, key: [UInt8]) throws(Problem) -> PushRequest {
    let body = try RequestBody(text)
    let acquirer = Result { () throws(Problem) in try readAcquirer(body.root) }
    let payment = Result { () throws(Problem) in try readPayment(body) }
    let digest = digest(of: body, operation: "push", token: token, omitting: "cvc")
    return PushRequest(
      token: token, acquirer: acquirer, payment: payment,
      idempotency: Idempotency(key: key, requestDigest: digest))
  }

  private func readAcquirer(_ root: borrowing ObjectReader) throws(Problem) -> String {
    try root.require("acquirer")
    let name = try root.string("acquirer") { bytes -> String? in
      guard bytes.byteCount <= Self.longestAcquirer else { return "" }
      return bytes.text
    }
    guard let name, !name.isEmpty else { throw Problem(.acquirerNotPermitted) }
    return name
  }

  private func readPayment(_ body: borrowing RequestBody) throws(Problem) -> Payment {
    try body.refuseSensitiveData(exceptAtTop: "cvc")
    let root = body.root
    try root.refuseMembers(except: Self.members)
    let operation = try root.choice("operation", PaymentOperation.self) ?? .authorize
    let amount = try readAmount(root)
    if operation == .verify, let amount, amount.value != 0 {
      throw Problem(.invalidMember, pointer: "/amount/value")
    }
    let reference = try root.string("reference") {
      brands.findsNumber(in: $0) ? nil : PaymentReference($0)
    }
    let initiator = try root.choice("initiator", Initiator.self)
    if initiator == .merchant, root.has("cvc") { throw root.problem(.invalidMember, "cvc") }
    let securityCode = try readSecurityCode(root)
    let storedCredential = try readStoredCredential(root)
    let threeDSecure = try readThreeDSecure(root)
    let authentication = try root.string("three_ds_server_transaction_id") {
      $0.isUUID ? $0.text : nil
    }
    let exemption = try root.choice("sca_exemption", ScaExemption.self)
    return Payment(
      operation: operation, amount: amount, reference: reference,
      securityCode: securityCode, initiator: initiator, storedCredential: storedCredential,
      threeDSecure: threeDSecure, scaExemption: exemption,
      threeDSServerTransactionIdentifier: authentication,
      inputs: try InputReader(brands: brands).read(body))
  }

  private func readAmount(_ root: borrowing ObjectReader) throws(Problem) -> Money? {
    guard let amount = try root.object("amount") else { return nil }
    try amount.refuseMembers(except: ["value", "currency"])
    try amount.require("value")
    try amount.require("currency")
    guard let value = try amount.integer("value"), (0...Money.largestValue).contains(value) else {
      throw amount.problem(.invalidMember, "value")
    }
    let code = try amount.string("currency") { bytes -> String? in
      let isCode = bytes.byteCount == 3 && bytes.allSatisfy { isLetter($0) && $0 & 0x20 == 0 }
      return isCode ? bytes.text : nil
    }
    guard let code, let currency = Currency(code: code),
      let money = try? Money(value: value, currency: currency)
    else { throw amount.problem(.unsupportedCurrency, "currency") }
    return money
  }

  private func readSecurityCode(_ root: borrowing ObjectReader) throws(Problem) -> SecurityCode? {
    guard root.has("cvc") else { return nil }
    guard var slot = pool.lease() else { throw Problem(.overloaded) }
    _ = try root.forEachByte("cvc") { byte throws(Problem) in
      guard isDigit(byte), slot.count < 4, slot.append(byte) else {
        throw Problem(.invalidMember, pointer: "/cvc")
      }
    }
    guard slot.count >= 3 else { throw root.problem(.invalidMember, "cvc") }
    return SecurityCode(slot)
  }

  private func readStoredCredential(
    _ root: borrowing ObjectReader
  ) throws(Problem) -> StoredCredential? {
    guard let object = try root.object("stored_credential") else { return nil }
    try object.refuseMembers(except: Self.storedCredentialMembers)
    guard let use = try object.choice("use", StoredCredential.Use.self) else {
      throw object.problem(.missingMember, "use")
    }
    guard let sequence = try object.choice("sequence", StoredCredential.Sequence.self) else {
      throw object.problem(.missingMember, "sequence")
    }
    return StoredCredential(
      use: use, sequence: sequence,
      networkTransactionIdentifier: try object.string("network_transaction_id") {
        $0.isNetworkTransactionIdentifier ? $0.text : nil
      },
      transactionLinkIdentifier: try object.string("transaction_link_id") {
        $0.isTransactionLinkIdentifier ? $0.text : nil
      })
  }

  private func readThreeDSecure(_ root: borrowing ObjectReader) throws(Problem) -> ThreeDSecure? {
    guard let object = try root.object("three_ds") else { return nil }
    try object.refuseMembers(except: Self.threeDSecureMembers)
    try object.require(ThreeDSecure.Member.version.rawValue)
    try object.require(ThreeDSecure.Member.transStatus.rawValue)
    let hasFailed = try object.string(ThreeDSecure.Member.transStatus.rawValue) { bytes in
      bytes.byteCount == 1 && Self.failedStatuses.utf8.contains(bytes.byte(0))
    }
    if hasFailed == true {
      throw Problem(
        .invalidMember, pointer: "/three_ds/trans_status",
        detail: "With this status the cardholder is not authenticated: send the payment without "
          + "three_ds, or authenticate again. Y, A and I can be used.")
    }
    var values: [ThreeDSecure.Member: String] = [:]
    for member in ThreeDSecure.Member.allCases {
      // Some 3-D Secure servers give the score as a number.
      if member == .networkScore, let score = try? object.integer(member.rawValue),
        (0...99).contains(score)
      {
        values[member] = String(score)
      } else {
        values[member] = try object.string(member.rawValue) { member.accepts($0) ? $0.text : nil }
      }
    }
    return ThreeDSecure(values)
  }

  private static let storedCredentialMembers: MemberNames = [
    "use", "sequence", "network_transaction_id", "transaction_link_id",
  ]
  private static let threeDSecureMembers = MemberNames(ThreeDSecure.Member.allCases.map(\.rawValue))
  /// Statuses of EMV 3-D Secure after which nobody is authenticated (`C` and `D` not yet).
  private static let failedStatuses = "NURCD"
}

/// Reads the body of a pull: an object without members.
///
/// - Throws: `malformed-request`, `sensitive-authentication-data`, `unknown-member`.
func decodePull(_ text: RawSpan) throws(Problem) {
  let body = try RequestBody(text)
  try body.refuseSensitiveData()
  try body.root.refuseMembers(except: [])
}
