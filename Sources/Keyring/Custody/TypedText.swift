/// Bytes as characters that people can type, with checks that say where a mistake is.
///
/// The digits are Crockford's of base 32, in upper case; reading takes lower case too, `O` for `0`,
/// and `I` and `L` for `1`.
enum TypedText {
  /// How many digits of data a group has.
  static let groupDataDigits = 5
  /// How many characters a group has, the check included.
  static let groupDigits = 6
  /// How many groups can be told from each other by their place.
  static let mostGroups = 32

  private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)

  /// The digit of a character; nil for one that is none.
  static func digit(_ character: UInt8) -> UInt8? {
    let upper = (0x61...0x7A).contains(character) ? character - 0x20 : character
    switch upper {
    case UInt8(ascii: "O"): return 0
    case UInt8(ascii: "I"), UInt8(ascii: "L"): return 1
    default: return alphabet.firstIndex(of: upper).map(UInt8.init)
    }
  }

  /// The characters of digits.
  static func text(_ digits: some Sequence<UInt8>) -> String {
    String(decoding: digits.map { alphabet[Int($0)] }, as: UTF8.self)
  }
}

// MARK: - Groups

extension TypedText {
  /// The groups of bytes whose number is a multiple of 25, as five digits and their check.
  static func groups(of bytes: [UInt8]) -> [String] {
    let digits = digits(of: bytes)
    precondition(digits.count % groupDataDigits == 0, "the bytes fill their groups")
    let count = digits.count / groupDataDigits
    precondition(count <= mostGroups, "every place has a check of its own")
    return (0..<count).map { place in
      let group = Array(digits[place * groupDataDigits..<(place + 1) * groupDataDigits])
      return text(group + [check(of: group, place: place)])
    }
  }

  /// The bytes of digits, eight digits for five bytes.
  static func bytes(of digits: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    var (bits, count) = (0 as UInt32, 0)
    for digit in digits {
      bits = bits << 5 | UInt32(digit)
      count += 5
      guard count >= 8 else { continue }
      count -= 8
      bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
      bits &= (1 << UInt32(count)) - 1
    }
    return bytes
  }

  private static func digits(of bytes: [UInt8]) -> [UInt8] {
    var digits: [UInt8] = []
    var (bits, count) = (0 as UInt32, 0)
    for byte in bytes {
      bits = bits << 8 | UInt32(byte)
      count += 8
      while count >= 5 {
        count -= 5
        digits.append(UInt8(truncatingIfNeeded: bits >> UInt32(count) & 31))
      }
    }
    return digits
  }

  /// The check of a group's five digits in the place `place`, from 0 to 31.
  ///
  /// It is `place` plus the sum of `a^i` times the digit `i`, 1 to 5, in GF(32) modulo x⁵ + x² + 1, with
  /// `a` = x. The six weights, that of the check included, differ and are not 0: so each wrong
  /// digit shows, and so do two that have changed places, and a group in another's place.
  static func check(of digits: [UInt8], place: Int) -> UInt8 {
    var sum: UInt8 = 0
    for digit in digits.reversed() { sum = timesX(sum ^ digit) }
    return sum ^ UInt8(place)
  }

  private static func timesX(_ element: UInt8) -> UInt8 {
    element & 16 == 0 ? element << 1 : element << 1 & 31 ^ 0b00101
  }
}

// MARK: - Lines

extension TypedText {
  /// The check of a line in ASCII: its CRC of 15 bits, as three digits.
  ///
  /// It shows each change within 15 bits: a wrong character, and two neighbours that have changed
  /// places.
  /// - Source: CRC-15/CAN, polynomial 0x4599, which begins at 0.
  static func check(of line: String) -> String {
    var register: UInt16 = 0
    for byte in line.utf8 {
      register ^= UInt16(byte) << 7
      for _ in 0..<8 {
        register = register & 0x4000 == 0 ? register << 1 : register << 1 ^ 0x4599
      }
      register &= 0x7FFF
    }
    return text([10, 5, 0].map { UInt8(truncatingIfNeeded: register >> $0 & 31) })
  }
}
