/// Counts by subject, in windows of one length; a subject's window begins with what is counted first.
///
/// Memory is bounded whatever the subjects are: past ``most`` that are being counted, those that come
/// new are counted together, as one more subject. None that is being counted is given up for them, so
/// nobody ends a count of their own by making up subjects.
struct SubjectWindows {
  /// How many subjects are counted apart.
  static let most = 4_096
  /// How often windows that have ended are looked for while there is no room, at most.
  private static let sweepNanoseconds: UInt64 = 1_000_000_000

  /// One thing that was counted.
  struct Count {
    /// The subject; nil where it was counted together with others.
    let subject: String?
    /// How many there are in the window now.
    let number: UInt64
    /// Whether it is the first past the threshold in its window.
    let isFirstPast: Bool
    fileprivate let start: UInt64
  }

  private struct Window {
    let start: UInt64
    var number: UInt64 = 0
    var isPast = false

    func hasEnded(at now: UInt64, after length: UInt64) -> Bool {
      now >= start && now - start >= length
    }

    mutating func add(past threshold: UInt64) -> Bool {
      number += 1
      guard number > threshold, !isPast else { return false }
      isPast = true
      return true
    }

    mutating func takeBack(_ count: Count) {
      number -= 1
      if count.isFirstPast { isPast = false }
    }
  }

  private let lengthNanoseconds: UInt64
  private var windows: [String: Window] = [:]
  private var others: Window?
  private var nextSweep: UInt64 = 0

  init(seconds: UInt64) { lengthNanoseconds = seconds * 1_000_000_000 }

  /// How many subjects are held.
  var size: Int { windows.count }

  /// Counts one of `subject`.
  ///
  /// - Parameter now: a monotonic clock, in nanoseconds.
  mutating func count(_ subject: String, past threshold: UInt64, at now: UInt64) -> Count {
    if let index = windows.index(forKey: subject) {
      if windows.values[index].hasEnded(at: now, after: lengthNanoseconds) {
        windows.values[index] = Window(start: now)
      }
      return Self.add(to: &windows.values[index], of: subject, past: threshold)
    }
    if windows.count >= Self.most { sweep(at: now) }
    guard windows.count < Self.most else { return countTogether(past: threshold, at: now) }
    var window = Window(start: now)
    defer { windows[subject] = window }
    return Self.add(to: &window, of: subject, past: threshold)
  }

  /// Counts one less, where its window has not ended since.
  mutating func takeBack(_ count: Count) {
    guard let subject = count.subject else {
      if others?.start == count.start { others?.takeBack(count) }
      return
    }
    guard let index = windows.index(forKey: subject),
      windows.values[index].start == count.start
    else { return }
    windows.values[index].takeBack(count)
    if windows.values[index].number == 0 { windows.remove(at: index) }
  }

  private mutating func countTogether(past threshold: UInt64, at now: UInt64) -> Count {
    var window = others ?? Window(start: now)
    if window.hasEnded(at: now, after: lengthNanoseconds) { window = Window(start: now) }
    defer { others = window }
    return Self.add(to: &window, of: nil, past: threshold)
  }

  private mutating func sweep(at now: UInt64) {
    guard now >= nextSweep else { return }
    nextSweep = now + Self.sweepNanoseconds
    let length = lengthNanoseconds
    windows = windows.filter { !$0.value.hasEnded(at: now, after: length) }
  }

  private static func add(
    to window: inout Window, of subject: String?, past threshold: UInt64
  ) -> Count {
    let isFirstPast = window.add(past: threshold)
    return Count(
      subject: subject, number: window.number, isFirstPast: isFirstPast, start: window.start)
  }
}
