import JSON

/// A payment as a shop is told of it, in an answer and in a notification.
package enum PaymentDocument {
  /// - Parameters:
  ///   - attempts: of this payment, the first one first.
  ///   - sequence: of the notification that it is; nil in an answer.
  package static func write(
    _ payment: Payment, _ attempts: [Attempt], sequence: Int? = nil
  ) -> [UInt8] {
    let last = attempts.last
    return JSONWriter.document { json in
      json.member("payment", string: payment.id)
      if let sequence { json.member("sequence", integer: sequence) }
      json.member("reference", string: payment.reference)
      json.name("amount")
      json.object {
        $0.member("value", integer: payment.amount)
        $0.member("currency", string: payment.currency)
      }
      json.member("state", string: payment.state.rawValue)
      json.member("method", string: (last?.method ?? payment.method)?.rawValue)
      if payment.state == .approved {
        json.member("approved_amount", integer: payment.approvedAmount ?? payment.amount)
      }
      if let customer = payment.customer { json.member("customer", string: customer) }
      card(last, isKept: payment.kept != nil || last?.isKeptCard == true, &json)
      json.name("kept")
      kept(payment.kept, &json)
      json.member("payment_id", string: last?.vaultPayment)
      json.name("outcome")
      if let outcome = last?.outcome {
        json.rawValue(Array(outcome.utf8))
      } else {
        json.null()
      }
      json.member("attempts", integer: attempts.count)
      json.name("created_at")
      json.time(unixMilliseconds: payment.createdAt)
      json.name("expires_at")
      json.time(unixMilliseconds: payment.expiresAt)
      json.name("ended_at")
      time(payment.endedAt, &json)
    }
  }

  private static func card(_ attempt: Attempt?, isKept: Bool, _ json: inout JSONWriter) {
    json.name("card")
    guard let attempt, let card = attempt.card else { return json.null() }
    json.object {
      $0.member("brand", string: card.brand)
      $0.member("scheme", string: card.scheme)
      $0.member("last4", string: card.last4)
      $0.member("exp_month", integer: card.month)
      $0.member("exp_year", integer: card.year)
      if isKept, let token = attempt.token { $0.member("token", string: token) }
    }
  }

  private static func kept(_ consent: Consent?, _ json: inout JSONWriter) {
    guard let consent else { return json.null() }
    json.object {
      $0.member("text", string: consent.text)
      $0.member("language", string: consent.language)
      $0.name("at")
      $0.time(unixMilliseconds: consent.at)
    }
  }

  private static func time(_ time: Milliseconds?, _ json: inout JSONWriter) {
    if let time { json.time(unixMilliseconds: time) } else { json.null() }
  }
}
