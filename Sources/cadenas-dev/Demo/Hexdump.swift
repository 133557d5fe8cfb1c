/// Bytes as hexdump(1) shows them.
enum Hexdump {
  private static let width = 16

  /// Lines of `offset  bytes  |text|`, the first byte of `bytes` being at `offset` of its file.
  static func lines(_ bytes: [UInt8], from offset: Int) -> [String] {
    stride(from: 0, to: bytes.count, by: width).map { start in
      let row = bytes[start..<min(start + width, bytes.count)]
      let hexadecimal = row.map { digits(Int($0), 2) }.joined(separator: " ")
      let text = row.map { (0x20...0x7e).contains($0) ? String(UnicodeScalar($0)) : "." }.joined()
      return "\(digits(offset + start, 8))  \(hexadecimal.padded(to: width * 3 + 1))|\(text)|"
    }
  }

  private static func digits(_ value: Int, _ count: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, count - text.count)) + text
  }
}
