internal import Bytes
internal import Storage

extension AuditReader {
  /// The newest entry of each of `actors`, of those that the store has before the sequence `end`; none for
  /// one that has none.
  ///
  /// One pass from the newest entry to the oldest, in short snapshots, which ends where everybody was found.
  /// - Parameter progress: told how many entries have been looked at, after each snapshot.
  package func newestEntries(
    of actors: Set<String>, below end: UInt64, progress: (UInt64) throws -> Void
  ) throws -> [String: LoggedEntry] {
    var search = ActorSearch(actors)
    var next = end.subtractingReportingOverflow(1)
    while !next.overflow, !search.isOver {
      let start = next.partialValue
      let rest = try store.read(logBelow: end) {
        (transaction) throws(AuditError) -> UInt64? in
        var visited = 0
        var rest: UInt64?
        let first = start.bigEndianBytes
        try transaction.forEach(in: .audit, from: first.rawSpan, reversed: true) {
          (key, line) throws(AuditError) in
          guard let sequence = UInt64(bigEndianBytes: key) else { return false }
          guard visited < AuditLimits.linesInOneTransaction else {
            rest = sequence
            return false
          }
          visited += 1
          search.look(at: line)
          return !search.isOver
        }
        return rest
      }
      guard let rest else { break }
      next = (rest, false)
      try progress(end - rest)
    }
    return search.found
  }
}

/// Looks for lines of some actors, without making a text of a line of anybody else.
private struct ActorSearch {
  /// What stands between the time of a line and its actor, and before the time.
  private static let beforeTime = Array(#","time":""#.utf8)
  private static let afterTime = Array(#"","actor":""#.utf8)
  private static let timeBytes = 24

  /// Who is still looked for, by a hash over their bytes as a line has them.
  private var missing: [UInt64: [(name: String, bytes: [UInt8])]] = [:]
  private(set) var found: [String: LoggedEntry] = [:]

  init(_ actors: Set<String>) {
    for name in actors {
      let bytes = Array(
        AuditLine.member("actor", name).dropFirst(Self.afterTime.count - 1).dropLast())
      missing[Self.hash(bytes.rawSpan), default: []].append((name, bytes))
    }
  }

  var isOver: Bool { missing.isEmpty }

  mutating func look(at line: RawSpan) {
    guard let range = Self.actor(in: line) else { return }
    let bytes = line.extracting(range)
    let hash = Self.hash(bytes)
    guard var some = missing[hash],
      let index = some.firstIndex(where: { bytes.isEqual(to: $0.bytes) }),
      let entry = LoggedEntry(line: line)
    else { return }
    found[some.remove(at: index).name] = entry
    missing[hash] = some.isEmpty ? nil : some
  }

  /// Where the actor stands in a line that ``AuditLine`` wrote, without its quotation marks.
  private static func actor(in line: RawSpan) -> Range<Int>? {
    let comma = (0..<min(line.byteCount, 32)).first { line.byte($0) == UInt8(ascii: ",") }
    guard let comma else { return nil }
    let start = comma + beforeTime.count + timeBytes + afterTime.count
    guard start < line.byteCount else { return nil }
    var end = start
    while end < line.byteCount, line.byte(end) != UInt8(ascii: "\"") {
      // What is escaped is no end.
      end += line.byte(end) == UInt8(ascii: "\\") ? 2 : 1
    }
    return end < line.byteCount ? start..<end : nil
  }

  /// FNV-1a. Whoever is looked for comes from the configuration, and nobody else is kept.
  private static func hash(_ bytes: RawSpan) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for offset in bytes.byteOffsets {
      hash = (hash ^ UInt64(bytes.byte(offset))) &* 0x100_0000_01b3
    }
    return hash
  }
}
