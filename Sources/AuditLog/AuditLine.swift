internal import Bytes
internal import JSON

/// Writes entries as lines of JSON into one buffer that is used again and again.
///
/// A line is an object with the members `seq time actor operation merchant token key acquirer
/// payment_id outcome reason request_id origin`, in this order, absent ones left out, without white space
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
    bytes.append(decimal: sequence)
    append(",\"time\":\"")
    appendTime(atMilliseconds)
    append("\",\"actor\":\"")
    append(escaping: entry.actor.name, limit: AuditLimits.actorBytes)
    bytes.append(UInt8(ascii: "\""))
    append(",\"operation\":\"", entry.operation.rawValue)
    append(",\"merchant\":\"", entry.merchant)
    append(",\"token\":\"", entry.token)
    append(",\"key\":\"", entry.key)
    append(",\"acquirer\":\"", entry.acquirer)
    append(",\"payment_id\":\"", entry.paymentIdentifier)
    append(",\"outcome\":\"", entry.outcome.rawValue)
    append(",\"reason\":\"", entry.reason)
    append(",\"request_id\":\"", entry.requestIdentifier)
    append(",\"origin\":\"", entry.actor.origin)
    append("}")
  }

  /// The bytes by which a line that has the member `name` with this value can be recognized.
  static func member(_ name: String, _ value: String) -> [UInt8] {
    var line = AuditLine()
    let limit = name == "actor" ? AuditLimits.actorBytes : AuditLimits.memberBytes
    line.bytes.append(contentsOf: ",\"\(name)\":\"".utf8)
    line.append(escaping: value, limit: limit)
    line.bytes.append(UInt8(ascii: "\""))
    return line.bytes
  }

  /// The bytes of a part of a member.
  static func part(_ value: String) -> [UInt8] {
    var line = AuditLine()
    line.append(escaping: value, limit: AuditLimits.memberBytes)
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
    bytes.append(UInt8(ascii: "\""))
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
    bytes.append(escaping: text.extracting(0..<end), .c0c1)
  }
}
