import Bytes
import JSON

/// Looks for a card number, or for a piece of one, however it is written.
///
/// Only digits count: whatever stands between them (spaces, hyphens, quotes, a whole JSON structure)
/// is passed over, so that neither separators nor a number cut into pieces hide it. An answer is
/// searched as it stands, as what its strings mean once unescaped, and as what its numbers mean
/// once their exponents are worked out; each forwards and backwards. That finds a number in other
/// text too, with a probability that is of no account; the price of a false alarm is an answer
/// without details.
///
/// Not found is a number that was encrypted, hashed or encoded (base 64, letters for digits), or put
/// in another order on purpose: declared fields have a pattern for that reason too, and the rest is
/// in the threat model.
struct CardNumberSearch: ~Escapable {
  /// How many consecutive digits of a card number are a piece of it. Eight may be shown.
  /// - Source: ISO/IEC 7812-1 (BIN of eight digits), PCI SSC FAQ 1091.
  static let piece = 9

  private let digits: RawSpan
  /// Bit `i`: the last `i` digits that were given are the first `i` of what is looked for. Bit 0 is
  /// always set.
  private var forwards: UInt32 = 1
  /// The same for what is looked for from its end to its beginning.
  private var backwards: UInt32 = 1
  private(set) var isFound = false

  /// - Parameter digits: 9 to 19 ASCII digits, lent by secret memory.
  @_lifetime(copy digits)
  private init(_ digits: RawSpan) {
    precondition((1...31).contains(digits.byteCount), "a card number fits in the bits")
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
  static func isIn(_ document: JSONDocument, digits: RawSpan) -> Bool {
    if isIn(document.text, digits: digits) { return true }
    var values = CardNumberSearch(digits)
    values.takeAll(document.root, in: document, withNames: false)
    if values.isFound { return true }
    var all = CardNumberSearch(digits)
    all.takeAll(document.root, in: document, withNames: true)
    return all.isFound
  }

  /// Whether `text`, a member of an answer, holds ``piece`` or more consecutive digits of the number.
  static func isPieceIn(_ text: RawSpan, digits: RawSpan) -> Bool {
    for start in 0...max(digits.byteCount - piece, 0) {
      let end = min(start + piece, digits.byteCount)
      var search = CardNumberSearch(digits.extracting(start..<end))
      for offset in text.byteOffsets { search.take(text.byte(offset)) }
      if search.isFound { return true }
    }
    return false
  }

  /// Takes the next byte of whatever is searched.
  private mutating func take(_ byte: UInt8) {
    guard isDigit(byte), !isFound else { return }
    forwards = lengths(after: forwards, byte, isBackwards: false)
    backwards = lengths(after: backwards, byte, isBackwards: true)
    if (forwards | backwards) & (1 << UInt32(digits.byteCount)) != 0 { isFound = true }
  }

  /// Looks only at lengths that have been reached, which in most texts are one or two.
  private func lengths(after reached: UInt32, _ byte: UInt8, isBackwards: Bool) -> UInt32 {
    var next: UInt32 = 1
    var left = reached & ~(1 << UInt32(digits.byteCount))
    while left != 0 {
      let length = left.trailingZeroBitCount
      left &= left - 1
      let index = isBackwards ? digits.byteCount - 1 - length : length
      if digits.byte(index) == byte { next |= 2 << UInt32(length) }
    }
    return next
  }

  private mutating func takeAll(
    _ node: JSONDocument.Node, in document: JSONDocument, withNames: Bool
  ) {
    switch node.kind {
    case .object:
      for member in document.members(of: node) {
        if withNames { document.forEachByte(ofNameOf: member) { byte in take(byte) } }
        takeAll(member, in: document, withNames: withNames)
      }
    case .array:
      for element in document.elements(of: node) {
        takeAll(element, in: document, withNames: withNames)
      }
    case .string:
      document.forEachByte(of: node) { byte in take(byte) }
    case .number:
      takeNumber(document.text.extracting(node.content))
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
