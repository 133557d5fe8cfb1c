import Bytes
import Testing

@testable import cadenas_dev

/// What the shop decides, without a network.
@Suite struct ShopPartsTests {
  // MARK: Amounts

  @Test(arguments: [
    (Currency.eur, "1\u{202F}234,50\u{A0}€", "€1,234.50", "1.234,50\u{A0}€"),
    (.usd, "1\u{202F}234,50\u{A0}$US", "US$1,234.50", "1.234,50\u{A0}$"),
    (.gbp, "1\u{202F}234,50\u{A0}£GB", "£1,234.50", "1.234,50\u{A0}£"),
    (.chf, "1\u{202F}234,50\u{A0}CHF", "CHF\u{A0}1,234.50", "1.234,50\u{A0}CHF"),
  ])
  func anAmountIsWrittenAsItsLanguageWritesIt(
    currency: Currency, french: String, english: String, german: String
  ) {
    let amount = Money(123_450, currency)
    #expect(amount.text(in: .french) == french)
    #expect(amount.text(in: .english) == english)
    #expect(amount.text(in: .german) == german)
  }

  @Test func smallAndLargeAmountsAreWhole() {
    #expect(Money(5, .eur).text(in: .english) == "€0.05")
    #expect(Money(99_900, .eur).text(in: .english) == "€999.00")
    #expect(Money(999_999_999_999, .eur).text(in: .german) == "9.999.999.999,99\u{A0}€")
  }

  @Test(arguments: [
    ("25", 2_500), ("25,5", 2_550), ("25.50", 2_550), (" 2 000,02 ", 200_002), ("1’000", 100_000),
  ])
  func whatAPersonTypesIsAnAmount(text: String, value: Int64) {
    #expect(Money.typed(text) == value)
  }

  @Test(arguments: ["", "-5", "1,234.50", "25.505", "abc", ".", "12345678", "2e3", "٢٥"])
  func whatIsNoAmountIsRefused(text: String) {
    #expect(Money.typed(text) == nil)
  }

  @Test(arguments: [
    ("fr-FR,fr;q=0.9,en;q=0.8", ShopLanguage.french), ("de;q=0.3,en;q=0.7", .english),
    ("it,de-CH;q=0.5", .german), ("frr", .english), ("", .english), ("*", .english),
  ])
  func theLanguageIsTheOneThatIsLikedBest(header: String, language: ShopLanguage) {
    #expect(ShopLanguage(accepted: header) == language)
  }

  @Test func daysAreWrittenAsEachLanguageWritesThem() {
    #expect(ShopLanguage.french.day("2026-11-23T18:43:25Z") == "23 novembre 2026")
    #expect(ShopLanguage.english.day("2026-11-23T18:43:25Z") == "23 November 2026")
    #expect(ShopLanguage.german.day("2026-11-23T18:43:25Z") == "23. November 2026")
  }

  @Test func everyWordIsThereInEveryLanguage() {
    let french = ShopWords.all(in: .french)
    for language in ShopLanguage.allCases {
      let words = ShopWords.all(in: language)
      #expect(words.keys == french.keys && !words.values.contains(""))
    }
  }

  // MARK: Signatures

  private let signature = PaymentSignature(secret: Array("key".utf8))

