import Bytes
import Cryptography
import JSON
import NIOHTTP1
import Testing

@testable import cadenas_dev

/// PayPal's simulator as a process, asked as the payment page asks it.
@Suite(.serialized) struct PayPalSimulatorTests {
  /// A merchant's side of a checkout.
  private struct Merchant {
    let client: HTTPSClient
    let url: String

    func token(_ credentials: String = "shop:s3cret") throws -> HTTPAnswer {
      try client.send(
        .POST, "/v1/oauth2/token",
        headers: [
          ("Authorization", "Basic \(Base64.encode(Array(credentials.utf8)))"),
          ("Content-Type", "application/x-www-form-urlencoded"),
        ], body: "grant_type=client_credentials")
    }

    func headers(_ key: String) throws -> [(String, String)] {
      let token = try JSONMembers(token().body)["access_token"] ?? ""
      return [("Authorization", "Bearer \(token)"), ("PayPal-Request-Id", key)]
    }

    func create(
      _ value: String, key: String = "k", source: String = PayPalSimulatorTests.source
    ) throws -> HTTPAnswer {
      try client.send(
        .POST, "/v2/checkout/orders", headers: try headers(key),
        body: """
          {"intent":"CAPTURE","purchase_units":[{"reference_id":"pp_1","invoice_id":"order-1",\
          "amount":{"currency_code":"EUR","value":"\(value)"}}],\(source)}
          """)
    }

    func order(_ value: String, key: String = "k") throws -> String {
      try #require(try JSONMembers(create(value, key: key).body)["id"])
    }

    func choose(_ order: String, _ button: String = "approve") throws -> HTTPAnswer {
      try client.send(
        .POST, "/checkoutnow", headers: [("Content-Type", "application/x-www-form-urlencoded")],
        body: "token=\(order)&\(button)=1")
    }

    func capture(_ order: String, key: String = "c") throws -> HTTPAnswer {
      try client.send(
        .POST, "/v2/checkout/orders/\(order)/capture", headers: try headers(key), body: "{}")
    }

    func show(_ order: String) throws -> String {
      String(
        decoding: try client.send(.GET, "/v2/checkout/orders/\(order)", headers: headers("g")).body,
        as: UTF8.self)
    }
  }

  private static let source = """
    "payment_source":{"paypal":{"experience_context":{"return_url":"https://pay.example/p/1/back?x=1",\
    "cancel_url":"https://pay.example/p/1/cancel","locale":"fr-FR","user_action":"PAY_NOW"}}}
    """

  private func run(_ options: [String] = [], _ body: (Merchant) throws -> Void) throws {
    try withScratchDirectory { directory in
      let pki = "\(directory)/pki"
      try DevelopmentPKI.make(in: pki)
      try Account.write(Array("s3cret\n".utf8), to: "\(directory)/secret")
      _ = try? ChildProcess.run(["chown", "-R", try Account.name, directory])
      let program = try ListeningProgram(
        ["paypal", "--pki", pki, "--secret-file", "\(directory)/secret"])
      let url = program.line["paypal"] ?? ""
      let client = try HTTPSClient(
        to: Endpoint(url), as: "stranger", of: TLSMaterial(directory: pki), trusting: "ca")
      try body(Merchant(client: client, url: url))
      #expect(program.stop().status == .exited(0))
    }
  }

  private func issue(_ answer: HTTPAnswer) -> String {
    let text = String(decoding: answer.body, as: UTF8.self)
    let parts = text.split(separator: #""issue":""#)
    return parts.count == 2 ? String(parts[1].prefix { $0 != "\"" }) : text
  }

  private func text(_ answer: HTTPAnswer) -> String { String(decoding: answer.body, as: UTF8.self) }

  @Test func anOrderIsApprovedByItsPayerAndCaptured() throws {
    try run { merchant in
      let token = try merchant.token()
      #expect(token.status == 200)
      #expect(try JSONMembers(token.body)["token_type"] == "Bearer")
      #expect(try JSONMembers(token.body).integer("expires_in") == 32_400)
      let created = try merchant.create("2100.01")
      #expect(created.status == 200)
      let id = try #require(try JSONMembers(created.body)["id"])
      #expect(text(created).contains(#""status":"PAYER_ACTION_REQUIRED""#))
      #expect(
        text(created).contains(
          #"{"href":"\#(merchant.url)/checkoutnow?token=\#(id)","rel":"payer-action","method":"GET"}"#
        ))
      #expect(try issue(merchant.capture(id)) == "ORDER_NOT_APPROVED")

      let page = try merchant.client.send(.GET, "/checkoutnow?token=\(id)")
      #expect(text(page).contains("2100.01 EUR") && text(page).contains(#"name="approve""#))
      let approved = try merchant.choose(id)
      let back = approved.headers["Location"].first ?? ""
      #expect(approved.status == 303)
      #expect(back.hasPrefix("https://pay.example/p/1/back?x=1&token=\(id)&PayerID="))
      #expect(try merchant.show(id).contains(#""status":"APPROVED""#))

      let captured = try merchant.capture(id)
      #expect(captured.status == 201)
      #expect(text(captured).contains(#""intent":"CAPTURE","status":"COMPLETED""#))
      #expect(text(captured).contains(#""payments":{"captures":[{"id":""#))
      let replay = try merchant.capture(id)
      #expect(replay.status == 200 && replay.body == captured.body)
      let second = try merchant.capture(id, key: "another")
      #expect(second.status == 422 && issue(second) == "ORDER_ALREADY_CAPTURED")
      let received = try merchant.client.send(.GET, "/received")
      #expect(text(received) == #"{"orders":1,"captured":["order-1"]}"#)
    }
  }

