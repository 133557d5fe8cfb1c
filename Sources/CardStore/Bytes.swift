import Cards
import RecordFormat
import SecretMemory

extension Token {
  /// Lends the sixteen bytes.
  func withBytes<R: ~Copyable, E: Error>(
    _ body: (RawSpan) throws(E) -> R
  ) throws(E) -> R {
    let bytes = bytes
    return try body(unsafe bytes.span.bytes)
  }

  /// The sixteen bytes as an array.
  var array: [UInt8] { withBytes { $0.array } }
}

extension KeyIdentifier {
  /// Reads four bytes; nil unless they are four.
  init?(bytes: RawSpan) {
    guard bytes.byteCount == KeyIdentifier.byteCount else { return nil }
    self.init(UInt32(truncatingIfNeeded: bytes.bigEndian(0..<KeyIdentifier.byteCount)))
  }

  /// Four bytes, most significant first.
  var bytes: [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
}

extension RawSpan {
  /// Whether the first bytes are `prefix`.
  func starts(with prefix: [UInt8]) -> Bool {
    guard byteCount >= prefix.count else { return false }
    for index in prefix.indices where byte(index) != prefix[index] { return false }
    return true
  }

  /// Whether the bytes are `other`.
  func isEqual(to other: [UInt8]) -> Bool { byteCount == other.count && starts(with: other) }

  /// The bytes as an array: for what is not secret.
  var array: [UInt8] {
    unsafe withUnsafeBytes { unsafe [UInt8]($0) }
  }
}

extension UInt64 {
  /// Eight bytes, most significant first.
  var bigEndianBytes: [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: self >> (56 - 8 * $0)) }
  }
}
