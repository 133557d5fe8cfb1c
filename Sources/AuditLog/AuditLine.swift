internal import JSON

/// Writes entries as lines of JSON into one buffer that is used again and again.
///
/// A line is an object with the members `seq time actor operation merchant token key acquirer
/// payment_id outcome reason request_id`, in this order, absent ones left out, without white space
/// and without an end of line; `time` is RFC 3339 with milliseconds in UTC. Strings are UTF-8 with
/// `"`, `\` and control characters (C0, DEL, C1) escaped, cut at ``AuditLimits``.
package struct AuditLine: Sendable {
  /// The line that was written last.
  package private(set) var bytes: [UInt8] = []
  /// The text of the last time: entries of one batch mostly share it.
  private var timeBytes: [UInt8] = []
  private var timeMilliseconds: Int64?

  /// An empty buffer.
  package init() { bytes.reserveCapacity(1_024) }

  /// Replaces the line by that of `entry`.
  package mutating func write(_ entry: AuditEntry, sequence: UInt64, atMilliseconds: Int64) {
    bytes.removeAll(keepingCapacity: true)
    append("{\"seq\":")
    append(decimal: sequence)
    append(",\"time\":\"")
    appendTime(atMilliseconds)
    append("\",\"actor\":\"")
    append(escaping: entry.actor, limit: AuditLimits.actorBytes)
    append("\"")
    append(",\"operation\":\"", entry.operation.rawValue)
    append(",\"merchant\":\"", entry.merchant)
    append(",\"token\":\"", entry.token)
    append(",\"key\":\"", entry.key)
    append(",\"acquirer\":\"", entry.acquirer)
    append(",\"payment_id\":\"", entry.paymentIdentifier)
    append(",\"outcome\":\"", entry.outcome.rawValue)
    append(",\"reason\":\"", entry.reason)
    append(",\"request_id\":\"", entry.requestIdentifier)
    append("}")
  }

  /// The bytes by which a line that has the member `name` with this value can be recognized.
  static func member(_ name: String, _ value: String) -> [UInt8] {
    var line = AuditLine()
    let limit = name == "actor" ? AuditLimits.actorBytes : AuditLimits.memberBytes
    line.bytes.append(contentsOf: ",\"\(name)\":\"".utf8)
    line.append(escaping: value, limit: limit)
    line.append("\"")
    return line.bytes
  }

  private mutating func append(_ text: StaticString) {
    let text = unsafe UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    unsafe bytes.append(contentsOf: text)
  }

  private mutating func append(_ name: StaticString, _ value: String?) {
    guard let value else { return }
    append(name)
    append(escaping: value, limit: AuditLimits.memberBytes)
    append("\"")
  }

  private mutating func append(decimal number: UInt64) {
    var divisor: UInt64 = 1
    while number / divisor >= 10 { divisor *= 10 }
    while divisor > 0 {
      bytes.append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
      divisor /= 10
    }
  }

  private mutating func appendTime(_ milliseconds: Int64) {
    if timeMilliseconds != milliseconds {
      timeBytes.removeAll(keepingCapacity: true)
      RFC3339.append(unixMilliseconds: milliseconds, precision: .milliseconds, to: &timeBytes)
      timeMilliseconds = milliseconds
    }
    bytes.append(contentsOf: timeBytes)
  }

  private mutating func append(escaping value: String, limit: Int) {
    let text = value.utf8Span.span
    var end = min(text.count, limit)
    // A cut falls between characters: never before a continuation byte.
    while end < text.count, end > 0, text[end] & 0xC0 == 0x80 { end -= 1 }
    // Nearly every value is plain ASCII, and is copied in one piece.
    var plain = 0
    while plain < end, Self.isPlain(text[plain]) { plain += 1 }
    unsafe text.extracting(0..<plain).withUnsafeBufferPointer {
      unsafe bytes.append(contentsOf: $0)
    }
    for index in plain..<end {
      let byte = text[index]
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
      case 0..<0x20, 0x7F:
        append(controlCharacter: byte)
      case 0xC2 where text[index + 1] < 0xA0:
        continue  // The lead byte of a C1 control character: the next turn writes it.
      case 0x80..<0xA0 where text[index - 1] == 0xC2:
        append(controlCharacter: byte)
      default:
        bytes.append(byte)
      }
    }
  }

  /// Whether a byte stands for itself, whatever is beside it.
  private static func isPlain(_ byte: UInt8) -> Bool {
    byte >= 0x20 && byte < 0x7F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
  }

  private mutating func append(controlCharacter: UInt8) {
    append("\\u00")
    append(hexadecimalDigit: controlCharacter >> 4)
    append(hexadecimalDigit: controlCharacter & 0x0F)
  }

  private mutating func append(hexadecimalDigit digit: UInt8) {
    bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
  }
}
