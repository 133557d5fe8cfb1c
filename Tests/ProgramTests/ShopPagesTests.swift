import Bytes
import NIOHTTP1
import Testing

@testable import cadenas_dev

/// What people see of the shop, and what their browsers are told.
@Suite(.serialized) struct ShopPagesTests {
  private static let paths = ["/", "/basket", "/orders", "/account", "/help", "/privacy", "/none"]

  @Test func everyPageTellsTheBrowserToBeCareful() throws {
    try ShopStage.run { stage in
      for path in Self.paths {
        let answer = try stage.browser.get(path)
        #expect(answer.status == (path == "/none" ? 404 : 200))
        let headers = answer.headers
        #expect(
          headers["Content-Security-Policy"] == [
            "default-src 'none'; style-src 'self'; form-action 'self' https://pay.example; "
              + "base-uri 'none'; frame-ancestors 'none'"
          ])
        #expect(headers["Strict-Transport-Security"].count == 1)
        #expect(headers["Referrer-Policy"] == ["no-referrer"])
        #expect(headers["X-Content-Type-Options"] == ["nosniff"])
        #expect(headers["Cache-Control"] == ["no-store"])
        #expect(headers["Set-Cookie"].isEmpty, "nobody gets a cookie for looking")
        let page = String(decoding: answer.body, as: UTF8.self)
        #expect(!page.contains("<script") && !page.contains("style=") && page.utf8.count < 16_384)
      }
      let added = try stage.browser.post("/basket/add", "product=scarf")
      let cookie = added.headers["Set-Cookie"].first ?? ""
      #expect(cookie.hasPrefix("__Host-shop="))
      #expect(cookie.hasSuffix("; Path=/; Secure; HttpOnly; SameSite=Lax"))
    }
  }

  @Test func everyPageIsThereInEachLanguage() throws {
    try ShopStage.run { stage in
      try stage.browser.post("/basket/add", "product=scarf")
      for (language, word) in [("fr", "Panier"), ("en", "Basket"), ("de", "Warenkorb")] {
        let chosen = try stage.browser.get("/basket?language=\(language)")
        #expect(chosen.status == 303 && chosen.headers["Location"] == ["/basket"])
        for path in Self.paths {
          let page = try stage.browser.page(path)
          #expect(page.contains(#"<html lang="\#(language)">"#) && page.contains(word))
          #expect(!page.contains("{{") && !page.contains("Optional("))
        }
      }
    }
  }

  @Test func aFormOfAnotherOriginIsRefused() throws {
    try ShopStage.run { stage in
      let forms: [[(String, String)]] = [
        [("Sec-Fetch-Site", "cross-site")], [("Origin", "https://evil.test")],
        [("Sec-Fetch-Site", "same-site")], [("Origin", "null")],
      ]
      for headers in forms {
        let answer = try stage.browser.post("/basket/add", "product=scarf", headers: headers)
        #expect(answer.status == 403)
      }
      // What browsers send under `no-referrer`, and what they send without it.
      for origin in ["null", stage.shop] {
        let own = [("Origin", origin), ("Sec-Fetch-Site", "same-origin")]
        #expect(try stage.browser.post("/basket/add", "product=scarf", headers: own).status == 303)
      }
    }
  }

  @Test func whatIsTypedIsShownAsTextAndCheckedAtTheField() throws {
    try ShopStage.run { stage in
      let customer = "customer=%3Cscript%3E"
      try stage.browser.post("/account/sign-in", customer)
      let page = try stage.browser.page("/account")
      #expect(page.contains("<title>Error: Account"))
      #expect(page.contains(#"aria-invalid="true""#) && !page.contains("<script"))
      #expect(try !stage.browser.page("/account").contains("aria-invalid"), "it is shown once")
      try stage.browser.post("/basket/add", "product=voucher&worth=much")
      #expect(try stage.browser.page("/").contains(#"id="worth-wrong""#))
      #expect(
        try stage.browser.get("//evil.test/?language=de").headers["Location"] != ["//evil.test/"])
    }
  }

  @Test func theInvoiceIsADuplicateFromTheSecondTimeOn() throws {
    try ShopStage.run { stage in
      _ = try stage.browser.get("/?language=fr")
      let reference = try stage.order()
      #expect(try stage.browser.get("/orders/\(reference)/invoice").status == 404)
      #expect(
        try stage.notify(
          ShopStage.document(reference, state: "approved", sequence: 1, card: ShopStage.visa))
          == 204)
      let first = try stage.browser.page("/orders/\(reference)/invoice")
      for text in [
        "Facture n° F-20", "-0001", "Écharpe en laine, bleu nuit", "39,90\u{A0}€", "33,25\u{A0}€",
        "6,65\u{A0}€", "dont TVA 20\u{A0}%", "Visa, se termine par 8183 (paiement par CB)",
      ] { #expect(first.contains(text), "\(text)") }
      #expect(!first.contains("Duplicata"))
      #expect(try stage.browser.page("/orders/\(reference)/invoice").contains("Duplicata du "))
      let file = try stage.browser.get("/orders/\(reference)/invoice.html")
      let disposition = file.headers["Content-Disposition"].first ?? ""
      #expect(disposition.hasPrefix(#"attachment; filename="order-1042-F-"#))
      let text = String(decoding: file.body, as: UTF8.self)
      #expect(text.contains("<style>") && text.contains("Duplicata du ") && !text.contains("<link"))
    }
  }

  @Test func aPaymentByPayPalIsToldSo() throws {
    try ShopStage.run { stage in
      let reference = try stage.order()
      #expect(
        try stage.notify(
          ShopStage.document(
            reference, state: "approved", sequence: 1, more: #","method":"paypal""#)) == 204)
      #expect(try stage.browser.page("/orders/\(reference)").contains("Paid by: PayPal"))
      #expect(try stage.browser.page("/orders/\(reference)/invoice").contains("<dd>PayPal</dd>"))
    }
  }

  @Test func aKeptCardIsShownToItsCustomerAndRemovedAtTheVault() throws {
    try ShopStage.run(["--vault", "PAGE"]) { stage in
      let browser = stage.browser
      try browser.post("/account/sign-in", "customer=c-7")
      let reference = try stage.order()
      let card = ShopStage.visa.replacing("null", with: #""tok_1""#)
      let document = ShopStage.document(reference, state: "approved", sequence: 1, card: card)
      #expect(try stage.notify(document) == 204)
      let page = try browser.page("/account")
      #expect(page.contains("Visa, ending in 8183") && page.contains("12/2035"))
      #expect(!page.contains("tok_1"))
      let id = try #require(
        page.split(separator: #"name="card" value=""#).last.map { String($0.prefix(32)) })

      let other = browser.other()
      try other.post("/account/sign-in", "customer=c-8")
      #expect(try !other.page("/account").contains("8183"))
      #expect(try other.post("/account/cards/remove", "card=\(id)").status == 404)

      stage.page.answer("DELETE /v1/tokens/tok_1", 503)
      try browser.post("/account/cards/remove", "card=\(id)")
      #expect(try browser.page("/account").contains("could not be removed"))
      stage.page.answer("DELETE /v1/tokens/tok_1", 204)
      try browser.post("/account/cards/remove", "card=\(id)")
      #expect(try !browser.page("/account").contains("8183"))
      #expect(stage.page.requests.filter { $0.method == .DELETE }.count == 2)
    }
  }
}
