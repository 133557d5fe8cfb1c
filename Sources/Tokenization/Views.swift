import Cards
import JSON

extension TokenView {
  /// The view as JSON.
  var json: [UInt8] {
    var json = JSONWriter(reserving: 320)
    json.beginObject()
    json.member("token", string: token.text)
    json.member("brand", string: brand.name)
    json.member("brands", strings: brands.map(\.name))
    json.member("preferred_brand", string: preferredBrand?.name)
    json.member("bin", string: bin)
    json.member("last4", string: last4)
    json.member("exp_month", integer: expiry.month)
    json.member("exp_year", integer: expiry.year)
    json.member("created_at", unixMilliseconds: Int64(createdAtMilliseconds))
    json.endObject()
    return json.bytes
  }
}

extension Answer {
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
    if answer.outcome == .approved { json.member("captured", boolean: answer.captured) }
    if answer.outcome == .authenticated {
      json.name("three_ds")
      if let data = answer.threeDSecure {
        json.object { json in
          for member in ThreeDSecure.Member.allCases {
            guard let value = data[member] else { continue }
            json.member(JSONName(member.rawValue), string: value)
          }
        }
      } else {
        json.null()
      }
    }
    json.name("fields")
    json.beginObject()
    if let challenge = answer.challenge {
      for member in Challenge.Member.allCases {
        json.member(JSONName(member.rawValue), string: challenge[member])
      }
    }
    for field in answer.fields { json.member(JSONName(field.name), string: field.value) }
    json.endObject()
    json.endObject()
    return Answer(status: 200, body: json.bytes)
  }

  /// `204`: nothing to say.
  static let deleted = Answer(status: 204, body: [])
}
