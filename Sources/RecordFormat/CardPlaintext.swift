import Bytes
import Cards
import SecretMemory

/// What a card record seals, padded to one length so that no record tells what it holds.
///
/// Layout, 112 bytes, numbers big-endian, text in ASCII and followed by zero bytes:
///
/// | offset | bytes | content |
/// |---|---|---|
/// | 0 | 1 | length of the card number, 12 to 19 |
/// | 1 | 19 | its digits |
/// | 20 | 1 | month of expiry, 1 to 12 |
/// | 21 | 2 | year of expiry, 2000 to 2099 |
/// | 23 | 1 | flags: bit 0 set if the card is in the fingerprint index, the others 0 |
/// | 24 | 1 | length of the preferred brand, 0 (none) to 15 |
/// | 25 | 15 | its name |
/// | 40 | 1 | length of the customer, 0 (none) to 64 |
/// | 41 | 64 | the customer |
/// | 105 | 7 | zero |
enum CardPlaintext {
  static let byteCount = 112

  private enum Offset {
    static let number = 0
    static let month = 20
    static let year = 21
    static let flags = 23
    static let brand = 24
    static let customer = 40
    static let padding = 105
  }

  private static let isDeduplicated: UInt8 = 1

  /// Writes a card into `scratch`, which is emptied first.
  static func encode(_ card: borrowing StoredCard, into scratch: inout SecretSlot) {
    precondition(scratch.capacity >= byteCount, "scratch holds a whole plaintext")
    scratch.removeAll()
    scratch.put(card.pan.digits, paddedTo: PAN.lengths.upperBound)
    scratch.put(UInt8(card.expiry.month))
    scratch.put(UInt8(card.expiry.year >> 8))
    scratch.put(UInt8(card.expiry.year & 0xFF))
    scratch.put(card.isDeduplicated ? isDeduplicated : 0)
    let brand = card.preferredBrand?.name ?? ""
    scratch.put(brand.utf8Span.span.rawSpan, paddedTo: Brand.longestName)
    let customer = card.customer?.text ?? ""
    scratch.put(customer.utf8Span.span.rawSpan, paddedTo: CustomerReference.longest)
    scratch.putZeros(byteCount - scratch.count)
  }

  /// Reads a card and refuses whatever ``encode(_:into:)`` would not have written.
  static func decode(
    _ plaintext: RawSpan, slot: consuming SecretSlot
  ) throws(RecordError) -> StoredCard {
    guard plaintext.byteCount == byteCount,
      plaintext.extracting(Offset.padding...).isZero,
      plaintext.byte(Offset.flags) & ~isDeduplicated == 0
    else { throw .invalidContent }
    let brandBytes = try field(plaintext, Offset.brand..<Offset.customer)
    let brand = Brand(brandBytes)
    let customerBytes = try field(plaintext, Offset.customer..<Offset.padding)
    let customer = CustomerReference(customerBytes)
    guard brand != nil || brandBytes.isEmpty, customer != nil || customerBytes.isEmpty else {
      throw .invalidContent
    }
    let digits = try field(plaintext, Offset.number..<Offset.month)
    do throws(CardError) {
      return StoredCard(
        pan: try PAN(fromStored: digits, slot: slot),
        expiry: try Expiry(
          month: Int(plaintext.byte(Offset.month)),
          year: Int(plaintext.bigEndian(Offset.year..<Offset.flags))),
        preferredBrand: brand, customer: customer,
        isDeduplicated: plaintext.byte(Offset.flags) == isDeduplicated)
    } catch {
      throw .invalidContent
    }
  }

  /// The text of a field, which is its length, the text, and zero bytes to the field's end.
  @_lifetime(copy plaintext)
  private static func field(
    _ plaintext: RawSpan, _ range: Range<Int>
  ) throws(RecordError) -> RawSpan {
    let field = plaintext.extracting(range)
    let end = 1 + Int(field.byte(0))
    guard end <= field.byteCount, field.extracting(end...).isZero else { throw .invalidContent }
    return field.extracting(1..<end)
  }
}

extension SecretSlot {
  /// Appends a byte for which there is room.
  fileprivate mutating func put(_ byte: UInt8) {
    let fits = append(byte)
    precondition(fits, "scratch holds a whole plaintext")
  }

  /// Appends the length of a text, the text, and zero bytes up to `length` after the first byte.
  fileprivate mutating func put(_ text: RawSpan, paddedTo length: Int) {
    put(UInt8(text.byteCount))
    let fits = append(text)
    precondition(fits && text.byteCount <= length, "a field holds its text")
    putZeros(length - text.byteCount)
  }

  /// Appends zero bytes, 64 at most.
  fileprivate mutating func putZeros(_ count: Int) {
    let zeros = InlineArray<64, UInt8>(repeating: 0)
    let fits = append(zeros.span.rawSpan.extracting(first: count))
    precondition(fits, "scratch holds a whole plaintext")
  }
}
