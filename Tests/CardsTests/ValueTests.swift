import Bytes
import Cards
import Testing

@Suite struct ExpiryTests {
  @Test(arguments: [
    (12, 2028, 1_861_963_200), (1, 2000, 949_406_400), (2, 2000, 951_912_000),
    (1, 2024, 1_706_788_800), (2, 2024, 1_709_294_400), (2, 2099, 4_076_049_600),
    (11, 2026, 1_796_126_400), (12, 2099, 4_102_488_000),
  ])
  func aCardIsGoodUntilNoonOfTheFirstOfTheMonthAfter(month: Int, year: Int, end: Int64) throws {
    let expiry = try Expiry(month: month, year: year)
    #expect(expiry.endUnixSeconds == end)
    #expect(!expiry.isExpired(at: end - 1))
    #expect(expiry.isExpired(at: end))
  }

  @Test(arguments: [(0, 2028), (13, 2028), (1, 1999), (1, 2100), (-1, 2028), (Int.max, Int.min)])
  func anotherMonthOrYearIsRefused(month: Int, year: Int) {
    #expect(throws: CardError.invalidExpiry) { try Expiry(month: month, year: year) }
  }

  @Test func expiriesAreOrderedByTime() throws {
    #expect(try Expiry(month: 12, year: 2027) < Expiry(month: 1, year: 2028))
    #expect(try Expiry(month: 1, year: 2028) < Expiry(month: 2, year: 2028))
    #expect(try !(Expiry(month: 2, year: 2028) < Expiry(month: 2, year: 2028)))
  }
}

@Suite struct MoneyTests {
  @Test(arguments: [
    (4_990, "EUR", "49.90"), (5, "EUR", "0.05"), (0, "EUR", "0.00"), (100, "USD", "1.00"),
    (4_990, "JPY", "4990"), (0, "JPY", "0"), (4_990, "KWD", "4.990"), (7, "KWD", "0.007"),
    (999_999_999_999, "GBP", "9999999999.99"),
  ])
  func anAmountIsWrittenInTheMajorUnit(value: Int64, code: String, text: String) throws {
    let currency = try #require(Currency(code: code))
    #expect(try Money(value: value, currency: currency).decimalText == text)
  }

  @Test(arguments: [-1, 1_000_000_000_000, Int64.max, Int64.min])
  func anAmountOutsideTheRangeIsRefused(value: Int64) throws {
    let currency = try #require(Currency(code: "EUR"))
    #expect(throws: CardError.invalidAmount) { try Money(value: value, currency: currency) }
  }
}

@Suite struct CurrencyTests {
  @Test(arguments: [
    ("EUR", 978, "978", 2), ("USD", 840, "840", 2), ("GBP", 826, "826", 2), ("CHF", 756, "756", 2),
    ("JPY", 392, "392", 0), ("AUD", 36, "036", 2), ("TND", 788, "788", 3), ("ALL", 8, "008", 2),
  ])
  func aCurrencyHasItsCodes(code: String, number: Int, text: String, exponent: Int) throws {
    let currency = try #require(Currency(code: code))
    #expect(currency.numericCode == number)
    #expect(currency.numericText == text)
    #expect(currency.exponent == exponent)
  }

  @Test(arguments: ["", "eur", "EU", "EURO", "XAG", "XTS", "XAU", "DEM", "978"])
  func anotherCodeIsNoCurrency(code: String) {
    #expect(Currency(code: code) == nil)
  }

  @Test func theTableIsWellFormed() {
    #expect(Currency.all.count == 155)
    #expect(Set(Currency.all.map(\.numericCode)).count == Currency.all.count)
    for currency in Currency.all {
      let isCode = currency.code.utf8.allSatisfy { (UInt8(ascii: "A")...UInt8(ascii: "Z")) ~= $0 }
      #expect(isCode && currency.code.utf8.count == 3)
      #expect((1...999).contains(currency.numericCode))
    }
  }
}

@Suite struct ReferenceTests {
  @Test(arguments: ["c-1042", "a", "A.b_c:d-9", "12345678901", "1234567890a1234567890"])
  func aCustomerReferenceIsKept(text: String) {
    #expect(CustomerReference(text)?.text == text)
  }

  @Test(arguments: ["order-1042", "a", "A.b_c-9", "12345678901"])
  func aPaymentReferenceIsKept(text: String) {
    #expect(PaymentReference(text)?.text == text)
  }

  @Test func aReferenceHasItsLength() {
    #expect(CustomerReference(String(repeating: "a", count: 64)) != nil)
    #expect(CustomerReference(String(repeating: "a", count: 65)) == nil)
    #expect(PaymentReference(String(repeating: "a", count: 40)) != nil)
    #expect(PaymentReference(String(repeating: "a", count: 41)) == nil)
  }

