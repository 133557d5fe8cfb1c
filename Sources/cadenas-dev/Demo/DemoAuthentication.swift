import NIOHTTP1

/// The part of the story in which the bank wants to know who is there.
extension DemoStory {
  /// Frictionless, challenge, soft decline with another try, and a month later without the shopper.
  mutating func authenticate() throws(DevelopmentError) {
    narrator.chapter("The bank asks who is there (3-D Secure), and knows the shopper a month later")
    let known = try push("authenticate", 200_001)
    try prove(
      known["outcome"] == "authenticated", "the bank knows this shopper: nothing was asked")
    let frictionless = try push("authorize", 100_006, extra: proof(of: known))
    try prove(frictionless["outcome"] == "approved", "the proof goes with the payment: approved")

    let asked = try push("authenticate", 200_002)
    let challenged = try passChallenge(asked)
    let paid = try push(
      "authorize", 100_006,
      extra: proof(of: challenged)
        + #","stored_credential":{"use":"recurring","sequence":"first"}"#)
    try prove(paid["outcome"] == "approved", "the code was right, the first month is paid")

    let second = try push("authenticate", 200_006)
    let declined = try push("authorize", 200_006, extra: proof(of: second))
    try prove(
      declined["outcome"] == "authentication_required",
      "another payment: this time the bank is not content with that (soft decline)")
    let retried = try passChallenge(try push("authenticate", 200_006))
    let retry = try push("authorize", 200_006, extra: proof(of: retried))
    try prove(retry["outcome"] == "approved", "asked again with a challenge, it is approved")

    guard let network = paid["network_transaction_id"] else {
      throw .unexpected("the first payment has no network transaction id")
    }
    let next = try push(
      "authorize", 4990, initiator: "merchant",
      extra: #","stored_credential":{"use":"recurring","sequence":"subsequent","#
        + #""network_transaction_id":"\#(network)"}"#)
    try prove(
      next["outcome"] == "approved",
      "next month the shop asks for 49.90 by itself, and names the payment that began it")
  }

  /// Types the code into the issuer's page, as the shopper's browser, and asks what came of it.
  private mutating func passChallenge(
    _ asked: JSONMembers
  ) throws(DevelopmentError) -> JSONMembers {
    let fields = try JSONMembers(Array((asked["fields"] ?? "").utf8))
    guard asked["outcome"] == "challenge_required", let request = fields["creq"],
      let transaction = fields["three_ds_server_transaction_id"]
    else { throw .unexpected("not asked for a challenge: \(asked["outcome"] ?? "")") }
    let browser = try HTTPSClient(
      to: try Endpoint(stage.members["acs"] ?? ""), as: "nobody",
      of: TLSMaterial(directory: "\(stage.directory)/pki"), trusting: "ca")
    let page = try browser.send(.POST, "/challenge", body: "creq=\(request)")
    let end = try browser.send(
      .POST, "/answer", body: "transaction=\(transaction)&code=\(AuthenticationDesk.code)&confirm=1"
    )
    guard page.status == 200, end.status == 200 else {
      throw .unexpected("the issuer's page answered \(page.status) and \(end.status)")
    }
    narrator.row([("the bank's page", 43)], "code \(AuthenticationDesk.code), confirmed")
    return try push(
      "authentication_result", nil, initiator: nil,
      extra: #","three_ds_server_transaction_id":"\#(transaction)""#)
  }

  /// What the answer to an authentication has for the payment.
  private func proof(of answer: JSONMembers) -> String {
    answer["three_ds"].map { #","three_ds":\#($0)"# } ?? ""
  }

  /// One message to the acquirer, told in one line.
  private mutating func push(
    _ operation: String, _ amount: Int?, initiator: String? = "cardholder", extra: String = ""
  ) throws(DevelopmentError) -> JSONMembers {
    let key = newKey()
    var body = #"{"acquirer":"credit-du-nord","operation":"\#(operation)","reference":"\#(key)""#
    if let amount { body += #","amount":{"value":\#(amount),"currency":"EUR"}"# }
    if let initiator { body += #","initiator":"\#(initiator)""# }
    if operation == "authorize", initiator == "cardholder" { body += #","cvc":"123""# }
    let path = "/v1/tokens/\(tokens[0])/detokenize"
    let (status, answer) = try ask(path, body + extra + "}", key: key)
    paid.insert(key)
    guard status == 200 else {
      throw .unexpected("\(operation) was answered with \(status) \(answer["type"] ?? "")")
    }
    let data = answer["three_ds"] == nil ? "" : "with three_ds"
    narrator.row(
      [(key, 12), (operation, 23), (answer["outcome"] ?? "", 25)],
      answer["reason"] ?? answer["code"].map { "code \($0)" } ?? data)
    return answer
  }
}
