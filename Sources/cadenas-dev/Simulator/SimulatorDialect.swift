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
/// | `POST /v1/authentications` | 3-D Secure: asks the card's issuer who is there |
/// | `POST /v1/authentication-results` | what came of a challenge |
/// | `GET /received` | `{"count":N,"payment_ids":[…]}`: each message counts once, whatever came of it |
///
/// The first three have the same members; those in brackets are optional, and a member that is not
/// here is refused, so that a mistake in a template shows.
///
/// ```
/// {"payment_id":"pay_…",                       1 to 64 of A-Z a-z 0-9 _ -
///  "merchant_id":"12345678",                   1 to 32 of the same
///  "amount":{"value":4990,"currency":"EUR"},   minor units, ISO 4217 letters [verification]
///  ["order_reference":"order-1042",]           at most 64 characters; see SimulatorEcho
///  "card":{"pan":"…","expiry_month":"11","expiry_year":"2028",["security_code":"123"],["brand":"cb"]},
///  ["initiator":"CARDHOLDER",]                 or MERCHANT, MOTO
///  ["stored_credential":{"use":"recurring","sequence":"first",["network_transaction_id":"…"],
///    ["transaction_link_id":"…"]},]
///  ["three_ds":{"version":"2.2.0","status":"Y",["eci":"05"],["cavv":"…"],["ds_transaction_id":"…"],
///    ["acs_transaction_id":"…"],["status_reason":"01"],["cavv_algorithm":"2"],["network_score":"12"],
///    ["exemption":"…"]},]
///  ["sca_exemption":"low_value",]
///  ["capture":"AUTO",]                         or MANUAL: approved, and waits for a capture
///  ["cardholder_name":"…",] ["email":"…",] ["notification_url":"https://…",]
///  ["three_ds_method":"NOT_RUN",]
///  ["browser":{["accept":"…"],["user_agent":"…"],["language":"…"],["time_zone":-60],["width":1280],
///    ["height":720],["color_depth":24],["java":false],["script":true],["address":"…"]}]}
/// ```
///
/// A question about a challenge has `payment_id`, `merchant_id`, `three_ds_server_transaction_id`, and
/// optionally `amount` and `order_reference`.
///
/// Answers, with `payment_id` in each:
///
/// ```
/// 200 {"status":"APPROVED","response_code":"00","captured":true,"transaction_id":"T…",
///      "network_transaction_id":"N…","authorization_code":"…",["approved_amount":50006]}
/// 200 {"status":"PENDING","transaction_id":"T…"}                  decided later
/// 200 {"status":"DECLINED","response_code":"51"}                  the table of SimulatorDecision
/// 200 {"status":"CHALLENGE_REQUIRED","response_code":"1A"}        come back with three_ds
/// 200 {"status":"AUTHENTICATED","three_ds":{…}}                   to be sent with the payment
/// 200 {"status":"CHALLENGE","acs_url":"https://…","creq":"…","three_ds_server_transaction_id":"…"}
/// 200 {"status":"NOT_AUTHENTICATED"}                              see AuthenticationDesk
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
      "capture", "cardholder_name", "email", "notification_url", "browser",
      "three_ds_method",
    ])
  static let amount = Shape(required: ["value", "currency"], optional: [])
  static let card = Shape(
    required: ["pan", "expiry_month", "expiry_year"], optional: ["security_code", "brand"])
  static let storedCredential = Shape(
    required: ["use", "sequence"], optional: ["network_transaction_id", "transaction_link_id"])
  static let threeDSecure = Shape(
    required: ["version", "status"],
    optional: [
      "eci", "cavv", "ds_transaction_id", "acs_transaction_id", "status_reason",
      "cavv_algorithm", "network_score", "exemption",
    ])
  static let browser = Shape(
    required: [],
    optional: [
      "accept", "user_agent", "language", "time_zone", "width", "height", "color_depth", "java",
      "script", "address",
    ])
  static let question = Shape(
    required: ["payment_id", "merchant_id", "three_ds_server_transaction_id"],
    optional: ["amount", "order_reference"])

  /// The members that an object must have and may have.
  struct Shape {
    let required: [String]
    let optional: [String]
  }

  /// The path of a question about a challenge.
  static let questionPath = "/v1/authentication-results"

  /// What a message with a card asks for; the path says which.
  enum Operation: String {
    case authorize = "/v1/payments"
    case verify = "/v1/verifications"
    case authenticate = "/v1/authentications"
  }
}
