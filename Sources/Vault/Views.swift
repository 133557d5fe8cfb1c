import Cards
import JSON

extension Answer {
  /// `200` or `201` with a token's view.
  static func view(_ view: TokenView, isNew: Bool) -> Answer {
    var json = JSONWriter(reserving: 320)
    json.beginObject()
    json.member("token", string: view.token.text)
    json.member("brand", string: view.brand.name)
    json.member("brands", strings: view.brands.map(\.name))
    json.member("preferred_brand", string: view.preferredBrand?.name)
    json.member("bin", string: view.bin)
    json.member("last4", string: view.last4)
    json.member("exp_month", integer: view.expiry.month)
    json.member("exp_year", integer: view.expiry.year)
    json.member("created_at", unixMilliseconds: Int64(view.token.milliseconds))
    json.endObject()
    return Answer(status: isNew ? 201 : 200, body: json.bytes)
  }

  /// `200` with an acquirer's decision.
  static func payment(
    _ answer: PaymentAnswer, identifier: PaymentIdentifier, acquirer: String
  ) -> Answer {
    var json = JSONWriter()
    json.beginObject()
    json.member("payment_id", string: identifier.text)
    json.member("outcome", string: answer.outcome.rawValue)
    json.member("acquirer", string: acquirer)
    json.member("code", string: answer.code)
    json.member("reason", string: answer.reason?.rawValue)
    json.member("transaction_id", string: answer.transactionIdentifier)
    json.member("network_transaction_id", string: answer.networkTransactionIdentifier)
    json.member("approved_amount", integer: answer.approvedAmount)
    json.name("fields")
    json.beginObject()
    for field in answer.fields { json.member(field.name, string: field.value) }
    json.endObject()
    json.endObject()
    return Answer(status: 200, body: json.bytes)
  }

  /// `204`: nothing to say.
  static let deleted = Answer(status: 204, body: [])
}
