import Bytes

/// Counts digits as a text goes by, to tell one that could hold a card number from one that cannot.
///
/// The rule for what operators write: as many decimal digits as a card number has at least, of any script,
/// with no letter among them. It is stricter than ``DigitGroups``, by which shops' references go: part of a
/// number, or one that is mistyped, has no place in the audit log either. What else stands between them
/// (spaces, points, hyphens, underscores, slashes) does not make two numbers of one.
struct DigitRun {
  private var count = 0

  /// Takes the next character.
  ///
  /// - Returns: whether the text could hold a card number.
  mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    if isDecimal(scalar) {
      count += 1
    } else if isAlphabetic(scalar) {
      count = 0
    }
    return count >= PAN.lengths.lowerBound
  }

  // Unicode's properties are looked up in tables, and nearly every character is ASCII.
  private func isDecimal(_ scalar: Unicode.Scalar) -> Bool {
    scalar.isASCII
      ? isDigit(UInt8(truncatingIfNeeded: scalar.value))
      : scalar.properties.numericType == .decimal
  }

  private func isAlphabetic(_ scalar: Unicode.Scalar) -> Bool {
    scalar.isASCII
      ? ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
      : scalar.properties.isAlphabetic
  }
}

extension PAN {
  /// Whether `text` could hold a card number: see ``DigitRun``.
  package static func couldStand(in text: String) -> Bool {
    var run = DigitRun()
    return text.unicodeScalars.contains { run.take($0) }
  }
}
