import Glibc
import JSON
package import Logging
import SystemCalls

/// Writes log events to standard error, each as one line of JSON.
///
/// Members are `time` (RFC 3339 in UTC), `level`, `message`, then the metadata by name. Whatever
/// is not printable ASCII is written as `?`, and a value is cut at 256 characters, so that nothing
/// that a client chose can begin a line, move a terminal's cursor or fill a disk.
package struct JSONLogHandler: LogHandler {
  /// The longest value, in characters.
  package static let longestValue = 256

  /// The members that every line has.
  package var metadata: Logger.Metadata = [:]
  /// Below this level, nothing is written.
  package var logLevel: Logger.Level = .info
  /// Not used: no task-local value belongs in a log here.
  package var metadataProvider: Logger.MetadataProvider?

  private let write: @Sendable ([UInt8]) -> Void

  /// Writes to standard error.
  package init() {
    // Where that fails, there is nobody left to tell.
    self.init { try? writeAll($0, to: STDERR_FILENO) }
  }

  /// Gives each line, with its end, to `write`.
  package init(write: @escaping @Sendable ([UInt8]) -> Void) {
    self.write = write
  }

  /// One item of ``metadata``.
  package subscript(metadataKey key: String) -> Logger.MetadataValue? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  /// Writes one line.
  package func log(event: LogEvent) {
    var json = JSONWriter()
    json.beginObject()
    json.member("time", string: RFC3339.string(unixMilliseconds: SystemClock.unixMilliseconds()))
    json.member("level", string: event.level.rawValue)
    json.member("message", string: printable("\(event.message)"))
    let all = metadata.merging(event.metadata ?? [:]) { _, event in event }
    for (name, value) in all.sorted(by: { $0.key < $1.key }) {
      json.member(JSONName(printable(name)), string: printable("\(value)"))
    }
    json.endObject()
    json.endLine()
    write(json.bytes)
  }

  private func printable(_ text: String) -> String {
    var printable = ""
    for scalar in text.unicodeScalars.prefix(Self.longestValue) {
      printable.unicodeScalars.append((0x20...0x7E).contains(scalar.value) ? scalar : "?")
    }
    return printable
  }
}
