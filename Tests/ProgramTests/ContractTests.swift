import TestNetwork
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// The successes of the contract, and the errors of tokenize and delete.
  @Suite(.stage) struct ContractTests {
    @Test func aNewCardGetsAViewWithEveryMemberOfTheContract() async throws {
      let answer = try await Stage.current.ask(.tokenize(TestCard.visaOfFrance))
      expect(answer, 201)
      let token = try #require(answer["token"])
      let created = try #require(answer["created_at"])
      #expect(token.wholeMatch(of: #/tok_[0-7][0-9a-hjkmnp-tv-z]{25}/#) != nil)
      #expect(created.wholeMatch(of: #/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/#) != nil)
      #expect(
        answer.body == """
          {"token":"\(token)","brand":"visa","brands":["visa","cb"],"preferred_brand":null,\
          "bin":"497010","last4":"8183","exp_month":12,"exp_year":2035,"created_at":"\(created)"}
          """)
    }

    @Test(arguments: [
      (TestCard.visa, "visa"), (TestCard.visaElectron, "visa_electron"),
      (TestCard.mastercard, "mastercard"), (TestCard.maestro, "maestro"), (TestCard.amex, "amex"),
    ])
    func eachBrandIsToldFromTheNumber(number: String, brand: String) async throws {
      let answer = try await Stage.current.ask(.tokenize(number))
      expect(answer, 201)
      #expect(answer["brand"] == brand)
      #expect(answer["last4"] == String(number.suffix(4)))
      #expect(answer["bin"] == String(number.prefix(6)))
    }

    @Test func theSameCardAgainIsTheSameTokenWithTheLaterExpiryAndTheGivenBrand() async throws {
      let wire = try await Stage.current.connect()
      let card = "4970100000000014"
      let first = try await wire.ask(.tokenize(card, month: 6, year: 2034))
      expect(first, 201)
      let earlier = try await wire.ask(
        .tokenize("4970 1000-0000 0014", month: 5, year: 2034, more: #","preferred_brand":"cb""#))
      expect(earlier, 200)
      #expect(earlier["token"] == first["token"])
      #expect(earlier["exp_month"] == "6")
      #expect(earlier["preferred_brand"] == "cb")
      let later = try await wire.ask(.tokenize(card, month: 1, year: 2035))
      expect(later, 200)
      #expect(later["exp_month"] == "1" && later["exp_year"] == "2035")
      #expect(later["preferred_brand"] == "cb", "a brand that was chosen stays")
    }

    @Test func twoCustomersOfOneCardHaveATokenEachAndDeletingOneLeavesTheOther() async throws {
      let wire = try await Stage.current.connect()
      let card = "4242424242424242"
      let one = try await wire.ask(.tokenize(card, more: #","customer":"c-1""#))
      let two = try await wire.ask(.tokenize(card, more: #","customer":"c-2""#))
      let none = try await wire.ask(.tokenize(card))
      let tokens = [one, two, none].compactMap { $0["token"] }
      #expect(Set(tokens).count == 3)
      expect(try await wire.ask(.delete(tokens[0])), 204)
      expect(try await wire.ask(.delete(tokens[0])), 404, "token-not-found")
      let again = try await wire.ask(.tokenize(card, more: #","customer":"c-2""#))
      expect(again, 200)
      #expect(again["token"] == tokens[1])
    }

    @Test func aDeletedCardThatComesBackGetsAnotherToken() async throws {
      let wire = try await Stage.current.connect()
      let first = try await wire.ask(.tokenize("5105105105105100"))
      expect(try await wire.ask(.delete(first["token"] ?? "")), 204)
      let second = try await wire.ask(.tokenize("5105105105105100"))
      expect(second, 201)
      #expect(second["token"] != first["token"])
    }

    @Test func aTokenInPlaceOfTheNumberIsLookedAtAndRenewed() async throws {
      let wire = try await Stage.current.connect()
      let card = "4970100000000014"
      let renewing = #","customer":"c-renewing""#
      let first = try await wire.ask(.tokenize(card, month: 6, year: 2034, more: renewing))
      expect(first, 201)
      let token = try #require(first["token"])
      let looked = try await wire.ask(.tokenize(body: #"{"token":"\#(token)"}"#))
      expect(looked, 200)
      #expect(looked.body == first.body)
      let renewed = try await wire.ask(
        .tokenize(
          body: #"{"token":"\#(token)","exp_month":2,"exp_year":2036,"preferred_brand":"cb"}"#))
      expect(renewed, 200)
      #expect(renewed["exp_month"] == "2" && renewed["exp_year"] == "2036")
      #expect(renewed["preferred_brand"] == "cb" && renewed["token"] == token)
      let again = try await wire.ask(.tokenize(card, month: 6, year: 2034, more: renewing))
      #expect(again.status == 200 && again.body == renewed.body)
      let pulled = try await Stage.current.ask(.pull(token), as: "acquirer")
      #expect(
        pulled.body == """
          {"number":"\(card)","exp_month":2,"exp_year":2036,"preferred_brand":"cb"}
          """)
      let other = try await Stage.current.ask(
        .tokenize(body: #"{"token":"\#(token)"}"#), as: "other-shop")
      expect(other, 404, "token-not-found")
      for member in [#""number":"\#(card)""#, #""customer":"c-1""#] {
        let refused = try await wire.ask(.tokenize(body: #"{"token":"\#(token)",\#(member)}"#))
        expect(refused, 422, "unknown-member")
      }
      let log = try Stage.current.cadenas("audit", "show", "--token", token, "--format", "json")
      #expect(log.ranges(of: #""operation":"tokenize","merchant":"shop""#).count >= 4)
      #expect(log.ranges(of: #""outcome":"updated""#).count == 2)
    }

    @Test func whatIsNoCardNumberMayNameACustomerOrAPayment() async throws {
      let wire = try await Stage.current.connect()
      let token = try await Stage.current.token(of: TestCard.visa)
      for (index, name) in [
        "57124242-5051-41cc-917f-9acae01f5057", "47223179-" + "9330-4259-b66c-f2db26efb20c",
        "20261129153012", "123-1234567-1234567", "1795459405000123", "665f1b2ac3d4e5f607182930",
      ].enumerated() {
        let taken = try await wire.ask(.tokenize(TestCard.visa, more: #","customer":"\#(name)""#))
        #expect([200, 201].contains(taken.status), "\(name): \(taken.body)")
        let paid = try await wire.ask(
          .push(token, amount: 100, more: #","reference":"\#(name)""#, key: "named-\(index)"))
        expect(paid, 200)
      }
    }

    @Test func theValueOfANumberCountsAndNotItsWriting() async throws {
      let wire = try await Stage.current.connect()
      let card = #"{"number":"\#(TestCard.visa)","exp_month":12.0,"exp_year":2.035e3}"#
      let taken = try await wire.ask(.tokenize(body: card, key: "written"))
      #expect([200, 201].contains(taken.status) && taken["exp_year"] == "2035")
      let plain = try await wire.ask(.tokenize(TestCard.visa, key: "written"))
      #expect(plain.body == taken.body && plain.status == taken.status)
      let token = try #require(taken["token"])
      let amount = #"{"acquirer":"credit-du-nord","amount":{"value":4.99e3,"currency":"EUR"}}"#
      expect(try await wire.ask(.push(token, body: amount, key: "written-too")), 200)
    }

    @Test(arguments: RefusedCard.all)
    func aCardThatCannotBeTakenIsRefusedByName(_ refused: RefusedCard) async throws {
      let answer = try await Stage.current.ask(.tokenize(body: refused.body))
      expect(answer, 422, refused.problem, pointer: refused.pointer)
    }

    @Test func nothingThatWasSentComesBackInAnError() async throws {
      let wire = try await Stage.current.connect()
      for body in [
        #"{"number":"4970105181818180","exp_month":12,"exp_year":2035}"#,
        #"{"number":"4970105181818183","exp_month":12,"exp_year":2035,"4970105181818183":1}"#,
        #"{"number":"4970105181818183","exp_month":"4970105181818183","exp_year":2035}"#,
        #"{"number":"4970105181818183","exp_month":12,"exp_year":2035,"cvc":"987"}"#,
        #"{"number":"4970105181818183","#,
      ] {
        let answer = try await wire.ask(.tokenize(body: body))
        #expect(answer.status >= 400)
        let everything = answer.body + answer.fields.values.joined(separator: " ")
        #expect(!everything.contains("49701051818") && !everything.contains("987"))
      }
    }

    @Test func aThousandRequestsAtOnceWithOneCardGiveOneToken() async throws {
      let stage = try Stage.current
      let request = WireRequest.tokenize("5200828282828210")
      let connections = 100
      let each = 10
      let answers = try await withThrowingTaskGroup(of: [WireAnswer].self) { group in
        for _ in 0..<connections {
          group.addTask {
            let wire = try await stage.connect()
            try await wire.send(String(repeating: request.text, count: each))
            var answers: [WireAnswer] = []
            for _ in 0..<each { answers.append(try await wire.answer()) }
            await wire.close()
            return answers
          }
        }
        return try await group.reduce(into: []) { $0 += $1 }
      }
      #expect(answers.count == connections * each)
      #expect(answers.allSatisfy { [200, 201].contains($0.status) })
      #expect(answers.count { $0.status == 201 } == 1)
      #expect(Set(answers.map { $0["token"] }).count == 1)
    }
  }
}

/// A tokenize request that is JSON and is refused.
struct RefusedCard: Sendable, CustomTestStringConvertible {
  let body: String
  let problem: String
  var pointer: String?

  var testDescription: String { body }

  private init(_ members: String, _ problem: String, _ pointer: String? = nil) {
    body = "{\(members)}"
    self.problem = problem
    self.pointer = pointer
  }

  private static let number = #""number":"4970105181818183""#
  private static let expiry = #""exp_month":12,"exp_year":2035"#

  static let all =
    [
      RefusedCard(#""number":"4970105181818184",\#(expiry)"#, "invalid-card-number", "/number"),
      RefusedCard(#""number":"49701051818",\#(expiry)"#, "invalid-card-number", "/number"),
      RefusedCard(#""number":"49701051818181830000",\#(expiry)"#, "invalid-card-number", "/number"),
      RefusedCard(#""number":"4970105181818l83",\#(expiry)"#, "invalid-card-number", "/number"),
      RefusedCard(#""number":"4970  1051 8181 8183",\#(expiry)"#, "invalid-card-number", "/number"),
      RefusedCard(#""number":"-4970105181818183",\#(expiry)"#, "invalid-card-number", "/number"),
      RefusedCard(#""number":"",\#(expiry)"#, "invalid-card-number", "/number"),
      RefusedCard(#""number":"\#(TestCard.discover)",\#(expiry)"#, "unsupported-brand", "/number"),
      RefusedCard(#""number":4970105181818183,\#(expiry)"#, "invalid-member", "/number"),
      RefusedCard(expiry, "missing-member", "/number"),
      RefusedCard(#""number":null,\#(expiry)"#, "missing-member", "/number"),
      RefusedCard(#"\#(number),"exp_year":2035"#, "missing-member", "/exp_month"),
      RefusedCard(#"\#(number),"exp_month":12"#, "missing-member", "/exp_year"),
      RefusedCard(#"\#(number),"exp_month":13,"exp_year":2035"#, "invalid-member", "/exp_month"),
      RefusedCard(#"\#(number),"exp_month":0,"exp_year":2035"#, "invalid-member", "/exp_month"),
      RefusedCard(#"\#(number),"exp_month":"12","exp_year":2035"#, "invalid-member", "/exp_month"),
      RefusedCard(#"\#(number),"exp_month":12.5,"exp_year":2035"#, "invalid-member", "/exp_month"),
      RefusedCard(#"\#(number),"exp_month":12,"exp_year":35"#, "invalid-member", "/exp_year"),
      RefusedCard(#"\#(number),"exp_month":12,"exp_year":20350"#, "invalid-member", "/exp_year"),
      RefusedCard(#"\#(number),"exp_month":1,"exp_year":2020"#, "card-expired"),
      RefusedCard(#"\#(number),\#(expiry),"holder":"x""#, "unknown-member"),
      RefusedCard(
        #"\#(number),\#(expiry),"preferred_brand":"amex""#, "invalid-member", "/preferred_brand"),
      RefusedCard(#"\#(number),\#(expiry),"customer":"""#, "invalid-member", "/customer"),
      RefusedCard(#"\#(number),\#(expiry),"customer":"a b""#, "invalid-member", "/customer"),
      RefusedCard(
        #"\#(number),\#(expiry),"customer":"c-4970.1051-8181_8183""#, "invalid-member", "/customer"),
      RefusedCard(#"\#(number),\#(expiry),"customer":7"#, "invalid-member", "/customer"),
    ] + sensitive

  private static let sensitive = [
    "cvc", "cvv", "cvv2", "cid", "track1", "track2", "track_data", "pin", "pin_block",
  ].map { name in
    RefusedCard(
      #"\#(number),\#(expiry),"\#(name)":"123""#, "sensitive-authentication-data", "/\(name)")
  }
}
