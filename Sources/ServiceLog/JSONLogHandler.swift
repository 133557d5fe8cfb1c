import JSON
package import Logging
import SystemCalls

/// Makes of each log event one line of JSON.
///
/// Members are `time` (RFC 3339 in UTC), `level`, `message`, then the metadata by name. Whatever
/// is not printable ASCII is written as `?`, and a value is cut at 256 characters, a ``WholeValue`` at
/// 4,096, so that nothing that a client chose can begin a line, move a terminal's cursor or fill a disk.
package struct JSONLogHandler: LogHandler {
  /// The longest value, in characters.
  static let longestValue = 256

  /// The members that every line has.
  package var metadata: Logger.Metadata = [:]
  /// Below this level, nothing is written.
  package var logLevel: Logger.Level = .info
  /// Not used: no task-local value belongs in a log here.
  package var metadataProvider: Logger.MetadataProvider?

  private let write: @Sendable (Logger.Level, [UInt8]) -> Void

  /// Gives each line, with its end, to `write`, and how much it matters.
  package init(write: @escaping @Sendable (Logger.Level, [UInt8]) -> Void) {
    self.write = write
  }

  /// One item of ``metadata``.
  package subscript(metadataKey key: String) -> Logger.MetadataValue? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  /// Writes one line.
  package func log(event: LogEvent) {
    let all = metadata.merging(event.metadata ?? [:]) { _, event in event }
    write(event.level, Self.line(event.level, event.message, all))
  }

  /// The line of an event of now, with its end.
  package static func line(
    _ level: Logger.Level, _ message: Logger.Message, _ metadata: Logger.Metadata
  ) -> [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    json.member("time", string: RFC3339.string(unixMilliseconds: SystemClock.unixMilliseconds()))
    json.member("level", string: level.rawValue)
    json.member("message", string: printable("\(message)", longestValue))
    for (name, value) in metadata.sorted(by: { $0.key < $1.key }) {
      let longest =
        if case .stringConvertible(let value) = value, value is WholeValue {
          WholeValue.longest
        } else {
          longestValue
        }
      json.member(JSONName(printable(name, longestValue)), string: printable("\(value)", longest))
    }
    json.endObject()
    json.endLine()
    return json.bytes
  }

  private static func printable(_ text: String, _ longest: Int) -> String {
    var printable = ""
    for scalar in text.unicodeScalars.prefix(longest) {
      printable.unicodeScalars.append((0x20...0x7E).contains(scalar.value) ? scalar : "?")
    }
    return printable
  }
}

/// A value of a log line that is worth nothing when its end is missing: a signed note, or what is wrong
/// and what helps. Not for what a client chose.
package struct WholeValue: CustomStringConvertible, Sendable {
  /// The longest, in characters.
  package static let longest = 4_096

  package let description: String

  /// The value `text`.
  package init(_ text: String) { description = text }
}
