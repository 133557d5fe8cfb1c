import Logging

/// Lines that anybody can bring about as often as they like: of each kind one is written, and then one
/// a minute that says how many more there were, for as long as there are any.
struct SeldomLines {
  /// One line of the log.
  struct Line: Sendable {
    let level: Logger.Level
    let message: String
    var metadata: Logger.Metadata
  }

  /// How many kinds of one message are told apart at a time; the others count as one, which says
  /// nothing but the message.
  static let mostKinds = 8
  /// How long lines are counted, in seconds.
  static let seconds: Int64 = 60

  private struct Key: Hashable {
    let message: String
    /// Nil for those beyond the kinds that are told apart.
    let kind: String?
  }

  private struct Minute {
    var began: Int64
    /// What is written at its end, with the count.
    let line: Line
    var count = 0
  }

  private var minutes: [Key: Minute] = [:]

  /// Notes that there is a line.
  ///
  /// - Parameters:
  ///   - kind: what tells it from others with its message.
  ///   - now: in seconds.
  /// - Returns: what is to be written of it now; nil where it is only counted.
  mutating func note(_ line: Line, of kind: String, at now: Int64) -> Line? {
    var line = line
    var key = Key(message: line.message, kind: kind)
    if minutes[key] == nil,
      minutes.keys.count(where: { $0.message == line.message })
        >= Self.mostKinds
    {
      key = Key(message: line.message, kind: nil)
      line.metadata = [:]
    }
    guard minutes[key] == nil else {
      minutes[key]?.count += 1
      return nil
    }
    minutes[key] = Minute(began: now, line: line)
    return line
  }

  /// The lines that say how many were not written, of the minutes that have ended. Call it about once a
  /// second.
  mutating func ended(at now: Int64) -> [Line] {
    var lines: [Line] = []
    // A clock that was set back would keep a minute from ending.
    for (key, minute) in minutes
    where now < minute.began || now - minute.began >= Self.seconds {
      guard minute.count > 0 else {
        minutes[key] = nil
        continue
      }
      var line = minute.line
      line.metadata["count"] = "\(minute.count)"
      lines.append(line)
      minutes[key] = Minute(began: now, line: minute.line)
    }
    return lines
  }
}
