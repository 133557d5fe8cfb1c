import Cards
import Ledgers
import RecordFormat
import Storage
import TestSupport
import Testing

@testable import Administration
@testable import CardStore

@Suite("What store verify makes of its figures")
struct StoreCheckTests {
  private func check(
    damaged: Int = 0, inStore: UInt64 = 5, created: UInt64 = 7, deleted: UInt64 = 2,
    counted: UInt64 = 5, isAtRest: Bool = true, missing: Int? = 0,
    wrong: Int = 0, rows: Int = 0, fileBytes: Int = 8_192
  ) -> StoreCheck {
    var records = CardVerification()
    records.records = 5
    records.damagedCount = damaged
    records.found = [KeyIdentifier(1): 5]
    records.counted = [KeyIdentifier(1): counted]
    records.missingFromIndex = missing
    records.wrongInIndex = wrong
    var answers = IdempotencyVerifier.Result()
    answers.damagedCount = rows
    return StoreCheck(
      records: records, rows: answers, inStore: inStore, created: created, deleted: deleted,
      isAtRest: isAtRest,
      fileBytes: fileBytes, neededBytes: 8_192,
      isFileComplete: fileBytes >= 8_192)
  }

  private func names(_ check: StoreCheck) -> [String] { check.findings.map(\.name) }

  @Test("all is well when records, log and counts agree")
  func intact() {
    #expect(check().isIntact)
    #expect(names(check()).isEmpty)
  }

  @Test("each thing that is wrong has its finding")
  func findings() {
    #expect(names(check(damaged: 1)) == ["records-damaged"])
    #expect(names(check(inStore: 4)) == ["records-miscounted"])
    #expect(names(check(created: 1, deleted: 2)) == ["records-miscounted"])
    #expect(names(check(counted: 6)) == ["key-miscounted"])
    #expect(names(check(fileBytes: 4_096)) == ["file-truncated"])
    #expect(names(check(rows: 1)) == ["rows-damaged"])
    #expect(names(check(wrong: 1)) == ["index-damaged"])
    #expect(!check(damaged: 1).isIntact)
    #expect(!check(wrong: 1).isIntact)
  }

  @Test("counts of keys are not compared while cards come and go")
  func busy() {
    #expect(names(check(counted: 6, isAtRest: false)).isEmpty)
  }

  @Test("an index that is behind is told, and is no damage")
  func index() {
    #expect(names(check(missing: 3)) == ["index-behind"])
    #expect(check(missing: 3).isIntact)
    #expect(names(check(missing: nil)).isEmpty)
    #expect(names(check(missing: 3, wrong: 1)) == ["index-damaged"])
  }

  @Test("cards with two tokens are told, and are no damage")
  func secondTokens() throws {
    var check = check()
    let (older, newer) = (
      try #require(Token("tok_01kax3zv5ye8bvkp2mszn9fqxw")),
      try #require(Token("tok_01kax3zv5ye8bvkp2mszn9fqxx"))
    )
    check.records?.secondTokenCount = 1
    check.records?.secondTokens = [SecondToken(older: older, newer: newer)]
    #expect(names(check) == ["second-tokens"])
    #expect(check.isIntact)
    let document = String(decoding: check.document, as: UTF8.self)
    #expect(
      document.contains(
        #""second_tokens":1,"second_token_pairs":[{"older":"\#(older.text)","newer":"\#(newer.text)"}]"#
      ))
  }

  @Test("records that do not open and that the index has lost are told with them")
  func leftOut() {
    var check = check(damaged: 2)
    #expect(check.findings[0].detail == "2 records do not open")
    check.records?.leftOutOfIndex = 1
    #expect(
      check.findings[0].detail.hasSuffix(
        "index.mdb has lost 1 of them, whose cards would get a second token"))
  }

  @Test("of a damaged page nothing else is said, and that names it")
  func page() {
    let check = StoreCheck(damage: .damaged(file: "/store/cards.mdb", page: 17))
    #expect(names(check) == ["file-damaged"])
    #expect(check.findings[0].detail.hasPrefix("page 17 of /store/cards.mdb is damaged"))
    #expect(!check.isIntact)
  }
}
