import Cards
import RecordFormat
import SecretMemory

extension Token {
  /// Lends the sixteen bytes.
  func withBytes<R: ~Copyable>(_ body: (RawSpan) throws -> R) rethrows -> R {
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
    self.init((0..<4).reduce(UInt32(0)) { $0 << 8 | UInt32(bytes[$1]) })
  }

  /// Four bytes, most significant first.
  var bytes: [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
}

extension RawSpan {
  /// Whether the first bytes are `prefix`.
  func starts(with prefix: [UInt8]) -> Bool {
    guard byteCount >= prefix.count else { return false }
    for index in prefix.indices where self[index] != prefix[index] { return false }
    return true
  }

  /// Whether the bytes are `other`.
  func isEqual(to other: [UInt8]) -> Bool { byteCount == other.count && starts(with: other) }

  /// The byte at `index`.
  subscript(index: Int) -> UInt8 {
    unsafe unsafeLoad(fromByteOffset: index, as: UInt8.self)
  }

  /// Eight bytes from `offset` as a big-endian number.
  func bigEndianUInt64(at offset: Int) -> UInt64 {
    precondition(offset + 8 <= byteCount)
    return UInt64(
      bigEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

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
