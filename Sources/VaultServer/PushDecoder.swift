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
    "three_ds", "sca_exemption",
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
    return Payment(
      operation: operation, amount: amount, reference: reference,
      securityCode: securityCode, initiator: initiator, storedCredential: storedCredential,
      threeDSecure: threeDSecure,
      scaExemption: try root.choice("sca_exemption", ScaExemption.self))
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
    try object.refuseMembers(except: ["use", "sequence", "network_transaction_id"])
    guard let use = try object.choice("use", StoredCredential.Use.self) else {
      throw object.problem(.missingMember, "use")
    }
    guard let sequence = try object.choice("sequence", StoredCredential.Sequence.self) else {
      throw object.problem(.missingMember, "sequence")
    }
    let identifier = try object.string("network_transaction_id") { bytes -> String? in
      let isIdentifier =
        (1...36).contains(bytes.byteCount) && bytes.allSatisfy(isLetterOrDigit)
      return isIdentifier ? bytes.text : nil
    }
    return StoredCredential(use: use, sequence: sequence, networkTransactionIdentifier: identifier)
  }

  private func readThreeDSecure(_ root: borrowing ObjectReader) throws(Problem) -> ThreeDSecure? {
    guard let object = try root.object("three_ds") else { return nil }
    try object.refuseMembers(
      except: ["version", "trans_status", "eci", "cavv", "ds_transaction_id"])
    let version = try object.string("version") { $0.isProtocolVersion ? $0.text : nil }
    guard let version else { throw object.problem(.missingMember, "version") }
    let status = try object.string("trans_status") { $0.isTransactionStatus ? $0.text : nil }
    guard let status else { throw object.problem(.missingMember, "trans_status") }
    return ThreeDSecure(
      version: version, transStatus: status,
      eci: try object.string("eci") { bytes -> String? in
        bytes.byteCount == 2 && bytes.allSatisfy(isDigit) ? bytes.text : nil
      },
      cavv: try object.string("cavv") { $0.isAuthenticationValue ? $0.text : nil },
      dsTransactionIdentifier: try object.string("ds_transaction_id") {
        $0.isUUID ? $0.text : nil
      })
  }
}

/// Reads the body of a pull: an object without members.
///
/// - Throws: `malformed-request`, `sensitive-authentication-data`, `unknown-member`.
func decodePull(_ text: RawSpan) throws(Problem) {
  let body = try RequestBody(text)
  try body.refuseSensitiveData()
  try body.root.refuseMembers(except: [])
}
