import AuditLog
import Cards
import Keyring
import RecordFormat
import Storage
import TestSupport
import Testing

@testable import Ledgers
@testable import Tokenization
@testable import VaultCore
@testable import VaultManagement

/// Guesses at the number behind a token: a client knows its BIN and last four digits.
@Suite(.timeLimit(.minutes(30))) struct SameDigitsTests {
  private let house: TestVault

  init() throws { house = try TestVault() }

  /// The `index`-th number that begins with 424242, ends with 4242 and passes Luhn, of those that are
  /// not the published one.
  private static func guess(_ index: Int) -> String {
    // Five digits are free, and the sixth makes the sum right.
    let free = String(100_000 + index + 5_000).dropFirst()
    for sixth in 0...9 where isValid("424242\(free)\(sixth)4242") {
      return "424242\(free)\(sixth)4242"
    }
    return ""
  }

  /// Fifteen digits and their check digit.
  private static func completed(_ digits: String) -> String {
    for check in 0...8 where isValid("\(digits)\(check)") { return "\(digits)\(check)" }
    return "\(digits)9"
  }

  private static func isValid(_ number: String) -> Bool {
    let sum = number.utf8.enumerated().reduce(0) { sum, place in
      let digit = Int(place.element - 0x30) * (place.offset.isMultiple(of: 2) ? 2 : 1)
      return sum + (digit > 9 ? digit - 9 : digit)
    }
    return sum.isMultiple(of: 10)
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

  @Test func `an idempotency key says of ten numbers at most that they are not its first`()
    async throws
  {
    let house = house
    func guess(_ guesses: Range<Int>, as name: String) async throws -> [UInt16] {
      var statuses: [UInt16] = []
      for index in guesses {
        let reply = try house.tokenize(Self.guess(index), key: "order-1", as: name)
        statuses.append(await reply.value.status)
      }
      return statuses
    }
    for (name, first) in [("shop", 1), ("plain-shop", 0)] {
      let created = try await house.tokenize(Number.other, key: "order-1", as: name).value
      #expect(created.status == 201)
      let left = 10 - first
      #expect(try await guess(0..<left, as: name) == Array(repeating: 422, count: left))
      #expect(try await guess(left..<left + 1, as: name) == [429])
      #expect(
        try await house.tokenize(Number.other, key: "order-1", as: name).value.status == 429)
    }
    // Without a key there is nothing to learn where cards are not deduplicated.
    #expect(try await house.tokenize(Number.other, as: "plain-shop").value.status == 201)
    // What is wrong with the rest of a request makes no difference.
    let wrong = Problem(.cardExpired)
    let reply = try house.tokenize(
      Self.guess(50), key: "order-1", wrong: wrong, as: "plain-shop")
    #expect(await reply.value.status == 429)
  }

  /// Pairs in the store, of both kinds.
  private func kept(at milliseconds: Int64) throws -> [Int] {
    let key = try house.vault.keyring.activeFingerprintKey.identifier
    return try DigitRows.Kind.allCases.map { kind in
      var count = 0
      try house.store.read { transaction in
        try DigitRows.forEach(
          kind, under: key, at: UInt64(milliseconds / 1_000), in: transaction
        ) { _, _ in count += 1 }
      }
      return count
    }
  }

  @Test func `rows go when their hour is over`() async throws {
    for number in [Number.visa, Number.other, Number.visaCB, Self.guess(1)] {
      _ = try await house.token(of: number)
      _ = try house.vault.signCheckpoint()
    }
    // Three pairs, one of which has two numbers.
    let written = house.time.milliseconds
    #expect(try kept(at: written) == [2, 3])
    house.time.pass(seconds: 3_601)
    _ = try await house.token(of: Number.mastercard)
    _ = try house.vault.signCheckpoint()
    #expect(try kept(at: written) == [0, 1])
  }

  @Test func `what a clock that was ahead has written has its hour from now on`() async throws {
    house.time.milliseconds += 30 * 86_400_000
    #expect(try await statuses(0..<10).allSatisfy { $0 == 201 })
    _ = try house.vault.signCheckpoint()
    house.time.milliseconds -= 30 * 86_400_000
    try house.reopen()
    #expect(try await statuses(10..<11) == [429])
    _ = try house.vault.signCheckpoint()
    house.time.pass(seconds: 3_600)
    try house.reopen()
    #expect(try await statuses(10..<11) == [201])
  }

  @Test func `rows go also where nothing is counted any more`() async throws {
    #expect(try await statuses(0..<5).allSatisfy { $0 == 201 })
    _ = try house.vault.signCheckpoint()
    let written = house.time.milliseconds
    house.options.digits.perHour = 0
    try house.reopen()
    house.time.pass(seconds: 3_601)
    _ = try await house.token(of: Number.visa)
    _ = try house.vault.signCheckpoint()
    #expect(try kept(at: written) == [0, 0])
  }

  @Test func `what a flood adds to the store is bounded`() async throws {
    var options = TestVault.Options()
    options.slots = 600
    let house = try TestVault(options)
    let blocker = Blocker(try house.store)
    let replies = try (0..<500).map { index in
      try house.tokenize(Self.numbered(index))
    }
    blocker.open()
    for reply in replies { #expect(await reply.value.status == 201) }
    _ = try house.vault.signCheckpoint()
    #expect(try house.vault.digitFigures.pairs == 500)
    let key = try house.vault.keyring.activeFingerprintKey.identifier
    var single = 0
    try house.store.read { transaction in
      try DigitRows.forEach(
        .single, under: key, at: UInt64(house.time.milliseconds / 1_000), in: transaction
      ) { _, _ in single += 1 }
    }
    #expect(single == DigitRows.Kind.single.mostPairs)
  }

  /// A number that shares its digits with none of the others.
  private static func numbered(_ index: Int) -> String {
    completed("4\(10_000 + index)000000\(100 + index % 900)")
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
