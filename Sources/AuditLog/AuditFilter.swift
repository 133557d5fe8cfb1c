internal import Bytes
internal import JSON

/// Which entries to show: those that have every member that is given, exactly, in the time given; of a reason a
/// part is enough.
package struct AuditFilter: Equatable, Sendable {
  /// The earliest time, in Unix milliseconds; inclusive.
  package var fromMilliseconds: Int64?
  /// The end of the time, in Unix milliseconds; exclusive.
  package var toMilliseconds: Int64?
  package var actor: String?
  package var operation: String?
  package var merchant: String?
  package var token: String?
  package var key: String?
  package var acquirer: String?
  package var payment: String?
  package var request: String?
  package var outcome: String?
  /// A text that the reason has to hold.
  package var reason: String?
  /// Whether only entries about keys are wanted, whichever they are.
  package var hasKey = false

  /// Every entry, or those of an operation, or with an outcome.
  package init(_ operation: AuditOperation? = nil, _ outcome: AuditOutcome? = nil) {
    self.operation = operation?.rawValue
    self.outcome = outcome?.rawValue
  }
}

/// A filter as bytes that a line is searched for.
///
/// Searching is exact without parsing: a quote inside a string is escaped, so the text
/// `,"token":"…"` stands in a line only where the line has that member.
struct AuditMatcher {
  private let needles: [[UInt8]]
  /// What the reason holds; its bytes may stand in another member too.
  private let reason: String?
  private let from: [UInt8]?
  private let to: [UInt8]?

  init(_ filter: AuditFilter) {
    var needles: [[UInt8]] = []
    for (name, value) in [
      ("actor", filter.actor), ("operation", filter.operation), ("merchant", filter.merchant),
      ("token", filter.token), ("key", filter.key), ("acquirer", filter.acquirer),
      ("payment_id", filter.payment), ("outcome", filter.outcome),
      ("request_id", filter.request),
    ] {
      if let value { needles.append(AuditLine.member(name, value)) }
    }
    if filter.hasKey { needles.append(Array(#","key":""#.utf8)) }
    if let reason = filter.reason { needles.append(AuditLine.part(reason)) }
    self.needles = needles
    reason = filter.reason
    from = filter.fromMilliseconds.map(Self.text)
    to = filter.toMilliseconds.map(Self.text)
  }

  private static func text(ofTime milliseconds: Int64) -> [UInt8] {
    var bytes: [UInt8] = []
    RFC3339.append(unixMilliseconds: milliseconds, precision: .milliseconds, to: &bytes)
    return bytes
  }

  /// Whether `line`, which ``AuditLine`` wrote, has all that is asked for.
  func matches(_ line: RawSpan) -> Bool {
    if from != nil || to != nil {
      guard let time = Self.time(in: line) else { return false }
      if let from, time.lexicographicallyPrecedes(from) { return false }
      if let to, !time.lexicographicallyPrecedes(to) { return false }
    }
    guard needles.allSatisfy({ line.contains($0) }) else { return false }
    guard let reason else { return true }
    return LoggedEntry(line: line)?.reason?.contains(reason) == true
  }

  /// The 24 characters of the time, which follow `{"seq":N,"time":"`.
  private static func time(in line: RawSpan) -> [UInt8]? {
    let comma = (0..<min(line.byteCount, 32)).first { line.byte($0) == UInt8(ascii: ",") }
    guard let comma else { return nil }
    let start = comma + #","time":""#.utf8.count
    guard start + 24 <= line.byteCount else { return nil }
    return (start..<start + 24).map { line.byte($0) }
  }
}

extension RawSpan {
  /// Whether `needle` stands somewhere in the bytes.
  func contains(_ needle: [UInt8]) -> Bool {
    var start = 0
    while start + needle.count <= byteCount {
      var matching = 0
      while matching < needle.count, byte(start + matching) == needle[matching] {
        matching += 1
      }
      if matching == needle.count { return true }
      start += 1
    }
    return false
  }
}
