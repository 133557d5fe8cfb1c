import Bytes
import Cards
import Cryptography
import JSON
import Ledgers
import SecretMemory
import Tokenization
import VaultCore

/// What a tokenize request hands in.
enum TokenizeBody: ~Copyable {
  /// A card.
  case card(TokenizeRequest)
  /// The token of a card that is stored.
  case token(RenewalRequest)
}

/// Reads the body of a tokenize request.
///
/// The number is read first, into secret memory, and its problems are told before anything else;
/// those of the other members travel in ``TokenizeRequest/details``, since a request that is
/// repeated under its idempotency key is recognized before they are told.
struct TokenizeDecoder {
  /// The ranges that tell a number's brand.
  let brands: BrandTable
  /// The secret memory that card numbers are read into.
  let pool: SecretPool

  private static let members: MemberNames = [
    "number", "exp_month", "exp_year", "preferred_brand", "customer",
  ]
  private static let renewalMembers: MemberNames = [
    "token", "exp_month", "exp_year", "preferred_brand",
  ]

  /// Reads one request.
  ///
  /// - Parameters:
  ///   - text: the body.
  ///   - key: the idempotency key, if there is one.
  ///   - unixSeconds: the time at which a card must not have expired.
  /// - Throws: `malformed-request`, `missing-member` and `invalid-member` for `/number`,
  ///   `invalid-member` for `/token`, `invalid-card-number`, `unsupported-brand`, and `overloaded`
  ///   where every slot is in use.
  func decode(
    _ text: RawSpan, key: [UInt8]?, at unixSeconds: Int64
  ) throws(Problem) -> TokenizeBody {
    let body = try RequestBody(text)
    if body.root.has("token") { return .token(try readRenewal(body, key: key, at: unixSeconds)) }
    let number = try readNumber(body)
    let match = try findBrand(number)
    let details = Result { () throws(Problem) in
      try readDetails(body, match: match, at: unixSeconds)
    }
    return .card(
      TokenizeRequest(
        number: number, match: match, details: details, idempotency: idempotency(body, key)))
  }

  private func idempotency(_ body: borrowing RequestBody, _ key: [UInt8]?) -> Idempotency? {
    guard let key else { return nil }
    return Idempotency(
      key: key,
      requestDigest: digest(of: body, operation: "tokenize", token: nil, omitting: "number"))
  }

  private func readRenewal(
    _ body: borrowing RequestBody, key: [UInt8]?, at unixSeconds: Int64
  ) throws(Problem) -> RenewalRequest {
    // A text that is no token is answered as one that never existed.
    let token = try body.root.string("token") { Optional(Token(bytes: $0)) }
    let renewal = Result { () throws(Problem) in
      try readRenewal(body, at: unixSeconds)
    }
    return RenewalRequest(
      token: token ?? nil, renewal: renewal, brands: brands, idempotency: idempotency(body, key))
  }

  private func readRenewal(
    _ body: borrowing RequestBody, at unixSeconds: Int64
  ) throws(Problem) -> CardRenewal {
    try body.refuseSensitiveData()
    let root = body.root
    try root.refuseMembers(except: Self.renewalMembers)
    var expiry: Expiry?
    if root.has("exp_month") || root.has("exp_year") { expiry = try readExpiry(root) }
    let preferred = try root.string("preferred_brand") { Brand($0) }
    if let expiry, expiry.isExpired(at: unixSeconds) { throw Problem(.cardExpired) }
    return CardRenewal(expiry: expiry, preferredBrand: preferred)
  }

  private func readNumber(_ body: borrowing RequestBody) throws(Problem) -> PAN {
    guard let slot = pool.lease() else { throw Problem(.overloaded) }
    var builder = PANBuilder(slot: slot)
    let isPresent = try body.root.forEachByte("number") { byte throws(Problem) in
      do throws(CardError) { try builder.append(byte) } catch { throw Self.problem(error) }
    }
    guard isPresent else { throw Problem(.missingMember, pointer: "/number") }
    do throws(CardError) { return try builder.finish(by: brands) } catch {
      throw Self.problem(error)
    }
  }

  private func findBrand(_ number: borrowing PAN) throws(Problem) -> BrandMatch {
    do throws(CardError) { return try brands.match(number) } catch { throw Self.problem(error) }
  }

  /// What a request is told whose number has `error`.
  private static func problem(_ error: CardError) -> Problem {
    Problem(
      error == .unsupportedBrand ? .unsupportedBrand : .invalidCardNumber, pointer: "/number")
  }

  private func readDetails(
    _ body: borrowing RequestBody, match: BrandMatch, at unixSeconds: Int64
  ) throws(Problem) -> CardDetails {
    try body.refuseSensitiveData()
    let root = body.root
    try root.refuseMembers(except: Self.members)
    let expiry = try readExpiry(root)
    let preferred = try root.string("preferred_brand") { Brand($0) }
    if let preferred, !match.brands.contains(preferred) {
      throw root.problem(.invalidMember, "preferred_brand")
    }
    let customer = try root.string("customer") {
      brands.findsNumber(in: $0) ? nil : CustomerReference($0)
    }
    if expiry.isExpired(at: unixSeconds) { throw Problem(.cardExpired) }
    return CardDetails(expiry: expiry, preferredBrand: preferred, customer: customer)
  }

  private func readExpiry(_ root: borrowing ObjectReader) throws(Problem) -> Expiry {
    let monthNode = try root.require("exp_month")
    let yearNode = try root.require("exp_year")
    let month = try root.integer(of: monthNode, "exp_month")
    guard (1...12).contains(month) else { throw root.problem(.invalidMember, "exp_month") }
    let year = try root.integer(of: yearNode, "exp_year")
    guard let year = Int(exactly: year),
      let expiry = try? Expiry(month: Int(month), year: year)
    else { throw root.problem(.invalidMember, "exp_year") }
    return expiry
  }
}

/// SHA-256 of what a request asks for, spelling aside and without the member that is a secret of the
/// card: `number` of a tokenize (its fingerprint takes its place), `cvc` of a push.
///
/// Layout: `operation ‖ 0 ‖ token's text or nothing ‖ 0 ‖ canonical JSON`. It says whether a request
/// with a known idempotency key is the same request; it must not leave memory unkeyed.
func digest(
  of body: borrowing RequestBody, operation: StaticString, token: Token?, omitting secret: String
) -> Digest256 {
  var hasher = SHA256Hasher()
  for index in 0..<operation.utf8CodeUnitCount {
    unsafe hasher.update(byte: operation.utf8Start[index])
  }
  hasher.update(byte: 0)
  if let token {
    hasher.update(token.text.utf8Span.span.rawSpan)
  }
  hasher.update(byte: 0)
  body.document.canonicalize(omitting: [secret]) { hasher.update($0) }
  return hasher.finish()
}
