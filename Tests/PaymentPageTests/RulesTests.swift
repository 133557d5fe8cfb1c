import Bytes
import Cards
import Payments
import SecretMemory
import Testing

@Suite struct AmountTests {
  /// As `Intl.NumberFormat` of ICU writes them.
  @Test(arguments: [
    (Language.fr, "EUR", "1\u{202F}234,50\u{A0}€"), (.fr, "USD", "1\u{202F}234,50\u{A0}$US"),
    (.fr, "GBP", "1\u{202F}234,50\u{A0}£GB"), (.fr, "CHF", "1\u{202F}234,50\u{A0}CHF"),
    (.en, "EUR", "€1,234.50"), (.en, "USD", "US$1,234.50"), (.en, "GBP", "£1,234.50"),
    (.en, "CHF", "CHF\u{A0}1,234.50"), (.de, "EUR", "1.234,50\u{A0}€"),
    (.de, "USD", "1.234,50\u{A0}$"), (.de, "GBP", "1.234,50\u{A0}£"),
    (.de, "CHF", "1.234,50\u{A0}CHF"),
  ]) func anAmountIsWrittenAsTheLanguageWritesIt(
    _ language: Language, _ code: String, _ text: String
  ) throws {
    let currency = try #require(Currency(code: code))
    #expect(try Money(value: 123_450, currency: currency).text(in: language) == text)
    #expect(try !Money(value: 5, currency: currency).text(in: language).contains("1"))
  }
}

@Suite struct LanguageTests {
  @Test(
    arguments: [(String?, Language)]([
      ("de-AT,de;q=0.9,en;q=0.8", Language.de), ("en-GB", .en), ("it, fr;q=0.3, en;q=0.4", .en),
      ("it", .fr), (nil, .fr), ("*;q=0.5", .fr), ("en;q=0, de;q=0.1", .de), (";;,,q=", .fr),
    ])) func theBrowserSaysWhichOne(_ header: String?, _ language: Language)
  {
    #expect(Language.preferred(header, among: [.fr, .en, .de]) == language)
  }
}

@Suite struct PaymentRulesTests {
  private static func payment() -> Payment {
    var payment = Payment(
      id: "pp_1", address: "a", merchant: "shop", reference: "order", amount: 4_990,
      currency: "EUR", returnURL: "https://shop.example/", createdAt: 0, expiresAt: 1_000)
    payment.methods = [.card]
    return payment
  }

  private static func attempt(_ result: Attempt.Result?) -> Attempt {
    var attempt = Attempt(payment: "pp_1", form: "f", method: .card, startedAt: 0)
    attempt.result = result
    return attempt
  }

  @Test func oneAttemptAtATime() {
    var payment = Self.payment()
    #expect(payment.mayBegin(at: 0))
    payment.begin(.card)
    #expect(payment.state == .inProgress && !payment.mayBegin(at: 0))
    do {
      let isTrue = !payment.cancel(at: 0) && !payment.expire(at: 5_000)
      #expect(isTrue)
    }
  }

  @Test(arguments: [
    (Attempt.Result.approved, PaymentState.approved), (.pending, .pending), (.unknown, .unknown),
    (.refused, .open), (.unconfirmed, .open), (.down, .open), (.left, .open), (.fault, .open),
  ]) func whatComesOfAnAttempt(_ result: Attempt.Result, _ state: PaymentState) {
    var payment = Self.payment()
    payment.begin(.card)
    let attempt = Self.attempt(result)
    do {
      let isTrue = payment.end(with: attempt, of: [attempt], limit: 5, at: 10)
      #expect(isTrue)
    }
    #expect(payment.state == state)
    #expect((payment.endedAt == nil) == !state.isFinal)
  }

  @Test func theLastTryEndsIt() {
    var payment = Self.payment()
    payment.begin(.card)
    let attempts = [Attempt.Result.refused, .down, .fault, .refused].map(Self.attempt)
    do {
      let isTrue = payment.end(with: attempts[3], of: attempts, limit: 3, at: 10)
      #expect(isTrue)
    }
    #expect(payment.state == .refused)
  }

