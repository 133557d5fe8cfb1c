import Cards
import Keyring
import RecordFormat
import Storage
import Testing

@testable import Vault

/// Guesses at the number behind a token: a client knows its BIN and last four digits.
@Suite(.timeLimit(.minutes(5))) struct SameDigitsTests {
  private let house: TestVault

  init() throws { house = try TestVault() }

  /// The `index`-th number that begins with 424242, ends with 4242 and passes Luhn, of those that are
  /// not the published one.
  private static func guess(_ index: Int) -> String {
    // Five digits are free, and the sixth makes the sum right.
    let free = String(100_000 + index + 5_000).dropFirst()
    for sixth in 0...9 {
      let text = "424242\(free)\(sixth)4242"
      let sum = text.utf8.enumerated().reduce(0) { sum, place in
        let digit = Int(place.element - 0x30) * (place.offset.isMultiple(of: 2) ? 2 : 1)
        return sum + (digit > 9 ? digit - 9 : digit)
      }
      if sum.isMultiple(of: 10) { return text }
    }
    return ""
  }

  private func statuses(
    _ guesses: Range<Int>, in house: TestVault? = nil
  ) async throws -> [UInt16] {
    var statuses: [UInt16] = []
    for guess in guesses {
      statuses.append(try await (house ?? self.house).tokenize(Self.guess(guess)).value.status)
    }
    return statuses
  }

  @Test func `past ten new ones every number with these digits gets one answer`() async throws {
    let known = try await house.token(of: Number.other)
    #expect(try await statuses(0..<9) == Array(repeating: 201, count: 9))
    let refused = try await house.tokenize(Self.guess(9)).value
    #expect(refused.status == 429)
    #expect(refused.problem == "quota-exceeded")
    #expect(refused.retryAfterSeconds == 3_600)
    // The known number, the unknown one, one that is wrong otherwise, and one with a key: nothing tells
    // them apart.
    for reply in [
      try house.tokenize(Number.other), try house.tokenize(Self.guess(8)),
      try house.tokenize(Self.guess(11), key: "key-1"),
      try house.tokenize(Self.guess(12), wrong: Problem(.cardExpired)),
    ] {
      #expect(await reply.value == refused)
    }
    // Deleting lowers no count.
    #expect(try await house.delete(known).value.status == 204)
    #expect(try await house.tokenize(Self.guess(9)).value == refused)
    // Other digits and other merchants are not meant.
    #expect(try await house.tokenize(Number.visa).value.status == 201)
    #expect(try await house.tokenize(Number.other, as: "other-shop").value.status == 201)
    // A merchant that does not deduplicate learns nothing by guessing.
    for index in 0..<20 {
      #expect(try await house.tokenize(Self.guess(index), as: "plain-shop").value.status == 201)
    }
    #expect(try house.vault.digitFigures.refused == 6)
    house.time.pass(seconds: 3_600)
    #expect(try await house.tokenize(Self.guess(9)).value.status == 201)
  }

  @Test func `a replay waits as any other request does`() async throws {
    let first = try await house.tokenize(Number.other, key: "key-1").value
    #expect(first.status == 201)
    _ = try await statuses(0..<9)
    #expect(try await house.tokenize(Number.other, key: "key-1").value.status == 429)
    house.time.pass(seconds: 3_600)
    #expect(try await house.tokenize(Number.other, key: "key-1").value == first)
  }

  @Test func `one card of many customers counts once`() async throws {
    for customer in 0..<30 {
      let answer = try await house.tokenize(Number.other, customer: "c-\(customer)").value
      #expect(answer.status == 201)
    }
    // Deleted and stored again, it counts no more than that.
    for _ in 0..<30 {
      let token = try await house.token(of: Number.other)
      #expect(try await house.delete(token).value.status == 204)
    }
    #expect(try await statuses(0..<9) == Array(repeating: 201, count: 9))
    #expect(try await statuses(9..<10) == [429])
  }

  @Test func `guesses that come in one batch are counted one by one`() async throws {
    let blocker = Blocker(try house.store)
    let replies = try (0..<30).map { try house.tokenize(Self.guess($0)) }
    blocker.open()
    var statuses: [UInt16] = []
    for reply in replies { statuses.append(await reply.value.status) }
    #expect(statuses == Array(repeating: 201, count: 10) + Array(repeating: 429, count: 20))
  }

  @Test func `there is an entry and an alarm`() async throws {
    _ = try await statuses(0..<12)
    let entries = try house.entries()
    #expect(
      entries.filter {
        $0.contains("\"operation\":\"tokenize\"") && $0.contains("\"outcome\":\"refused\"")
          && $0.contains("\"reason\":\"same-digits\"")
      }.count == 2)
    #expect(
      entries.filter {
        $0.contains("\"operation\":\"alarm\"") && $0.contains("rule=card-number-guesses")
      }.count == 1)
  }

  @Test(arguments: ["closed", "killed", "sealed"])
  func `counts outlive the process that made them`(_ end: String) async throws {
    #expect(try await statuses(0..<10).allSatisfy { $0 == 201 })
    switch end {
    case "closed": try house.reopen()
    case "killed":
      // A second later, as the service's ticker would.
      try house.vault.tick()
      try house.settle()
      try house.crash()
      try house.open()
    default:
      let keyring = try house.vault.keyring
      try house.vault.seal(actor: "user:ann")
      try house.vault.unseal(with: keyring, actor: "user:ann")
    }
    #expect(try await statuses(10..<11) == [429])
    house.time.pass(seconds: 3_599)
    #expect(try await statuses(10..<11) == [429])
    house.time.pass(seconds: 1)
    #expect(try await statuses(10..<11) == [201])
  }

  @Test func `a rotation of the fingerprint key forgets nothing`() async throws {
    #expect(try await statuses(0..<5).allSatisfy { $0 == 201 })
    _ = try house.vault.rotate(.fingerprint, actor: "user:ann")
    while try house.vault.keyWork.isRunning { try house.settle() }
    #expect(try await statuses(5..<10).allSatisfy { $0 == 201 })
    #expect(try await statuses(10..<11) == [429])
    try house.reopen()
    #expect(try await statuses(10..<11) == [429])
  }

  @Test func `rows go when their hour is over`() async throws {
    func rows() throws -> Int {
      try house.store.read { transaction in
        try DigitRows.all(in: transaction, at: UInt64(house.time.milliseconds / 1_000)).count
      }
    }
    for number in [Number.visa, Number.other, Number.visaCB] {
      _ = try await house.token(of: number)
      _ = try house.vault.signCheckpoint()
    }
    #expect(try rows() == 3)
    // The clock stepped back: they count as rows of now.
    house.time.milliseconds -= 10_000_000
    #expect(try rows() == 3)
    house.time.milliseconds += 10_000_000
    house.time.pass(seconds: 3_601)
    _ = try await house.token(of: Number.mastercard)
    _ = try house.vault.signCheckpoint()
    house.time.milliseconds -= 3_601_000
    #expect(try rows() == 1)
  }

  @Test func `a card that could not be stored counts all the same`() async throws {
    var options = TestVault.Options()
    options.rules.sealBound = 1
    let house = try TestVault(options)
    let known = try await house.tokenize(Number.other).value
    #expect(known.status == 201)
    // The key is used up: what is new is refused, what is known is not, and that is an answer too.
    #expect(try await statuses(0..<9, in: house) == Array(repeating: 503, count: 9))
    #expect(try await statuses(9..<10, in: house) == [429])
    #expect(try await house.tokenize(Number.other).value.status == 429)
  }

  @Test func `a bound of zero counts nothing`() async throws {
    var options = TestVault.Options()
    options.digits = DigitLimits(perHour: 0)
    let house = try TestVault(options)
    #expect(try await statuses(0..<30, in: house).allSatisfy { $0 == 201 })
    #expect(try house.vault.digitFigures.pairs == 0)
  }
}
