import NIOHTTP1

/// What an answer's head says of the connection that it came on.
///
/// - Source: RFC 9112, 9.3; `Keep-Alive: timeout=5, max=100` of RFC 2068, 19.7.1.1, as servers still send it.
struct KeepAlive: Equatable {
  /// Whether another message may follow.
  let isKept: Bool
  /// Seconds after which the other side closes an idle connection; nil where it does not say.
  let timeoutSeconds: Int?
  /// How many messages may follow; nil where it does not say.
  let messagesLeft: Int?
  /// How the answer says where it ends.
  let framing: AnswerExtent.Framing

  init(_ head: HTTPResponseHead) {
    var timeoutSeconds: Int?
    var messagesLeft: Int?
    for parameter in head.headers[canonicalForm: "Keep-Alive"] {
      let pair = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard pair.count == 2, let value = Self.number(pair[1]) else { continue }
      switch pair[0].lowercased() {
      case "timeout": timeoutSeconds = min(value, timeoutSeconds ?? value)
      case "max": messagesLeft = min(value, messagesLeft ?? value)
      default: break
      }
    }
    self.timeoutSeconds = timeoutSeconds
    self.messagesLeft = messagesLeft
    framing = Self.framing(of: head)
    isKept =
      head.version == .http1_1 && framing != .connection
      && !head.headers[canonicalForm: "Connection"].contains { $0.lowercased() == "close" }
  }

  /// A number of at most six digits.
  private static func number(_ text: Substring) -> Int? {
    guard (1...6).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) })
    else { return nil }
    return Int(text)
  }

  private static func framing(of head: HTTPResponseHead) -> AnswerExtent.Framing {
    // Where the parser expects no body whatever the head says, its end is not to be trusted.
    let status = Int(head.status.code)
    if status < 200 || status == 204 || status == 304 { return .connection }
    let codings = head.headers[canonicalForm: "Transfer-Encoding"]
    let lengths = head.headers["Content-Length"]
    switch (codings.count, lengths.count) {
    case (1, 0): return codings[0].lowercased() == "chunked" ? .chunked : .connection
    case (0, 1): return Int(lengths[0]).map { .length($0) } ?? .connection
    default: return .connection
    }
  }
}

/// How long a connection may be used: pure, and told the time.
struct ConnectionAge: Equatable {
  /// What the configuration allows.
  struct Bounds: Equatable, Sendable {
    /// Nanoseconds from its opening until a connection is not used again.
    var age: Int64
    /// Nanoseconds that it may stay without a message.
    var idle: Int64
  }

  private let openedAt: Int64
  private var idleSince: Int64
  private var timeoutSeconds: Int?
  private var messagesLeft: Int?
  /// How many whole answers came.
  private(set) var answers = 0

  /// - Parameter openedAt: nanoseconds of a clock that nobody sets, as all times here.
  init(openedAt: Int64) {
    self.openedAt = openedAt
    idleSince = openedAt
  }

  /// An answer came, with what its head says.
  mutating func answered(_ keepAlive: KeepAlive, at now: Int64) {
    answers += 1
    idleSince = now
    timeoutSeconds = keepAlive.timeoutSeconds
    // What is not repeated counts on.
    messagesLeft = keepAlive.messagesLeft ?? messagesLeft.map { $0 - 1 }
  }

  /// Why the connection is not used any more at `now`; nil where it is.
  ///
  /// - Parameter isSpare: whether it may go for having been idle; one that is kept warm may not.
  func end(at now: Int64, _ bounds: Bounds, isSpare: Bool) -> ConnectionEnd? {
    if now - openedAt >= bounds.age { return .age }
    if let messagesLeft, messagesLeft <= 0 { return .messages }
    // A second before the other side's time is up, since the message takes time to get there.
    if let timeoutSeconds, now - idleSince >= Int64(timeoutSeconds - 1) * 1_000_000_000 {
      return .idle
    }
    return isSpare && now - idleSince >= bounds.idle ? .idle : nil
  }

  /// Whether it served nobody, and not for long: an acquirer that closes such ones is not asked for
  /// the next at once.
  func wasInVain(at now: Int64) -> Bool {
    answers == 0 && now - openedAt < 10_000_000_000
  }
}
