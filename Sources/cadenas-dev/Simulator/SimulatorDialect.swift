/// The simulator's REST dialect: what a payment message looks like to an acquirer that never was.
///
/// It is of the kind that payment service providers speak, and it is its own: the vault reaches it
/// through a template like any acquirer's, and has no branch for it. HTTP/1.1 over TLS, client
/// certificate of the acquirers' authority, JSON in UTF-8.
///
/// | method and path | is |
/// |---|---|
/// | `POST /v1/payments` | an authorization |
/// | `POST /v1/verifications` | a verification of the card; an amount, if there is one, is 0 |
/// | `GET /received` | `{"count":N,"payment_ids":[…]}`: each message counts once, whatever came of it |
///
/// Both messages have the same members; those in brackets are optional, and a member that is not
/// here is refused, so that a mistake in a template shows.
///
/// ```
/// {"payment_id":"pay_…",                       1 to 64 of A-Z a-z 0-9 _ -
///  "merchant_id":"12345678",                   1 to 32 of the same
///  "amount":{"value":4990,"currency":"EUR"},   minor units, ISO 4217 letters [verification]
///  ["order_reference":"order-1042",]           at most 64 characters; see SimulatorEcho
///  "card":{"pan":"…","expiry_month":"11","expiry_year":"2028",["security_code":"123"]},
///  ["initiator":"CARDHOLDER",]                 or MERCHANT
///  ["stored_credential":{"use":"recurring","sequence":"first",["network_transaction_id":"…"]},]
///  ["three_ds":{"version":"2.2.0","status":"Y",["eci":"05"],["cavv":"…"],["ds_transaction_id":"…"]},]
///  ["sca_exemption":"low_value"]}
/// ```
///
/// Answers, with `payment_id` in each:
///
/// ```
/// 200 {"status":"APPROVED","response_code":"00","transaction_id":"T…","network_transaction_id":"N…",
///      "authorization_code":"…",["approved_amount":50006]}        minor units, of a partial approval
/// 200 {"status":"DECLINED","response_code":"51"}                  the table of SimulatorDecision
/// 200 {"status":"CHALLENGE_REQUIRED","response_code":"1A"}        come back with three_ds
/// 400 {"status":"REJECTED","error":{"code":"INVALID_REQUEST"}}    certainly not processed
/// ```
///
/// `transaction_id` and `network_transaction_id` are a letter and upper-case hexadecimal digits,
/// `authorization_code` is six of them.
enum SimulatorDialect {
  /// The longest request body, in bytes.
  static let bodyLimit = 16 << 10

  /// The members of a message, and which of them may be absent.
  static let message = Shape(
    required: ["payment_id", "merchant_id", "card"],
    optional: [
      "amount", "order_reference", "initiator", "stored_credential", "three_ds", "sca_exemption",
    ])
  static let amount = Shape(required: ["value", "currency"], optional: [])
  static let card = Shape(
    required: ["pan", "expiry_month", "expiry_year"], optional: ["security_code"])
  static let storedCredential = Shape(
    required: ["use", "sequence"], optional: ["network_transaction_id"])
  static let threeDSecure = Shape(
    required: ["version", "status"], optional: ["eci", "cavv", "ds_transaction_id"])

  /// The members that an object must have and may have.
  struct Shape {
    let required: [String]
    let optional: [String]
  }

  /// What a message asks for; the path says which.
  enum Operation: String {
    case authorize = "/v1/payments"
    case verify = "/v1/verifications"
  }
}