  @Test func whatWasOfNoUseIsNoTry() {
    var unreached = Self.attempt(.down)
    unreached.hasReachedNobody = true
    #expect(Payment.counted([unreached, Self.attempt(.fault)]) == 0)
    // A token was made: whoever has it refused by what he sends does not go on for ever.
    var fault = Self.attempt(.fault)
    fault.token = "tok_1"
    #expect(Payment.counted([fault, Self.attempt(.down)]) == 2)
    let left = (0..<5).map { _ in Self.attempt(.left) }
    #expect(Payment.counted(Array(left.prefix(2))) == 0 && Payment.counted(left) == 3)
  }

  @Test(arguments: PaymentState.allCases)
  func thatNothingWasChargedIsSaidWhereItIsCertain(_ state: PaymentState) {
    #expect(
      state.chargesNothing == [.open, .refused, .cancelled, .expired].contains(state))
  }

  @Test func anAttemptThatEndsTooLateLeavesNothingToPay() {
    var payment = Self.payment()
    payment.begin(.card)
    let attempt = Self.attempt(.refused)
    do {
      let isTrue = payment.end(with: attempt, of: [attempt], limit: 5, at: 1_000)
      #expect(isTrue)
    }
    #expect(payment.state == .expired)
  }

  @Test func onlyWhatIsOpenIsSettled() {
    var payment = Self.payment()
    do {
      let isTrue = !payment.settle(approved: true, amount: nil, nil, at: 0)
      #expect(isTrue)
    }
    payment.begin(.card)
    let attempt = Self.attempt(.unknown)
    _ = payment.end(with: attempt, of: [attempt], limit: 5, at: 0)
    do {
      let isTrue = payment.settle(approved: true, amount: 100, attempt, at: 0)
      #expect(isTrue)
    }
    #expect(payment.state == .approved && payment.approvedAmount == 100)
    do {
      let isTrue = !payment.settle(approved: false, amount: nil, attempt, at: 0)
      #expect(isTrue)
    }
  }

  @Test func tenTimesMoreTime() {
    var payment = Self.payment()
    for _ in 0..<10 {
      let isGiven = payment.prolong(at: 0)
      #expect(isGiven)
    }
    let isGiven = payment.prolong(at: 0)
    #expect(!isGiven)
    #expect(payment.expiresAt == 1_000 + 10 * Payment.prolongation)
  }

  @Test func anotherBrowserSeesNoOutcome() {
    var payment = Self.payment()
    payment.begin(.card)
    let attempt = Self.attempt(.approved)
    _ = payment.end(with: attempt, of: [attempt], limit: 5, at: 10)
    func screen(_ isFirst: Bool, _ now: Milliseconds) -> Screen {
      Screen.of(payment, attempt, isParty: isFirst, isOwner: isFirst, hasKept: false, at: now)
    }
    #expect(screen(true, 20) == .approved)
    #expect(screen(false, 20) == .closed)
    #expect(screen(true, 20 + Screen.receiptTime) == .closed)
  }
}

@Suite struct SignatureTests {
  /// Computed with openssl(1): printf '1.{}' | openssl dgst -sha256 -hmac secret
  @Test func itIsHMACOverTimeAndBody() throws {
    let signature = Signature(key: try SecretBytes(copying: Array("secret".utf8).rawSpan))
    let header = try signature.header(Array("{}".utf8), unixSeconds: 1)
    #expect(
      header == "t=1,v1=1122767b193110cfec322b6f199b599edbf608ed087f2d27afb0b97d99523908")
    let url = try signature.returnURL(
      "https://shop.example/o?a=1", payment: "pp_1", state: "approved", unixSeconds: 1)
    #expect(
      url
        == "https://shop.example/o?a=1&payment=pp_1&state=approved&t=1&signature=00fa3d1b750066c3dcba51c5e668aaefac4250325d6d8749f31fb22cbcb676b4"
    )
  }
}
