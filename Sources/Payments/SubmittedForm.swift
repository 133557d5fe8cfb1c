import Bytes
package import SecretMemory

/// The members of a form that a browser has sent (`application/x-www-form-urlencoded`), those that may be
/// of a card in secret memory.
///
/// Of a member that stands twice the first counts. Names that nobody knows are passed over.
/// - Source: WHATWG URL Standard, 5.1.
package struct SubmittedForm: ~Copyable {
  /// What is no secret, by name, at most ``longestPlain`` bytes each; longer ones are absent.
  package private(set) var plain: [String: String] = [:]
  /// What was typed as number, expiry and code, as UTF-8; nil where the member is absent.
  package private(set) var number: SecretSlot?
  package private(set) var expiry: SecretSlot?
  package private(set) var cvc: SecretSlot?
  /// The name on the card: a number may have been typed there by mistake.
  package private(set) var name: SecretSlot?

  /// Of a plain member's value, in bytes.
  package static let longestPlain = 64
  /// The bytes that a slot for what was typed has to have; what is longer is cut there, and is no number.
  package static let slotBytes = 64

  package static let plainNames: Set<String> = [
    "form", "scheme", "keep", "card", "pay", "method", "cancel", "b_lang", "b_tz", "b_width",
    "b_height", "b_depth", "b_js",
  ]

  /// - Returns: nil where there is no slot left.
  package init?(_ body: RawSpan, slots: SecretPool) {
    var start = 0
    while start < body.byteCount {
      let end = body.firstIndex(of: UInt8(ascii: "&"), in: start..<body.byteCount) ?? body.byteCount
      let equals = body.firstIndex(of: UInt8(ascii: "="), in: start..<end) ?? end
      let value = min(equals + 1, end)..<end
      switch Self.name(in: body, start..<equals) {
      case "number" where number == nil:
        guard let slot = Self.secret(in: body, value, slots) else { return nil }
        number = consume slot
      case "expiry" where expiry == nil:
        guard let slot = Self.secret(in: body, value, slots) else { return nil }
        expiry = consume slot
      case "cvc" where cvc == nil:
        guard let slot = Self.secret(in: body, value, slots) else { return nil }
        cvc = consume slot
      case "name" where name == nil:
        guard let slot = Self.secret(in: body, value, slots) else { return nil }
        name = consume slot
      case let name?
      where (Self.plainNames.contains(name) || name.hasPrefix("scheme-")) && plain[name] == nil
        && plain.count < 32:
        plain[name] = Self.text(in: body, value)
      default: break
      }
      start = end + 1
    }
  }

  package mutating func takeNumber() -> SecretSlot? { number.take() }
  package mutating func takeName() -> SecretSlot? { name.take() }
  package mutating func takeCode() -> SecretSlot? { cvc.take() }

  private static func name(in body: RawSpan, _ range: Range<Int>) -> String? {
    guard range.count <= 40 else { return nil }
    var name = ""
    for offset in range { name.unicodeScalars.append(Unicode.Scalar(body.byte(offset))) }
    return name
  }

  private static func secret(
    in body: RawSpan, _ range: Range<Int>, _ slots: SecretPool
  ) -> SecretSlot? {
    guard var slot = slots.lease() else { return nil }
    var offset = range.lowerBound
    while let byte = nextByte(in: body, &offset, range.upperBound) {
      guard slot.append(byte) else { break }
    }
    return slot
  }

  private static func text(in body: RawSpan, _ range: Range<Int>) -> String? {
    var bytes: [UInt8] = []
    var offset = range.lowerBound
    while let byte = nextByte(in: body, &offset, range.upperBound) {
      guard bytes.count < longestPlain else { return nil }
      bytes.append(byte)
    }
    return String(validating: bytes, as: UTF8.self)
  }

  /// The next byte that is meant; half an escape stands for itself.
  private static func nextByte(in body: RawSpan, _ offset: inout Int, _ end: Int) -> UInt8? {
    guard offset < end else { return nil }
    let byte = body.byte(offset)
    offset += 1
    if byte == UInt8(ascii: "+") { return UInt8(ascii: " ") }
    guard byte == UInt8(ascii: "%"), offset + 1 < end,
      let high = hexadecimalValue(body.byte(offset)),
      let low = hexadecimalValue(body.byte(offset + 1))
    else { return byte }
    offset += 2
    return high << 4 | low
  }
}
