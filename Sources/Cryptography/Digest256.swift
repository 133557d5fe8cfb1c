import Bytes

/// 32 bytes of a SHA-256 or HMAC-SHA-256, ordered byte by byte.
///
/// A digest is not secret and lives in ordinary memory. Where it is compared with one that somebody
/// sent, use ``isEqualInConstantTime(to:)``; `==` is for lookups.
package struct Digest256: Hashable, Comparable, Sendable {
  // Big-endian words, so that comparing numbers compares bytes.
  @usableFromInline let word0: UInt64
  @usableFromInline let word1: UInt64
  @usableFromInline let word2: UInt64
  @usableFromInline let word3: UInt64

  /// How many bytes a digest has.
  package static let byteCount = 32

  /// The digest of 32 zero bytes.
  package static let zero = Digest256(0, 0, 0, 0)

  private init(_ word0: UInt64, _ word1: UInt64, _ word2: UInt64, _ word3: UInt64) {
    self.word0 = word0
    self.word1 = word1
    self.word2 = word2
    self.word3 = word3
  }

  /// Takes the 32 bytes of `bytes`; nil if it has another length.
  package init?(_ bytes: RawSpan) {
    guard bytes.byteCount == Self.byteCount else { return nil }
    self = unsafe bytes.withUnsafeBytes { unsafe Digest256(unchecked: $0) }
  }

  /// Takes the first 32 bytes of `bytes`, which the caller knows to be there.
  init(unchecked bytes: UnsafeRawBufferPointer) {
    unsafe self.init(
      UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
      UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
      UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)),
      UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self)))
  }

  /// Reads 64 hexadecimal digits in either case; nil for anything else.
  package init?(hex: some StringProtocol) {
    guard let bytes = [UInt8](hexadecimal: hex) else { return nil }
    self.init(bytes.rawSpan)
  }

  /// Lends the 32 bytes to `body`.
  @inlinable
  @inline(__always)
  package func withBytes<Result: ~Copyable, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let words = [word0.bigEndian, word1.bigEndian, word2.bigEndian, word3.bigEndian] as InlineArray
    // Words have no padding.
    return try body(words.span.rawSpan)
  }

  /// The 32 bytes.
  package var bytes: [UInt8] {
    withBytes { $0.array }
  }

  /// 64 lower-case hexadecimal digits.
  package var hex: String { bytes.hexadecimal }

  /// Whether both are the same, in constant time.
  package func isEqualInConstantTime(to other: Digest256) -> Bool {
    let difference =
      (word0 ^ other.word0) | (word1 ^ other.word1) | (word2 ^ other.word2) | (word3 ^ other.word3)
    return difference == 0
  }

  /// Hashes the first eight bytes, which tell digests apart as well as all of them do.
  package func hash(into hasher: inout Hasher) { hasher.combine(word0) }

  /// Whether the bytes of `first` come before those of `second`.
  package static func < (first: Digest256, second: Digest256) -> Bool {
    if first.word0 != second.word0 { return first.word0 < second.word0 }
    if first.word1 != second.word1 { return first.word1 < second.word1 }
    if first.word2 != second.word2 { return first.word2 < second.word2 }
    return first.word3 < second.word3
  }
}

extension RowReader {
  /// The next 32 bytes.
  package mutating func digest() -> Digest256? {
    guard let bytes = bytes(Digest256.byteCount) else { return nil }
    return Digest256(bytes)
  }
}
