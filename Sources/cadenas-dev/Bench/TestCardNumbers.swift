import SystemCalls

/// Card numbers that pass Luhn, spread over all of Visa's range, in an order that anybody can repeat.
///
/// Of a hundred million of them, hardly two share the first six and the last four digits, as with the
/// cards of a shop: the vault's bound of new cards with the same digits is on while it is measured.
///
/// The first ``filledSize`` of the range belong to `cadenas-dev fill`; runs with new cards share the
/// rest by the time at which they start.
struct TestCardNumbers {
  /// How many digits a number has.
  static let length = 16
  /// How many numbers `fill` has to itself.
  static let filledSize = 100_000_000
  static let rangeSize = 1_000_000_000
  /// What stands between Visa's 4 and the check digit is the index times this, modulo 10^14: the golden
  /// ratio's part of it, which spreads any run of indices evenly, and no multiple of 2 or 5, so that no
  /// two indices give the same number.
  private static let multiplier: UInt64 = 61_803_398_874_989
  private static let modulus: UInt64 = 100_000_000_000_000
  private static let numbersPerMillisecond = 45

  private let first: Int
  private let stride: Int
  private var position: Int

  /// The numbers `offset`, `offset + stride`, … after `first`: with as many offsets as `stride`,
  /// several makers share one range and never give the same number.
  init(first: Int, offset: Int, stride: Int) {
    self.first = first
    self.stride = stride
    position = offset
  }

  /// The numbers of `fill` from the one with this index on.
  init(filledFrom index: Int) {
    self.init(first: index, offset: 0, stride: 1)
  }

  /// A place to start from which nobody has started: it goes on with the clock, by more numbers than
  /// a vault takes in that time, and comes round after five hours.
  static func freshStart() -> Int {
    index(
      Int(SystemClock.unixMilliseconds()) % (1 << 40) * numbersPerMillisecond, from: filledSize)
  }

  /// Where the number `position` numbers after `first` stands in the range. A series that passes the
  /// end goes on after the numbers of `fill`.
  static func index(_ position: Int, from first: Int) -> Int {
    let index = first + position
    guard index >= rangeSize else { return index }
    return filledSize + (index - rangeSize) % (rangeSize - filledSize)
  }

  /// Writes the next number as ASCII digits over the first ``length`` bytes of `buffer`.
  mutating func next(into buffer: inout [UInt8]) {
    precondition(buffer.count >= Self.length, "a number has 16 digits")
    Self.write(Self.index(position, from: first), into: &buffer)
    position += stride
  }

  /// Writes the number with the index `index` in the range.
  static func write(_ index: Int, into buffer: inout [UInt8]) {
    let product = UInt64(index).multipliedFullWidth(by: multiplier)
    var rest = modulus.dividingFullWidth(product).remainder
    buffer[0] = 4
    for index in (1..<15).reversed() {
      buffer[index] = UInt8(rest % 10)
      rest /= 10
    }
    var sum: UInt8 = 0
    for index in 0..<15 {
      // From the right the check digit comes first, so the digits at even places are doubled.
      let doubled = buffer[index] * (index.isMultiple(of: 2) ? 2 : 1)
      sum += doubled > 9 ? doubled - 9 : doubled
      buffer[index] += 0x30
    }
    buffer[15] = 0x30 + (10 - sum % 10) % 10
  }
}
