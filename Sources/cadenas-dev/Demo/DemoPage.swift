import Glibc
import NIOHTTP1

/// The part of the story in which the shop has nothing to do with the card at all.
extension DemoStory {
  /// A shopper types a card on the payment page; the shop asks for the payment and hears what came of it.
  mutating func payOnPage() throws(DevelopmentError) {
    narrator.chapter(
      "Another shopper pays on the payment page, and the shop sees nothing of the card")
    let material = TLSMaterial(directory: "\(stage.directory)/pki")
    let backend = try HTTPSClient(
      to: Endpoint(stage.members["shops"] ?? ""), as: "shop-backend", of: material, trusting: "ca")
    let shopper = try HTTPSClient(
      to: Endpoint(stage.members["page"] ?? ""), as: "nobody", of: material, trusting: "ca")
    let before = try stage.received().count
    let (payment, path) = try openPayment(at: backend)

    let form = try shopper.send(.GET, path)
    guard form.status == 200, let cookie = Self.cookie(of: form),
      let field = Self.text(of: form, between: "name=\"form\" value=\"", and: "\"")
    else { throw .unexpected("the payment page answered \(form.status)") }
    let card = DemoCard.all[5]
    let body = "form=\(field)&number=\(card.number)&expiry=12%2F35&cvc=1234&pay=card"
    let sent = try shopper.send(
      .POST, "\(path)/pay",
      headers: [
        ("Content-Type", "application/x-www-form-urlencoded"), ("Cookie", cookie),
        ("Origin", shopper.endpoint.url),
      ], body: body)
    narrator.row([("the shopper", 15), (card.printed, 26)], "to \(shopper.endpoint.url)")
    guard sent.status == 303 else { throw .unexpected("the form was answered with \(sent.status)") }

    let document = try ended(payment, at: backend)
    let receipt = try JSONMembers(Array((document["card"] ?? "{}").utf8))
    narrator.row(
      [("the shop hears", 15), (document["state"] ?? "", 26)],
      "\(receipt["brand"] ?? "") …\(receipt["last4"] ?? "")")
    let after = try stage.received()
    let messages = after.identifiers.suffix(after.count - before)
    payments.formUnion(messages)
    paid.formUnion(messages)
    try prove(
      document["state"] == "approved" && messages.last == document["payment_id"],
      "49.90 is approved, and that is the payment which the acquirer has received")
    narrator.tell(
      "To pay there yourself: cadenas-dev up --directory DIR --shop, and open the shop.")
  }

  /// The shop asks the page for a payment: its identifier, and the path that the shopper is sent to.
  private mutating func openPayment(
    at page: HTTPSClient
  ) throws(DevelopmentError) -> (payment: String, path: String) {
    let key = newKey()
    let returnAddress = "\(stage.members["shop"] ?? "")/orders/\(key)"
    let opened = try page.send(
      .POST, "/v1/payments", headers: [("Idempotency-Key", key)],
      body: #"{"reference":"\#(key)","amount":{"value":4990,"currency":"EUR"},"#
        + #""return_url":"\#(returnAddress)","language":"en"}"#)
    seenByShop.append(opened.body)
    let members = try JSONMembers(opened.body)
    guard opened.status == 201, let payment = members["payment"],
      let path = members["url"]?.split(separator: "/", maxSplits: 2).last
    else { throw .unexpected("a payment was opened with \(opened.status)") }
    narrator.row([(key, 15), ("49.90 EUR", 26)], "\(payment)")
    return (payment, "/\(path)")
  }

  /// The payment's document once it has ended; the page asks the acquirer for two minutes at most.
  private mutating func ended(
    _ payment: String, at page: HTTPSClient
  ) throws(DevelopmentError) -> JSONMembers {
    for _ in 0..<1_200 {
      let answer = try page.send(.GET, "/v1/payments/\(payment)")
      let members = try JSONMembers(answer.body)
      if members["state"] != "in_progress" {
        seenByShop.append(answer.body)
        return members
      }
      usleep(100_000)
    }
    throw .unexpected("\(payment) is still under way")
  }

  private static func cookie(of answer: HTTPAnswer) -> String? {
    answer.headers.first(name: "Set-Cookie")?.split(separator: ";").first.map { String($0) }
  }

  private static func text(
    of answer: HTTPAnswer, between start: String, and end: Character
  ) -> String? {
    let text = String(decoding: answer.body, as: UTF8.self)
    guard let found = text.firstRange(of: start) else { return nil }
    return String(text[found.upperBound...].prefix { $0 != end })
  }
}
