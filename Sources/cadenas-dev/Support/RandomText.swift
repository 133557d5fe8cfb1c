import Cryptography

/// Names that nobody can guess.
enum RandomText {
  /// 128 random bits as 32 hexadecimal digits.
  static func token() -> String {
    (0..<16).map { _ in UInt8.random(in: .min ... .max) }.hexadecimal
  }
}
