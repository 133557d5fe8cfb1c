import JSON
import NIOCore

/// Writes the bytes of a message into a buffer, or only counts them.
///
/// A message is written twice with the same code: once to learn its length, then into one buffer
/// of exactly that capacity, which therefore never moves and leaves no copy of a card behind.
struct MessageWriter {
  /// How many bytes were written.
  private(set) var count = 0
  /// What was written; nil where bytes are only counted.
  private(set) var buffer: ByteBuffer?

  /// - Parameter buffer: takes the bytes; nil to count them only.
  init(into buffer: ByteBuffer?) {
    self.buffer = buffer
  }

  mutating func write(_ bytes: RawSpan) {
    count += bytes.byteCount
    _ = buffer?.writeBytes(bytes)
  }

  mutating func write(_ bytes: [UInt8]) {
    count += bytes.count
    buffer?.writeBytes(bytes)
  }

  mutating func write(_ text: String) {
    count += text.utf8.count
    buffer?.writeString(text)
  }

  mutating func write(_ byte: UInt8) {
    count += 1
    _ = buffer?.writeInteger(byte)
  }

  /// A string, with its quotes; `"`, `\` and control characters are escaped.
  mutating func writeJSON(_ text: String) {
    var string = [UInt8(ascii: "\"")]
    string.append(escaping: text.utf8Span.span, .c0)
    write(string + [UInt8(ascii: "\"")])
  }

  /// A number in `digits` decimal digits.
  mutating func write(_ value: Int, digits: Int) {
    var divisor = 1
    for _ in 1..<digits { divisor *= 10 }
    while divisor > 0 {
      write(UInt8(ascii: "0") + UInt8(value / divisor % 10))
      divisor /= 10
    }
  }
}
