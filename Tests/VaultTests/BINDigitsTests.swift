import AccessPolicy
import Cards
import TestSupport
import Testing

@testable import Ledgers
@testable import Tokenization
@testable import VaultCore
@testable import VaultManagement

/// A merchant whose views show eight first digits: what they show, and what is counted.
@Suite(.timeLimit(.minutes(30))) struct BINDigitsTests {
  /// Numbers that pass Luhn, begin with `first` and end with 4242, the `index`-th of them.
  private static func number(_ first: String, _ index: Int) -> String {
    for check in 0...9 {
      let free = 16 - first.utf8.count - 5
      let digits = String(index)
      let filled = String(repeating: "0", count: free - digits.utf8.count) + digits
      let number = "\(first)\(filled)\(check)4242"
      if Luhn.holds(number) { return number }
    }
    return ""
  }

  private let house: TestVault

  init() throws {
    var options = TestVault.Options()
    options.digits.perHour = 1
    house = try TestVault(options)
  }

  private func show(_ digits: Int, generation: UInt64) throws {
    try house.update(
      policy: Cast.makePolicy(generation: generation, shopBINDigits: digits))
  }

  private func status(_ number: String) async throws -> UInt16 {
    try await house.tokenize(number).value.status
  }

  @Test func `the view shows as many digits as the merchant's setting says`() async throws {
    try show(8, generation: 2)
    let eight = try await house.tokenize(Number.visaCB).value
    #expect(eight.text.contains(#""bin":"49701051""#))
    let amex = try await house.tokenize(Number.amex).value
    #expect(amex.text.contains(#""bin":"378282""#), "fifteen digits show six")
    let other = try await house.tokenize(Number.visaCB, as: "other-shop").value
    #expect(other.text.contains(#""bin":"497010""#))
    try show(6, generation: 3)
    house.time.pass(seconds: 3_600)
    let six = try await house.tokenize(Number.visaCB).value
    #expect(six.status == 200)
    #expect(six.text.contains(#""bin":"497010""#))
  }

  @Test func `numbers are counted by the eight digits that are shown`() async throws {
    try show(8, generation: 2)
    #expect(try await status(Self.number("42424200", 1)) == 201)
    #expect(try await status(Self.number("42424200", 2)) == 429, "the same eight")
    #expect(try await status(Self.number("42424200", 1)) == 429, "the known one too")
    #expect(try await status(Self.number("42424201", 1)) == 201, "the same six alone")
    house.time.pass(seconds: 3_600)
    #expect(try await status(Self.number("42424200", 2)) == 201)
  }

  @Test(arguments: [(6, 8), (8, 6)])
  func `a change of the setting begins at nothing for nobody`(before: Int, after: Int) async throws
  {
    try show(before, generation: 2)
    #expect(try await status(Self.number("42424200", 1)) == 201)
    try show(after, generation: 3)
    #expect(try await status(Self.number("42424200", 2)) == 429)
    try house.vault.tick()
    try house.reopen()
    try show(after, generation: 4)
    #expect(try await status(Self.number("42424200", 2)) == 429, "after a restart too")
    house.time.pass(seconds: 3_600)
    #expect(try await status(Self.number("42424200", 2)) == 201)
  }
}