  @Test func aSignatureIsHMACOverTimeAndBody() {
    // Python: hmac.new(b"key", b"1700000000.{}", "sha256").hexdigest()
    let code = signature.code(of: Array("1700000000.{}".utf8))
    #expect(code == "9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae")
    let body = Array("{}".utf8)
    #expect(signature.covers(body, header: "t=1700000000,v1=\(code)", now: 1_700_000_000))
    #expect(signature.covers(body, header: "t=1700000000, v1=\(code)", now: 1_700_000_300))
    #expect(!signature.covers(body, header: "t=1700000000,v1=\(code)", now: 1_700_000_301))
    #expect(!signature.covers(body, header: "t=1700000000,v1=\(code)", now: 1_699_999_699))
    #expect(
      !signature.covers(Array("{ }".utf8), header: "t=1700000000,v1=\(code)", now: 1_700_000_000))
    #expect(!signature.covers(body, header: "t=1700000001,v1=\(code)", now: 1_700_000_000))
    #expect(!signature.covers(body, header: "v1=\(code)", now: 1_700_000_000))
    #expect(!signature.covers(body, header: "t=99999999999999999999,v1=\(code)", now: 0))
    #expect(!signature.covers(body, header: "t=1700000000,v1=00", now: 1_700_000_000))
  }

  // MARK: Documents

  private func document(
    _ state: String, sequence: Int? = nil, payment: String = "pp_1", value: Int = 3_990,
    more: String = ""
  ) throws -> PaymentDocument {
    let text = ShopStage.document(
      "order-1", state: state, sequence: sequence, value: value, card: ShopStage.visa,
      payment: payment, more: more)
    return try #require(PaymentDocument(Array(text.utf8)))
  }

  private func order() -> ShopOrder {
    var order = ShopOrder(
      reference: "order-1",
      lines: [ShopOrder.Line(label: "x", quantity: 1, price: Money(3_990, .eur), taxPercent: 20)],
      currency: .eur, language: .english, customer: nil, session: "s", orderedAt: 0)
    order.beginPayment()
    order.opened("pp_1", at: "https://pay.example/p/1")
    return order
  }

  @Test func ofACardNothingIsReadButBrandLastFourAndMonth() throws {
    let read = try document("approved")
    #expect(read.card?.last4 == "8183" && read.card?.scheme == "cb" && read.card?.token == nil)
    let long =
      #"{"payment":"p","reference":"r","amount":{"value":1,"currency":"EUR"},"#
      + #""state":"approved","card":{"brand":"visa","last4":"970105181818183"}}"#
    #expect(try #require(PaymentDocument(Array(long.utf8))).card == nil)
    #expect(PaymentDocument(Array("{}".utf8)) == nil)
    #expect(PaymentDocument(Array("[".utf8)) == nil)
  }

  @Test func aNotificationCountsOnceAndNeverAfterALaterOne() throws {
    var order = order()
    #expect(order.take(try document("in_progress", sequence: 2)) == .taken)
    #expect(order.take(try document("open", sequence: 1)) == .old)
    #expect(order.state == .inProgress)
    #expect(order.take(try document("approved", sequence: 3)) == .taken)
    #expect(order.take(try document("approved", sequence: 3)) == .old)
    #expect(order.state == .paid)
  }

  @Test func anEndIsNotTakenBack() throws {
    var order = order()
    #expect(order.take(try document("approved", sequence: 5)) == .taken)
    #expect(order.take(try document("in_progress")) == .old)
    #expect(order.take(try document("refused", sequence: 6)) == .old)
    #expect(order.state == .paid && !order.mayPayAgain)
  }

  @Test func aPaymentOfAnotherAmountIsForeign() throws {
    var order = order()
    #expect(order.take(try document("approved", value: 1)) == .foreign)
    #expect(order.take(try document("approved", payment: "pp_1")) == .taken)
    #expect(order.take(try document("approved", payment: "pp_2")) == .foreign)
  }

  @Test func whichPaymentIsTheOrdersIsSaidByThePagesAnswerAlone() throws {
    var order = order()
    #expect(order.take(try document("cancelled")) == .taken)
    order.beginPayment()
    #expect(order.take(try document("approved", sequence: 9, payment: "pp_2")) == .early)
    order.opened("pp_2", at: "https://pay.example/p/2")
    #expect(order.take(try document("approved", sequence: 9, payment: "pp_2")) == .taken)
    #expect(order.state == .paid)
  }

  @Test func anotherPaymentIsBegunOnlyWhenTheFormerHasEndedWithoutMoney() throws {
    for (state, mayPay) in [
      ("open", false), ("in_progress", false), ("approved", false), ("pending", false),
      ("unknown", false), ("refused", true), ("cancelled", true), ("expired", true),
    ] {
      var order = order()
      #expect(order.take(try document(state)) == .taken)
      order.beginPayment()
      #expect(order.mayPayAgain == mayPay && order.attempt == (mayPay ? 2 : 1), "\(state)")
    }
  }

  @Test func lessThanWhatIsDueIsPaidInPart() throws {
    for more in [#","approved_amount":1990"#, #","outcome":{"approved_amount":1990}"#] {
      var order = order()
      #expect(order.take(try document("approved", more: more)) == .taken)
      #expect(order.state == .paidInPart)
    }
  }

  @Test func taxIsWhatIsInThePriceAndNoneIsInAVoucher() {
    let lines = [
      ShopOrder.Line(label: "a", quantity: 3, price: Money(1_250, .eur), taxPercent: 20),
      ShopOrder.Line(label: "b", quantity: 1, price: Money(5_000, .eur), taxPercent: 0),
    ]
    let order = ShopOrder(
      reference: "r", lines: lines, currency: .eur, language: .french, customer: nil, session: "s",
      orderedAt: 0)
    #expect(order.taxes.map(\.amount) == [625] && order.total.value == 8_750)
  }
}
