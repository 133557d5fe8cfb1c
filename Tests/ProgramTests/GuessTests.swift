import TestNetwork
import TestSupport
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// A merchant's client that looks for the number behind a token: BIN and last four leave 100,000.
  @Suite(.stage) struct GuessTests {
    /// Numbers that begin and end as `TestCard.visa` does, and pass Luhn.
    private static func guesses(_ count: Int) -> [String] {
      var guesses: [String] = []
      var free = 10_000
      while guesses.count < count {
        let text = "411111\(free)"
        for sixth in 0...9 where Luhn.holds("\(text)\(sixth)1111") {
          guesses.append("\(text)\(sixth)1111")
        }
        free += 1
      }
      return guesses
    }

    @Test func theyEndAfterTenNewCardsAndStayEndedAfterACrash() async throws {
      let stage = try Stage.current
      let known = try await stage.ask(.tokenize(TestCard.visa))
      expect(known, 201)
      let guesses = Self.guesses(12)
      for guess in guesses.prefix(9) { expect(try await stage.ask(.tokenize(guess)), 201) }
      func expectEnd() async throws {
        let missed = try await stage.ask(.tokenize(guesses[10]))
        let hit = try await stage.ask(.tokenize(TestCard.visa))
        expect(missed, 429, "quota-exceeded")
        #expect(hit.status == 429 && hit.body == missed.body)
        let seconds = try #require(hit.fields["retry-after"].flatMap { Int($0) })
        #expect((3_000...3_600).contains(seconds))
      }
      try await expectEnd()
      expect(try await stage.ask(.tokenize(TestCard.mastercard)), 201)
      let metrics = try stage.cadenas("metrics")
      #expect(metrics.contains("\ncadenas_same_digits_refused_total 2\n"))
      #expect(metrics.contains("\ncadenas_same_digits_pairs 2\n"))
      #expect(metrics.contains("cadenas_alarms_total{rule=\"card-number-guesses\"} 1\n"))
      _ = try stage.cadenas("audit", "checkpoint")
      try await stage.kill()
      try await stage.start()
      try await expectEnd()
      _ = try stage.cadenas("audit", "verify")
      _ = try stage.cadenas("store", "verify")
      let check = try stage.cadenas("check")
      #expect(
        check.contains("could try the 100000 numbers that fit in 417 days (10 an hour, "),
        "\(check)")
    }
  }
}
