import JSON
import SecretMemory

/// Looks for a card number in an answer, however it is written.
///
/// Only digits count: whatever stands between them (spaces, hyphens, quotes, a whole JSON structure)
/// is passed over, so that neither separators nor a number cut into pieces hide it. The text is
/// searched as it stands, as what its strings mean once unescaped, and as what its numbers mean
/// once their exponents are worked out. That finds a number in other text too, with a probability
/// that is of no account; the price of a false alarm is an answer without details.
///
/// Not found is a number that was encrypted, hashed or encoded (base 64): declared fields have a
/// pattern for that reason too.
struct CardNumberSearch: ~Escapable {
  private let digits: RawSpan
  /// Bit `i`: the last `i` digits that were given are the first `i` of the card number. Bit 0 is
  /// always set.
  private var prefixes: UInt32 = 1
  private(set) var isFound = false

  /// - Parameter digits: 12 to 19 ASCII digits, lent by secret memory.
  @_lifetime(copy digits)
  private init(_ digits: RawSpan) {
    precondition((1...31).contains(digits.byteCount), "a card number fits in the prefixes' bits")
    self.digits = digits
  }

  /// Whether `text` holds the card number as it stands.
  static func isIn(_ text: RawSpan, digits: RawSpan) -> Bool {
    var search = CardNumberSearch(digits)
    for offset in text.byteOffsets {
      search.take(text.byte(offset))
    }
    return search.isFound
  }

  /// Whether a JSON text holds the card number in any of its spellings.
  static func isIn(_ text: RawSpan, parsed tape: JSONTape, digits: RawSpan) -> Bool {
    if isIn(text, digits: digits) { return true }
    var values = CardNumberSearch(digits)
    values.takeAll(tape.root, in: tape, text, withNames: false)
    if values.isFound { return true }
    var all = CardNumberSearch(digits)
    all.takeAll(tape.root, in: tape, text, withNames: true)
    return all.isFound
  }

  /// Takes the next byte of whatever is searched.
  private mutating func take(_ byte: UInt8) {
    guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return }
    var next: UInt32 = 1
    for index in 0..<digits.byteCount {
      let expected = digits.byte(index)
      let continues = (prefixes >> UInt32(index)) & (byte == expected ? 1 : 0)
      next |= continues << UInt32(index + 1)
    }
    prefixes = next
    if next & (1 << UInt32(digits.byteCount)) != 0 { isFound = true }
  }

  private mutating func takeAll(
    _ node: JSONTape.Node, in tape: JSONTape, _ text: RawSpan, withNames: Bool
  ) {
    switch node.kind {
    case .object:
      for member in tape.members(of: node) {
        if withNames { tape.forEachByte(ofNameOf: member, in: text) { byte in take(byte) } }
        takeAll(member, in: tape, text, withNames: withNames)
      }
    case .array:
      for element in tape.elements(of: node) {
        takeAll(element, in: tape, text, withNames: withNames)
      }
    case .string:
      tape.forEachByte(of: node, in: text) { byte in take(byte) }
    case .number:
      takeNumber(text.extracting(node.content))
    case .true, .false, .null:
      break
    }
  }

  /// Takes the digits of a number's whole part: `4.97e3` is 4970.
  private mutating func takeNumber(_ number: RawSpan) {
    var exponent = 0
    var exponentSign = 0
    var fractionDigits = 0
    var isPastPoint = false
    for offset in number.byteOffsets {
      let byte = number.byte(offset)
      switch byte {
      case UInt8(ascii: "e"), UInt8(ascii: "E"): exponentSign = 1
      case UInt8(ascii: "-") where exponentSign != 0: exponentSign = -1
      case UInt8(ascii: "."): isPastPoint = true
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        if exponentSign != 0 {
          exponent = min(exponent * 10 + Int(byte - UInt8(ascii: "0")), 1_000)
        } else {
          take(byte)
          if isPastPoint { fractionDigits += 1 }
        }
      default: break
      }
    }
    let zeros = exponent * exponentSign - fractionDigits
    for _ in 0..<min(max(zeros, 0), digits.byteCount) { take(UInt8(ascii: "0")) }
  }
}
