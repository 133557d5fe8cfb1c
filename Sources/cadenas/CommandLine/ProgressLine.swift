import Glibc

/// A line on standard error that says how far something is, where that is a terminal: a bar, how many
/// of how many, how many a second, and how long it may still take.
struct ProgressLine: ~Copyable {
  private static let width = 24
  /// How often the line is written at most.
  private static let interval = Duration.milliseconds(200)

  private let what: String
  private let isShown: Bool
  private var first: (done: UInt64, at: ContinuousClock.Instant)?
  private var last: ContinuousClock.Instant?

  /// A line about `what`; where that is empty, nothing is shown.
  init(_ what: String) {
    self.what = what
    isShown = !what.isEmpty && Console.isTerminal(STDERR_FILENO)
  }

  mutating func show(done: UInt64, total: UInt64) {
    guard isShown else { return }
    let now = ContinuousClock.now
    if let last, now - last < Self.interval, done < total { return }
    last = now
    // Work that begins anew is measured anew.
    if first.map({ done < $0.done }) ?? true { first = (done, now) }
    let since = first ?? (done, now)
    let text = Self.text(
      what, done: done, total: total, since: done - since.done, elapsed: now - since.at,
      within: Console.columns(STDERR_FILENO))
    Console.write(Array("\r\(text)\u{1B}[K".utf8), to: STDERR_FILENO)
  }

  deinit {
    if isShown, last != nil { Console.write(Array("\r\u{1B}[K".utf8), to: STDERR_FILENO) }
  }

  /// The line.
  ///
  /// - Parameters:
  ///   - recent: how many were done in the time `elapsed`.
  ///   - columns: what the line has to be shorter than, since it is written over; nil for any length.
  static func text(
    _ what: String, done: UInt64, total: UInt64, since recent: UInt64, elapsed: Duration,
    within columns: Int? = nil
  ) -> String {
    let percent = total == 0 ? 100 : Int(min(100, Double(done) / Double(total) * 100))
    let filled = percent * width / 100
    let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
    let count = count(done, total, recent, elapsed)
    let texts = [
      "\(what) [\(bar)] \(percent) %  \(count)", "\(what) \(percent) %  \(count)", "\(percent) %",
    ]
    return texts.first { $0.count < columns ?? .max } ?? ""
  }

  /// How many of how many, how many a second, and how long it may still take.
  private static func count(
    _ done: UInt64, _ total: UInt64, _ recent: UInt64, _ elapsed: Duration
  ) -> String {
    var text = "\(done) of \(total)"
    let seconds = elapsed / .seconds(1)
    guard recent > 0, seconds > 0.5 else { return text }
    let rate = Double(recent) / seconds
    // What people do, such as entering shares, has no rate.
    guard rate >= 1 else { return text }
    text += "  \(UInt64(rate))/s"
    if done < total { text += "  \(duration(Double(total - done) / rate)) left" }
    return text
  }

  private static func duration(_ seconds: Double) -> String {
    let seconds = UInt64(min(seconds.rounded(.up), 359_999))
    if seconds < 60 { return "\(seconds) s" }
    if seconds < 3_600 { return "\(seconds / 60) min \(seconds % 60) s" }
    return "\(seconds / 3_600) h \(seconds % 3_600 / 60) min"
  }
}
