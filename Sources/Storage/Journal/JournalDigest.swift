import Bytes
import Cryptography

/// The first sixteen bytes of a SHA-256: what tells a frame from every other, also from one of the same
/// sequence in another journal.
struct JournalDigest: Equatable, Sendable {
  static let byteCount = 16

  private let first: UInt64
  private let second: UInt64

  /// That of no frame.
  static let zero = JournalDigest(first: 0, second: 0)

  private init(first: UInt64, second: UInt64) {
    self.first = first
    self.second = second
  }

  /// Of `bytes`.
  init(of bytes: RawSpan) {
    self =
      Digest256.sha256(bytes).withBytes { JournalDigest($0.extracting(first: Self.byteCount)) }
      ?? .zero
  }

  /// Takes sixteen bytes; nil for another number of them.
  init?(_ bytes: RawSpan) {
    guard bytes.byteCount == Self.byteCount else { return nil }
    self.init(first: bytes.bigEndian(0..<8), second: bytes.bigEndian(8..<16))
  }

  /// One that has never been, and will not be again.
  static func drawn() -> JournalDigest {
    JournalDigest(first: .random(in: 0...UInt64.max), second: .random(in: 0...UInt64.max))
  }

  var bytes: [UInt8] { first.bigEndianBytes + second.bigEndianBytes }

  /// Appends the sixteen bytes.
  func append(to bytes: inout [UInt8]) {
    bytes.append(bigEndian: first)
    bytes.append(bigEndian: second)
  }
}

extension RowReader {
  /// The next sixteen bytes.
  mutating func journalDigest() -> JournalDigest? {
    guard let bytes = bytes(JournalDigest.byteCount) else { return nil }
    return JournalDigest(bytes)
  }
}
