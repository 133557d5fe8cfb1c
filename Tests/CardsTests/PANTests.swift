import Bytes
import Cards
import SecretMemory
import TestSupport
import Testing

@Suite struct PANTests {
  @Test(arguments: [
    "4970105181818183", "4111111111111111", "4242424242424242", "5555555555554444",
    "378282246310005", "4917300800000000", "6759649826438453", "4970100000000014",
  ])
  func aPublishedTestNumberIsRead(number: String) throws {
    let pan = try parse(number, in: makePool())
    let digits = text(of: pan)
    let last4 = pan.last4
    let bin = pan.bin(digits: 6)
    #expect(digits == number)
    #expect(last4 == String(number.suffix(4)))
    #expect(bin == String(number.prefix(6)))
  }

  @Test(arguments: [
    "4970 1051 8181 8183", "4970-1051-8181-8183", "4970 1051-8181 8183",
    "4-9-7-0-1-0-5-1-8-1-8-1-8-1-8-3",
  ])
  func singleSeparatorsBetweenDigitsAreDropped(written: String) throws {
    let digits = text(of: try parse(written, in: makePool()))
    #expect(digits == "4970105181818183")
  }

  @Test(arguments: [
    "", " ", "4970105181818184", "497010518181818", "4970  105181818183", "4970--105181818183",
    "4970 -105181818183", " 4970105181818183", "4970105181818183 ", "-4970105181818183",
    "4970105181818183-", "4970.1051.8181.8183", "4970/105181818183", "497010518181818a",
    "4970105181818183\u{0}", "4970\u{a0}105181818183", "４970105181818183", "4970105181818183\n",
    "00000000000", "00000000000000000000",
  ])
  func anotherFormIsRefused(written: String) throws {
    let pool = try makePool()
    #expect(throws: CardError.invalidNumber) { _ = try parse(written, in: pool) }
    #expect(pool.slotsInUse == 0)
  }

  @Test func numbersHaveTwelveToNineteenDigits() throws {
    let pool = try makePool()
    for count in 11...20 {
      let isAccepted = (try? parse(number(beginningWith: "6759", count: count), in: pool)) != nil
      #expect(isAccepted == (12...19).contains(count), "\(count) digits")
    }
  }

  @Test func noBINIsShownBelowFifteenDigits() throws {
    let pool = try makePool()
    let short = try parse(number(beginningWith: "6759", count: 14), in: pool).bin(digits: 6)
    let long = try parse(number(beginningWith: "675900", count: 15), in: pool).bin(digits: 6)
    #expect(short == nil)
    #expect(long == "675900")
  }

  /// PCI SSC FAQ 1091: eight digits of sixteen or more, six of fifteen.
  @Test(arguments: [(12, 0, 0), (14, 0, 0), (15, 6, 6), (16, 6, 8), (19, 6, 8)])
  func eightDigitsAreShownOfLongNumbersOnly(count: Int, six: Int, eight: Int) throws {
    let pool = try makePool()
    let written = number(beginningWith: "67590012", count: count)
    let pan = try parse(written, in: pool)
    let bins = [pan.bin(digits: 6), pan.bin(digits: 8)]
    #expect(bins == [six, eight].map { $0 == 0 ? nil : String(written.prefix($0)) })
  }

  @Test func changingOneDigitIsNoticed() throws {
    let pool = try makePool()
    let number = Array("4970105181818183".utf8)
    for index in number.indices {
      var wrong = number
      wrong[index] = wrong[index] == UInt8(ascii: "9") ? UInt8(ascii: "0") : wrong[index] + 1
      let isAccepted = (try? parse(String(decoding: wrong, as: UTF8.self), in: pool)) != nil
      #expect(!isAccepted)
    }
  }

  @Test func numbersAreComparedWhole() throws {
    let pool = try makePool()
    let pan = try parse("4970105181818183", in: pool)
    let same = try parse("4970 1051 8181 8183", in: pool)
    let other = try parse("4970100000000014", in: pool)
    let longer = try parse(number(beginningWith: "4970105181818183", count: 19), in: pool)
    let results = (pan.isEqual(to: same), pan.isEqual(to: other), pan.isEqual(to: longer))
    #expect(results == (true, false, false))
  }

  @Test func aStoredNumberHasNoSeparators() throws {
    let pool = try makePool()
    let plain = Array("4970105181818183".utf8)
    let spaced = Array("4970 1051 8181 8183".utf8)
    let digits = text(of: try stored(plain, in: pool))
    #expect(digits == "4970105181818183")
    #expect(throws: CardError.invalidNumber) { _ = try stored(spaced, in: pool) }
  }

  /// It was stored when its range had no check digits.
  @Test func aStoredNumberIsReadWhateverItsCheckDigit() throws {
    let pool = try makePool()
    let digits = text(of: try stored(Array("6222222222222223".utf8), in: pool))
    #expect(digits == "6222222222222223")
    for wrong in ["62222222222", "62222222222222222222", ""] {
      #expect(throws: CardError.invalidNumber) { _ = try stored(Array(wrong.utf8), in: pool) }
    }
  }

  private func stored(_ digits: [UInt8], in pool: SecretPool) throws -> PAN {
    guard let slot = pool.lease() else { throw PoolIsEmpty() }
    return try PAN(fromStored: digits.rawSpan, slot: slot)
  }

  @Test func aNumberGivesItsSlotBackWhenItEnds() throws {
    let pool = try makePool()
    do {
      let pan = try parse("4970105181818183", in: pool)
      let inUse = pool.slotsInUse
      #expect(inUse == 1)
      _ = pan.count
    }
    #expect(pool.slotsInUse == 0)
  }

  @Test func whateverIsAcceptedIsWhatWasWrittenWithoutSeparators() throws {
    let pool = try makePool()
    var random = SeededGenerator(seed: 3)
    let alphabet = Array("0123456789  --.x\u{0}".utf8)
    var acceptedCount = 0
    for _ in 0..<20_000 {
      var written = Array("4970 1051-8181 8183".utf8)
      for _ in 0...Int.random(in: 0...2, using: &random) {
        let index = Int.random(in: 0..<written.count, using: &random)
        let byte = alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
        if Bool.random(using: &random) { written[index] = byte } else { written.remove(at: index) }
      }
      let string = String(decoding: written, as: UTF8.self)
      guard let pan = try? parse(string, in: pool) else { continue }
      acceptedCount += 1
      let digits = text(of: pan)
      #expect(digits == string.filter { $0 != " " && $0 != "-" })
    }
    #expect(acceptedCount > 500)
  }
}
