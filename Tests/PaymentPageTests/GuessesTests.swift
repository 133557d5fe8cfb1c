import Bytes
import Cards
import Payments
import SecretMemory
import Testing

@testable import ConfigurationReading
@testable import PaymentPage

@Suite struct GuessesTests {
  private let pool: SecretPool
  private let guesses: Guesses

  init() throws {
    pool = try SecretPool(slots: 4, slotSize: SubmittedForm.slotBytes)
    var bounds = PageConfiguration.Bounds()
    bounds.byCard = 2
    bounds.byBIN = 3
    guesses = try Guesses(bounds)
  }

  private func type(_ digits: String, at now: Milliseconds = 0) throws -> Guesses.Admission {
    guard let slot = pool.lease() else { throw Stopped() }
    let card = try PAN(fromStored: Array(digits.utf8).rawSpan, slot: slot)
    return guesses.admit(card, at: now)
  }

  private func guess(_ admission: Guesses.Admission) throws -> Guesses.Guess {
    guard case .admitted(let guess) = admission else { throw Stopped() }
    return guess
  }

  private func isStopped(_ admission: Guesses.Admission, by bound: Guesses.Bound) -> Bool {
    guard case .refused(let found) = admission else { return false }
    return found == bound
  }

  private struct Stopped: Error {}

  @Test func whatBeganNothingIsNotCounted() throws {
    for _ in 0..<10 { guesses.giveBack(try guess(type("4970105181818183"))) }
    _ = try guess(type("4970105181818183"))
    _ = try guess(type("4970105181818183"))
    #expect(try isStopped(type("4970105181818183"), by: .card))
  }

  @Test func aTokenAndItsNumberCountAsOne() throws {
    guesses.learn("tok_1", of: try guess(type("4970105181818183")))
    _ = try guess(guesses.admit(token: "tok_1", at: 1))
    #expect(isStopped(guesses.admit(token: "tok_1", at: 2), by: .card))
    #expect(try isStopped(type("4970105181818183", at: 3), by: .card))
    // One that the page does not know counts by itself.
    _ = try guess(guesses.admit(token: "tok_2", at: 4))
  }

  @Test func aCardThatItsBINStopsIsNotCounted() throws {
    for digits in ["4111111111111111", "4111111145551143", "4111111111111111"] {
      _ = try guess(type(digits))
    }
    #expect(try isStopped(type("4111111145551143"), by: .bin))
    // A minute later: it has one left of two.
    _ = try guess(type("4111111145551143", at: 60_000))
    #expect(try isStopped(type("4111111145551143", at: 60_001), by: .card))
  }

  /// Challenges that nobody finishes leave room for those who pay.
  @Test func codesOfThoseAtTheBankDoNotFillTheSlots() throws {
    let pool = try SecretPool(slots: HeldCodes.mostAtBank + 8, slotSize: 16)
    let codes = HeldCodes()
    for attempt in 0..<Int64(HeldCodes.mostAtBank + 64) {
      guard let slot = pool.lease() else { throw Stopped() }
      codes.keep(slot, of: attempt, at: 0)
      codes.goToBank(attempt)
    }
    #expect(codes.count == HeldCodes.mostAtBank && codes.has(0))
  }

  @Test func whatIsDoneOnceAMinute() {
    let looks = OnceAMinute()
    #expect(looks.isDue("tok_1", at: 0) && looks.isDue("tok_2", at: 0))
    #expect(!looks.isDue("tok_1", at: 59_999))
    #expect(looks.isDue("tok_1", at: 60_000))
  }
}
