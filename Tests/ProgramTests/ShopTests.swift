import Bytes
import Glibc
import JSON
import NIOHTTP1
import Testing

@testable import cadenas_dev

/// The shop as a process: what it asks of the payment page, and what it believes of it.
@Suite(.serialized) struct ShopTests {
  // MARK: Ordering

  @Test func theBasketBecomesTheRequestThatThePageTakes() throws {
    try ShopStage.run { stage in
      let browser = stage.browser
      try browser.post("/account/sign-in", "customer=c-1042")
      try browser.post("/basket/add", "product=notebook")
      try browser.post("/basket/add", "product=notebook")
      try browser.post("/basket/add", "product=voucher&worth=20%2C5")
      _ = try browser.get("/basket?currency=GBP")
      _ = try browser.get("/basket?language=de")
      let answer = try browser.post("/checkout", "form=\(try browser.form())")
      #expect(answer.status == 303)
      #expect(answer.headers["Location"] == ["https://pay.example/p/1"])

      let request = try #require(stage.page.requests.last)
      #expect(request.method == .POST && request.path == "/v1/payments")
      #expect(request.headers["Content-Type"] == ["application/json"])
      #expect(request.headers["Idempotency-Key"].first?.hasPrefix("order-1042-1-") == true)
      #expect(
        String(decoding: request.body, as: UTF8.self) == """
          {"reference":"order-1042","amount":{"value":4230,"currency":"GBP"},\
          "return_url":"\(stage.shop)/orders/order-1042","language":"de",\
          "items":[{"label":"Notizbuch in Leinen","quantity":2,"amount":2180},\
          {"label":"Geschenkkarte","quantity":1,"amount":2050}],\
          "customer":"c-1042","keep_card":"offer"}
          """)
    }
  }

  @Test func aFormThatIsSentTwiceIsOneOrderAndOnePayment() throws {
    try ShopStage.run { stage in
      try stage.browser.post("/basket/add", "product=lamp")
      let form = try stage.browser.form()
      let first = try stage.browser.post("/checkout", "form=\(form)")
      let second = try stage.browser.post("/checkout", "form=\(form)")
      #expect(first.status == 303 && second.headers["Location"] == first.headers["Location"])
      #expect(stage.page.requests.count == 1)
      #expect(
        try stage.browser.other().post("/checkout", "form=\(form)").headers["Location"]
          == ["/basket"])
    }
  }

  @Test func aPageThatCannotBeAskedIsAskedAgainUnderTheSameKey() throws {
    try ShopStage.run { stage in
      stage.page.answer("POST /v1/payments", 503, #"{"type":"urn:cadenas:problem:unavailable"}"#)
      try stage.browser.post("/basket/add", "product=lamp")
      let failed = try stage.browser.post("/checkout", "form=\(try stage.browser.form())")
      #expect(failed.status == 502)
      #expect(String(decoding: failed.body, as: UTF8.self).contains("/orders/order-1042/pay"))
      // An address of somebody else is none of the page's.
      stage.page.answer(
        "POST /v1/payments", 201, #"{"payment":"pp_1","url":"https://pay.example.evil.test/p/1"}"#)
      #expect(try stage.browser.post("/orders/order-1042/pay", "pay=1").status == 502)
      stage.page.answer(
        "POST /v1/payments", 201, #"{"payment":"pp_1","url":"https://pay.example/p/1"}"#)
      let paid = try stage.browser.post("/orders/order-1042/pay", "pay=1")
      #expect(paid.headers["Location"] == ["https://pay.example/p/1"])
      #expect(Set(stage.page.requests.map { $0.headers["Idempotency-Key"] }).count == 1)
    }
  }

  @Test func aCheckoutThatIsBeingAnsweredIsWaitedFor() throws {
    try ShopStage.run { stage in
      for _ in 0..<2 {
        stage.page.answerOnce(
          "POST /v1/payments", 409, #"{"type":"urn:cadenas:problem:request-in-progress"}"#)
      }
      try stage.order()
      #expect(stage.page.requests.count == 3)
      #expect(Set(stage.page.requests.map { $0.headers["Idempotency-Key"] }).count == 1)
      #expect(try stage.state(of: "order-1042") == "open")
    }
  }

  @Test func whatWasOrderedBeforeSigningInStaysVisible() throws {
    try ShopStage.run { stage in
      let reference = try stage.order()
      try stage.browser.post("/basket/add", "product=lamp")
      try stage.browser.post("/account/sign-in", "customer=c-9")
      #expect(try stage.browser.page("/orders").contains(reference))
      #expect(try stage.browser.page("/basket").contains("Desk lamp"))
      try stage.browser.post("/account/sign-out", "")
      #expect(try !stage.browser.page("/orders").contains(reference))
    }
  }

  @Test func anotherPaymentIsBegunOnceTheFormerWasCancelled() throws {
    try ShopStage.run { stage in
      let reference = try stage.order()
      #expect(
        try stage.notify(ShopStage.document(reference, state: "cancelled", sequence: 2)) == 204)
      #expect(try stage.browser.page("/orders/\(reference)").contains("You have cancelled"))
      stage.page.answer(
        "POST /v1/payments", 201, #"{"payment":"pp_2","url":"https://pay.example/p/2"}"#)
      let again = try stage.browser.post("/orders/\(reference)/pay", "pay=1")
      #expect(again.headers["Location"] == ["https://pay.example/p/2"])
      #expect(Set(stage.page.requests.map { $0.headers["Idempotency-Key"] }).count == 2)
      let approved = ShopStage.document(
        reference, state: "approved", sequence: 2, card: ShopStage.visa, payment: "pp_2")
      #expect(try stage.notify(approved) == 204)
      let late = try stage.browser.post("/orders/\(reference)/pay", "pay=1")
      #expect(late.headers["Location"] == ["/orders/\(reference)"], "it is paid")
    }
  }

  // MARK: Notifications

  @Test func aNotificationIsTakenWithAGoodSignatureOfNowAlone() throws {
    try ShopStage.run { stage in
      let reference = try stage.order()
      let document = ShopStage.document(reference, state: "approved", sequence: 1)
      #expect(try stage.browser.client.send(.POST, "/payments", body: document).status == 401)
      #expect(try stage.notify(document, secret: "another") == 401)
      #expect(try stage.notify(document, signed: document + " ") == 401)
      #expect(try stage.notify(document, at: ShopData.now - 301) == 401)
      #expect(try stage.notify(document, at: ShopData.now + 330) == 401)
      #expect(try stage.state(of: reference) == "open")
      #expect(try stage.notify(document, at: ShopData.now - 290) == 204)
      #expect(try stage.state(of: reference) == "paid")
    }
  }

  @Test func notificationsTwiceAndOutOfOrderChangeNothing() throws {
    try ShopStage.run { stage in
      let reference = try stage.order()
      for (state, sequence, after) in [
        ("in_progress", 2, "inProgress"), ("open", 1, "inProgress"), ("unknown", 3, "unknown"),
        ("unknown", 3, "unknown"), ("approved", 4, "paid"), ("unknown", 3, "paid"),
        ("approved", 4, "paid"),
      ] {
        #expect(
          try stage.notify(ShopStage.document(reference, state: state, sequence: sequence)) == 204)
        #expect(try stage.state(of: reference) == after)
      }
      let told = try stage.told()
      #expect(told.contains(#""received":7,"taken":3,"old":4,"unsigned":0"#), "\(told)")
    }
  }

  @Test func whatIsNoPaymentOfTheShopIsNotTaken() throws {
    try ShopStage.run { stage in
      let reference = try stage.order()
      let foreign = ShopStage.document("order-1", state: "approved", sequence: 1)
      #expect(try stage.notify(foreign) == 404)
      let less = ShopStage.document(reference, state: "approved", sequence: 1, value: 1)
      #expect(try stage.notify(less) == 422)
      #expect(try stage.notify(ShopStage.document(reference, state: "approved")) == 400)
      #expect(try stage.notify("{}") == 400)
      #expect(try stage.state(of: reference) == "open")
    }
  }

  @Test func anIllShopAnswersAsItWasTold() throws {
    try ShopStage.run(["--notifications", "500"]) { stage in
      let reference = try stage.order()
      let document = ShopStage.document(reference, state: "approved", sequence: 1)
      #expect(try stage.notify(document) == 500)
      #expect(try stage.state(of: reference) == "open")
      try stage.browser.post("/control/notifications", "mode=drop")
      #expect(throws: DevelopmentError.self) { try stage.notify(document) }
      #expect(try stage.browser.post("/control/notifications", "mode=none").status == 400)
      try stage.browser.post("/control/notifications", "mode=twice")
      #expect(try stage.notify(document) == 500)
      #expect(try stage.notify(document) == 204)
      #expect(try stage.state(of: reference) == "paid")
    }
  }

  // MARK: The way back

  @Test func theWayBackAsksThePageForTheTruth() throws {
    try ShopStage.run { stage in
      let reference = try stage.order()
      stage.page.answer(
        "GET /v1/payments/pp_1", 200,
        ShopStage.document(reference, state: "refused", card: ShopStage.visa))
      // What the address says is not what is shown.
      let query = ShopStage.query(payment: "pp_1", state: "approved")
      let back = try stage.browser.get("/orders/\(reference)?\(query)")
      #expect(back.status == 303 && back.headers["Location"] == ["/orders/\(reference)"])
      let page = try stage.browser.page("/orders/\(reference)")
      #expect(page.contains("Payment declined") && !page.contains("is paid"))
      #expect(stage.page.requests.filter { $0.method == .GET }.count == 1)
    }
  }

  @Test func aFalseSignatureShowsNoSuccess() throws {
    try ShopStage.run { stage in
      let reference = try stage.order()
      stage.page.answer(
        "GET /v1/payments/pp_1", 200, ShopStage.document(reference, state: "open"))
      let good = ShopStage.query(payment: "pp_1", state: "refused")
      for query in [
        ShopStage.query(payment: "pp_1", state: "approved", secret: "guessed"),
        good.replacing("refused", with: "approved"), "payment=pp_1&state=approved",
        "payment=pp_1&state=approved&t=1&signature=00", "signature=",
      ] {
        let page = try stage.browser.page("/orders/\(reference)?\(query)")
        #expect(!page.contains("is paid") && page.contains("not from the payment page"), "\(query)")
        let other = try stage.browser.other().get("/orders/\(reference)?\(query)")
        #expect(other.status == 404)
      }
      #expect(stage.page.requests.filter { $0.method == .GET }.isEmpty)
    }
  }

  @Test func anotherBrowserSeesTheStateAndNothingElse() throws {
    try ShopStage.run { stage in
      let reference = try stage.order()
      #expect(try stage.browser.other().get("/orders/\(reference)").status == 404)
      stage.page.answer(
        "GET /v1/payments/pp_1", 200,
        ShopStage.document(reference, state: "approved", card: ShopStage.visa))
      let query = ShopStage.query(payment: "pp_1", state: "approved")
      let page = try stage.browser.other().page("/orders/\(reference)?\(query)")
      #expect(page.contains("Your order is paid"))
      #expect(!page.contains("scarf") && !page.contains("8183") && !page.contains("invoice"))
      #expect(try stage.browser.other().get("/orders/\(reference)/invoice").status == 404)
    }
  }

  @Test func withoutAnAnswerTheShopSaysThatItDoesNotKnow() throws {
    try ShopStage.run { stage in
      let reference = try stage.order()
      stage.page.answer("GET /v1/payments/pp_1", 500)
      let query = ShopStage.query(payment: "pp_1", state: "approved")
      let page = try stage.browser.page("/orders/\(reference)?\(query)")
      #expect(page.contains("could not ask") && !page.contains("is paid"))
    }
  }
}

extension ShopStage {
  /// What `GET /control/orders` says.
  func told() throws -> String { try browser.page("/control/orders") }

  /// How the shop says that an order stands.
  func state(of reference: String) throws -> String {
    let parts = try told().split(separator: #"{"reference":"\#(reference)","state":""#)
    return parts.count == 2 ? String(parts[1].prefix { $0 != "\"" }) : ""
  }
}
