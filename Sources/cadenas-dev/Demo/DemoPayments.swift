import NIOHTTP1

/// The part of the story in which money moves.
extension DemoStory {
  private static let threeDSecure = #"""
    {"version":"2.2.0","trans_status":"Y","eci":"05","cavv":"AAABBEg0VhI0VniQEjRWAAAAAAA=",\#
    "ds_transaction_id":"c272b04f-6e7b-43a2-bb78-90f4fb94aa25"}
    """#

  /// One payment, told in one line.
  @discardableResult
  private mutating func pay(
    _ amount: Int, token: Int = 0, key: String, extra: String = ""
  ) throws(DevelopmentError) -> JSONMembers {
    let body =
      #"{"acquirer":"credit-du-nord","amount":{"value":\#(amount),"currency":"EUR"},"#
      + #""reference":"\#(key)","initiator":"cardholder","cvc":"123"\#(extra)}"#
    let path = "/v1/tokens/\(tokens[token])/detokenize"
    let (status, answer) = try ask(path, body, key: key)
    paid.insert(key)
    guard status == 200 else {
      throw .unexpected("a payment was answered with \(status) \(answer["type"] ?? "")")
    }
    let cents = amount % 100
    let euros = "\(amount / 100).\(cents < 10 ? "0" : "")\(cents) EUR"
    let outcome = [answer["outcome"], answer["reason"]].compactMap { $0 }.joined(separator: ", ")
    narrator.row(
      [(key, 12), (euros, 13), (outcome, 30)], "code \(answer["code"] ?? "none")")
    return answer
  }

  /// Approved, refused, and approved after strong customer authentication.
  mutating func pay() throws(DevelopmentError) {
    narrator.chapter("The shop pays with tokens, the vault tells the acquirer the card")
    let first = try pay(4990, key: newKey())
    try prove(first["outcome"] == "approved", "49.90 is approved")
    let second = try pay(100_001, token: 2, key: newKey())
    try prove(
      second["outcome"] == "refused" && second["reason"] == "insufficient_funds",
      "1000.01 is refused: not enough money on that account")
    let third = try pay(100_006, token: 3, key: newKey())
    try prove(
      third["outcome"] == "authentication_required",
      "1000.06 needs the cardholder: the bank asks for 3-D Secure")
    let fourth = try pay(
      100_006, token: 3, key: newKey(), extra: #","three_ds":\#(Self.threeDSecure)"#)
    try prove(
      fourth["outcome"] == "approved" && fourth["payment_id"] != third["payment_id"],
      "the cardholder confirmed; with the proof of it, 1000.06 is approved")
  }

  /// The same request twice is one payment.
  mutating func repeatPayment() throws(DevelopmentError) {
    narrator.chapter("The network fails, the shop asks again")
    let key = newKey()
    let before = try stage.received().count
    let first = try pay(2500, token: 4, key: key)
    let second = try pay(2500, token: 4, key: key)
    let after = try stage.received()
    let payment = first["payment_id"]
    try prove(second["payment_id"] == payment, "the same key gives the same answer")
    try prove(
      after.count == before + 1 && after.identifiers.last == payment,
      "the acquirer received it once")
  }

  /// Who else asks for the card.
  mutating func lookFromOutside() throws(DevelopmentError) {
    narrator.chapter("Others ask for that card")
    let path = "/v1/tokens/\(tokens[0])/detokenize"
    let others: [(name: String, who: String, status: Int)] = [
      ("other-shop", "another merchant", 403),
      ("impostor", "the acquirer's name, from the shops' authority", 403),
      ("nobody", "a certificate that no policy knows", 403),
    ]
    for other in others {
      let answer = try stage.client(other.name).send(
        .POST, path, headers: [("Idempotency-Key", "a")], body: #"{"acquirer":"credit-du-nord"}"#)
      let problem = try JSONMembers(answer.body)["type"] ?? ""
      narrator.row(
        [(other.who, 50)], "\(answer.status) \(problem.split(separator: ":").last ?? "")")
      guard answer.status == other.status else {
        throw .unexpected("\(other.name) was answered with \(answer.status)")
      }
    }
    let pulled = try stage.client("acquirer").send(.POST, path, body: "{}")
    narrator.row([("the acquirer itself", 50)], "\(pulled.status)")
    let number = try JSONMembers(pulled.body)["number"]
    try prove(
      pulled.status == 200 && number == DemoCard.all[0].number,
      "the acquirer reads the card, and nobody else does")
  }
}
