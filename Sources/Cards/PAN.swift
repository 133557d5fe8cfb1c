internal import Bytes
package import SecretMemory

/// A card number: 12 to 19 digits, in secret memory, whose check digit is right, or which lies in a range of
/// the brand table whose numbers need none.
///
/// It cannot be copied, has no description, and is wiped when it ends. Made only by validating.
package struct PAN: ~Copyable, Sendable {
  /// How many digits a card number has.
  package static let lengths = 12...19

  private let slot: SecretSlot

  /// Takes a slot whose content ``PANBuilder`` has validated.
  init(validated slot: consuming SecretSlot) { self.slot = slot }

  /// Reads a number as people write it: digits, with single spaces or hyphens between them.
  ///
  /// - Parameters:
  ///   - text: ASCII; every other character makes the number invalid.
  ///   - slot: takes the digits; wiped and returned to its pool if the number is invalid.
  /// - Returns: the number, without separators.
  /// - Throws: ``CardError/invalidNumber``.
  package static func parse(
    _ text: RawSpan, into slot: consuming SecretSlot
  ) throws(CardError) -> PAN {
    var builder = PANBuilder(slot: slot)
    for offset in text.byteOffsets { try builder.append(text.byte(offset)) }
    return try builder.finish()
  }

  /// Takes a number from a record, where it stands as digits alone.
  ///
  /// Its check digit was looked at when it was stored, by the brand table of then: one that lay in a range
  /// without check digits stays readable when that range is gone.
  /// - Parameters:
  ///   - digits: ASCII digits without separators.
  ///   - slot: takes the digits.
  /// - Throws: ``CardError/invalidNumber`` for anything but 12 to 19 digits.
  package init(fromStored digits: RawSpan, slot: consuming SecretSlot) throws(CardError) {
    var builder = PANBuilder(slot: slot)
    for offset in digits.byteOffsets {
      guard isDigit(digits.byte(offset)) else { throw .invalidNumber }
      try builder.append(digits.byte(offset))
    }
    self = try builder.finishUnchecked()
  }

  /// The digits in ASCII, lent.
  package var digits: RawSpan {
    @_lifetime(borrow self)
    get { slot.bytes }
  }

  /// How many digits the number has.
  package var count: Int { slot.count }

  /// The first digits, as many as ``shownFirstDigits(of:)`` says; nil where none may be shown.
  package func bin(digits: Int) -> String? {
    let shown = shownFirstDigits(of: digits)
    return shown > 0 ? text(0..<shown) : nil
  }

  /// How many of the first digits may be shown beside the last four to somebody who is shown `most`, 6 or 8:
  /// 8 from 16 digits on, 6 from 15, and none below, where too few would be left unknown.
  ///
  /// - Source: PCI SSC FAQ 1091.
  package func shownFirstDigits(of most: Int) -> Int {
    precondition(most == 6 || most == 8, "a BIN has six or eight digits")
    return count >= 16 ? most : count == 15 ? 6 : 0
  }

  /// The last four digits.
  package var last4: String { text(count - 4..<count) }

  /// Whether both are the same number, in a time that depends on the lengths only.
  package borrowing func isEqual(to other: borrowing PAN) -> Bool {
    constantTimeEqual(digits, other.digits)
  }

  /// The first `length` digits as a number; `length` is at most 12.
  func prefix(length: Int) -> UInt64 {
    precondition((0...12).contains(length), "a prefix is shorter than the shortest number")
    var value: UInt64 = 0
    for offset in 0..<length {
      value = value * 10 + UInt64(slot.bytes.byte(offset) - UInt8(ascii: "0"))
    }
    return value
  }

  private func text(_ range: Range<Int>) -> String {
    unsafe String(unsafeUninitializedCapacity: range.count) { buffer in
      var count = 0
      while count < range.count {
        unsafe buffer[count] = slot.bytes.byte(range.lowerBound + count)
        count += 1
      }
      return count
    }
  }
}

/// Makes a ``PAN`` from bytes that come one by one, for example out of a JSON string with escapes.
package struct PANBuilder: ~Copyable {
  private var slot: SecretSlot
  private var endsWithSeparator = false

  /// - Parameter slot: takes the digits; what it holds is wiped first.
  package init(slot: consuming SecretSlot) {
    precondition(slot.capacity >= PAN.lengths.upperBound, "a slot holds the longest number")
    self.slot = slot
    self.slot.removeAll()
  }

  /// Takes the next character of the number as it was written.
  ///
  /// - Throws: ``CardError/invalidNumber`` as soon as no number can come of it.
  package mutating func append(_ byte: UInt8) throws(CardError) {
    if isDigit(byte) {
      guard slot.count < PAN.lengths.upperBound, slot.append(byte) else { throw .invalidNumber }
      endsWithSeparator = false
    } else {
      guard byte == UInt8(ascii: " ") || byte == UInt8(ascii: "-"), slot.count > 0,
        !endsWithSeparator
      else { throw .invalidNumber }
      endsWithSeparator = true
    }
  }

  /// The number, when all of it has been given.
  ///
  /// - Parameter brands: tells the ranges whose numbers need no check digit; nil where every number needs one.
  /// - Returns: the number, without separators.
  /// - Throws: ``CardError/invalidNumber``.
  package consuming func finish(by brands: BrandTable? = nil) throws(CardError) -> PAN {
    let isChecked = isLuhnValid(slot.bytes)
    let pan = try finishUnchecked()
    if isChecked { return pan }
    guard let brands, brands.needsNoCheckDigit(pan) else { throw .invalidNumber }
    return pan
  }

  /// The same, whatever its check digit.
  fileprivate consuming func finishUnchecked() throws(CardError) -> PAN {
    guard !endsWithSeparator, slot.count >= PAN.lengths.lowerBound else { throw .invalidNumber }
    return PAN(validated: slot)
  }
}

/// Whether the last digit is the check digit of those before it.
///
/// - Source: ISO/IEC 7812-1, annex B.
func isLuhnValid(_ digits: RawSpan) -> Bool {
  var sum = 0
  var isDoubled = false
  for offset in digits.byteOffsets.reversed() {
    let digit = Int(digits.byte(offset) - UInt8(ascii: "0"))
    let weighted = isDoubled ? digit * 2 : digit
    sum += weighted > 9 ? weighted - 9 : weighted
    isDoubled.toggle()
  }
  return sum % 10 == 0
}