  @Test(arguments: [
    "", " ", "a b", "a/b", "é", "a\n", "a\u{0}", "４",
  ])
  func whatHasOtherCharactersIsRefused(text: String) {
    #expect(CustomerReference(text) == nil)
    #expect(PaymentReference(text) == nil)
  }

  @Test func onlyACustomerReferenceMayHaveColons() {
    #expect(CustomerReference("a:b") != nil)
    #expect(PaymentReference("a:b") == nil)
  }
}

@Suite struct TokenViewTests {
  @Test func aViewTellsWhatAShopMayKnow() throws {
    let pool = try makePool()
    let token = try #require(Token("tok_01kar1fs7qe0cv6rvzpm17phbe"))
    let pan = try parse("4970 1051 8181 8183", in: pool)
    let match = try BrandTable.standard.match(pan)
    let view = TokenView(
      token: token, pan: pan, match: match, expiry: try Expiry(month: 12, year: 2028),
      preferredBrand: .cb)
    #expect(view.token == token)
    #expect(view.brand == .visa)
    #expect(view.brands == [.visa, .cb])
    #expect(view.preferredBrand == .cb)
    #expect(view.bin == "497010")
    #expect(view.last4 == "8183")
    #expect(view.expiry == (try Expiry(month: 12, year: 2028)))
    #expect(view.createdAtMilliseconds == token.milliseconds)
  }
}

/// What is taken for a card number in a text of somebody's own.
@Suite struct DigitGroupTests {
  private func isFound(_ text: String, by table: BrandTable = .standard) -> Bool {
    table.findsNumber(in: Array(text.utf8).rawSpan)
  }

  @Test(arguments: [
    "4970105181818183", "x4970-1051.8181_8183y", "order-1042:4970105181818183",
    "4970105181818183-1", "1042-4970.1051.8181.8183-7", "4-9-7-0-1-0-5-1-8-1-8-1-8-1-8-3",
    "378282246310005", "a1b22c4222222222222", "6759649826438453",
  ])
  func aNumberOfABrandIsFound(text: String) {
    #expect(isFound(text))
  }

  @Test(arguments: [
    "", "c-1042", "20261129153012", "2026-11-29.15:30:12.123456", "1795459405000123",
    "123-1234567-1234567", "c-1234.5678-9012", "4970105181818184", "49701051818a18183",
    "4970105181818183000000", "14970105181818183", "9999999999999995",
    // As long as no card of its brand.
    "49701051818183", "37828224631009",
    "57124242-5051-41cc-917f-9acae01f5057", "47223179-" + "9330-4259-b66c-f2db26efb20c",
    "49701051-8181-8183-8183-497010518183",
  ])
  func whatIsNoNumberOfABrandIsNot(text: String) {
    #expect(!isFound(text))
  }

  @Test func noUUIDIsFound() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<600 {
      let digits = (0..<32).map { _ in String(Int.random(in: 0..<16, using: &generator), radix: 16)
      }
      let uuid = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { digits[$0].joined() }
      #expect(!isFound(uuid.joined(separator: "-")))
    }
  }

  @Test func timesAndOrderNumbersPass() {
    for second in stride(from: 1_767_225_600, to: 1_893_456_000, by: 200_003) {
      let day = 20_260_101 + second / 86_400 % 28
      let time = "\(day)\(100_000 + second % 86_400)"
      for text in [time, "\(second)000", "\(second)123456", "o-\(time)-\(second % 1_000)"] {
        #expect(!isFound(text), "\(text)")
      }
    }
  }

  @Test func theTableThatIsInForceDecides() throws {
    let brand = try #require(Brand("shopcard"))
    let table = try BrandTable(ranges: [
      BrandRange(low: "9999", high: "9999", lengths: [16], brand: brand)
    ])
    #expect(isFound("9999999999999995", by: table))
    #expect(!isFound("4970105181818183", by: table))
  }

  @Test func manyGroupsAreNoMoreThanTheLastOnes() {
    #expect(isFound(String(repeating: "1-", count: 100) + "4970105181818183"))
    #expect(isFound(String(repeating: "1-", count: 20) + "4970-1051-8181-8183"))
    #expect(!isFound(String(repeating: "1-", count: 100)))
  }
}

@Suite struct DigitRunTests {
  @Test(arguments: [
    "497010518181", "4970 1051 8181 8183 gone", "4970.1051.8181.8183", "4970_1051/8181#8183",
    "a4970-1051-8181", "２０２６２０２６２０２６", "٤٩٧٠١٠٥١٨١٨١", "1\u{0301}23456789012",
  ])
  func aTextThatCouldHoldACardNumberIsFound(text: String) {
    #expect(PAN.couldStand(in: text))
  }

  @Test(arguments: [
    "", "49701051818", "2026-11-25, 21h40", "497010a518181", "497010é518181", "CHG-2026-000123",
    String(repeating: "-", count: 100),
  ])
  func oneThatHoldsFewerDigitsBetweenLettersIsNot(text: String) {
    #expect(!PAN.couldStand(in: text))
  }
}
