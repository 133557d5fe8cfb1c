/// Card numbers that a test makes up.
package enum Luhn {
  /// Whether the last digit is the check digit of those before it.
  package static func holds(_ number: String) -> Bool {
    var sum = 0
    for (index, byte) in number.utf8.reversed().enumerated() {
      let digit = Int(byte - 0x30) * (index.isMultiple(of: 2) ? 1 : 2)
      sum += digit > 9 ? digit - 9 : digit
    }
    return sum.isMultiple(of: 10)
  }

  /// `digits` and their check digit.
  package static func completing(_ digits: String) -> String {
    for check in 0...8 where holds("\(digits)\(check)") { return "\(digits)\(check)" }
    return "\(digits)9"
  }
}