  @Test func thePayerMayCancel() throws {
    try run { merchant in
      let id = try merchant.order("49.90")
      let answer = try merchant.choose(id, "cancel")
      #expect(answer.headers["Location"] == ["https://pay.example/p/1/cancel?token=\(id)"])
      #expect(try issue(merchant.capture(id)) == "ORDER_NOT_APPROVED")
    }
  }

  @Test func theSameRequestMakesOneOrder() throws {
    try run { merchant in
      let first = try merchant.order("49.90")
      #expect(try merchant.order("49.90") == first)
      #expect(try merchant.order("49.90", key: "another") != first)
    }
  }

  @Test func theAmountDecides() throws {
    try run { merchant in
      let declined = try merchant.order("2100.02", key: "2")
      _ = try merchant.choose(declined)
      let refused = try merchant.capture(declined, key: "2")
      #expect(refused.status == 422 && issue(refused) == "INSTRUMENT_DECLINED")
      #expect(text(refused).contains(#""rel":"redirect""#))
      #expect(try merchant.show(declined).contains("PAYER_ACTION_REQUIRED"))
      _ = try merchant.choose(declined)
      #expect(try merchant.capture(declined, key: "2").status == 201)

      let pending = try merchant.order("2100.03", key: "3")
      _ = try merchant.choose(pending)
      #expect(try text(merchant.capture(pending, key: "3")).contains(#""status":"PENDING""#))
      let form = [("Content-Type", "application/x-www-form-urlencoded")]
      let settled = try merchant.client.send(
        .POST, "/settle", headers: form, body: "token=\(pending)&status=DECLINED")
      #expect(settled.status == 204)
      #expect(try merchant.show(pending).contains(#""status":"DECLINED""#))

      let lost = try merchant.order("2100.04", key: "4")
      _ = try merchant.choose(lost)
      #expect(try merchant.capture(lost, key: "4").status == 500)
      #expect(try merchant.show(lost).contains(#""status":"COMPLETED""#))
      #expect(try merchant.capture(lost, key: "4").status == 200)

      #expect(try merchant.create("2100.05", key: "5").status == 401)
      #expect(try merchant.token().status == 401)
      #expect(try merchant.token().status == 200)
      #expect(try merchant.create("2100.07", key: "7").status == 500)

      let open = try merchant.order("2100.09", key: "9")
      _ = try merchant.choose(open)
      #expect(try merchant.capture(open, key: "9").status == 500)
      #expect(try merchant.show(open).contains(#""status":"APPROVED""#))
      #expect(try merchant.capture(open, key: "9").status == 201)
    }
  }

  @Test func whatIsWrongIsSaidInPayPalsForm() throws {
    try run { merchant in
      #expect(try merchant.token("shop:wrong").status == 401)
      #expect(try merchant.token("other:s3cret").status == 401)
      for value in ["0.00", "49.9", "49", "-1.00", "1e2.00", ""] {
        let answer = try merchant.create(value)
        #expect(answer.status == 400 && issue(answer) == "DECIMAL_PRECISION", "\(value)")
      }
      let plain = try merchant.create("1.00", source: #""payment_source":{"paypal":{}}"#)
      #expect(plain.status == 400 && text(plain).contains(#""name":"INVALID_REQUEST""#))
      let unknown = try merchant.capture("ABC")
      #expect(unknown.status == 404 && issue(unknown) == "INVALID_RESOURCE_ID")
      let stranger = try merchant.client.send(
        .GET, "/v2/checkout/orders/ABC", headers: [("Authorization", "Bearer x")])
      #expect(stranger.status == 401 && text(stranger).contains("invalid_token"))
      #expect(try merchant.client.send(.GET, "/checkoutnow?token=ABC").status == 404)
    }
  }
}
