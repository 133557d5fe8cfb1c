import Administration
import Ledgers
import Logging
import NIOCore
import ServiceLog
import Synchronization
import SystemCalls

/// Tells a webhook of alarms, one after the other, and tries again until it is told or a day has passed.
///
/// Nobody waits for it: an alarm is in the log, whatever becomes of this. What a restart finds untold stays
/// untold.
final class AlarmNotifier: Sendable {
  /// Alarms that wait; those past it are left out.
  static let mostWaiting = 1_000
  /// For how long one is tried, in nanoseconds: a day.
  static let patienceNanoseconds: UInt64 = 86_400_000_000_000
  private static let longestPauseSeconds: Int64 = 300

  struct Counts: Equatable {
    /// Told, and answered with success.
    var told: UInt64 = 0
    /// Attempts that came to nothing.
    var failed: UInt64 = 0
    /// Given up: no room, or a day has passed, or the process ended.
    var leftOut: UInt64 = 0
    var waiting = 0
  }

  private struct Message {
    let identifier: String
    let body: [UInt8]
    let sinceNanoseconds: UInt64
  }

  private struct State {
    var target: WebhookTarget?
    var waiting: [Message] = []
    var isSending = false
    /// Attempts that have failed since the last success.
    var failures = 0
    var counts = Counts()
  }

  private let group: any EventLoopGroup
  private let logger: Logger
  private let log: String
  private let unit: TimeAmount
  private let now: @Sendable () -> UInt64
  private let state: Mutex<State>

  /// - Parameters:
  ///   - target: nil where nobody is to be told.
  ///   - log: the name of the audit log.
  ///   - unit: the first pause after a failure; each doubles the one before.
  ///   - now: a monotonic clock, in nanoseconds.
  init(
    _ target: WebhookTarget?, log: String, on group: any EventLoopGroup, logger: Logger,
    unit: TimeAmount = .seconds(1),
    now: @escaping @Sendable () -> UInt64 = SystemClock.monotonicNanoseconds
  ) {
    self.group = group
    self.logger = logger
    self.log = log
    self.unit = unit
    self.now = now
    state = Mutex(State(target: target))
  }

  var counts: Counts {
    state.withLock { state in
      var counts = state.counts
      counts.waiting = state.waiting.count
      return counts
    }
  }

  /// Tells another webhook from now on, or none: what waits for none is left out.
  func update(_ target: WebhookTarget?) {
    state.withLock { state in
      state.target = target
      state.failures = 0
      guard target == nil else { return }
      state.counts.leftOut += UInt64(state.waiting.count)
      state.waiting = []
    }
  }

  /// Has an alarm be told. Waits for nothing.
  func add(_ raised: RaisedAlarm) {
    let message = Message(
      identifier: "\(log)/\(raised.sequence)",
      body: raised.document(of: log, atMilliseconds: SystemClock.unixMilliseconds()),
      sinceNanoseconds: now())
    let isFirst = state.withLock { state in
      guard state.target != nil else { return false }
      guard state.waiting.count < Self.mostWaiting else {
        state.counts.leftOut += 1
        return false
      }
      state.waiting.append(message)
      defer { state.isSending = true }
      return !state.isSending
    }
    if isFirst { send() }
  }

  /// Gives up what waits, and says how much that is. To be called when the process ends.
  func finish() {
    let rest = state.withLock { state in
      defer { state.waiting = [] }
      state.target = nil
      state.counts.leftOut += UInt64(state.waiting.count)
      return state.waiting.count
    }
    guard rest > 0 else { return }
    logger.warning("alarms were not told to the webhook", metadata: ["count": "\(rest)"])
  }

  /// Sends the first that waits, and goes on when that is over.
  private func send() {
    let next = state.withLock { state -> (Message, WebhookTarget)? in
      let expired = state.waiting.prefix { now() - $0.sinceNanoseconds > Self.patienceNanoseconds }
      state.counts.leftOut += UInt64(expired.count)
      state.waiting.removeFirst(expired.count)
      guard let target = state.target, let first = state.waiting.first else {
        state.isSending = false
        return nil
      }
      return (first, target)
    }
    guard let (message, target) = next else { return }
    let loop = group.any()
    WebhookCall.post(message.body, identifier: message.identifier, to: target, on: loop)
      .whenComplete { [self] result in
        switch result {
        case .success: succeeded(message, target)
        case .failure(let error): failed(error, target, on: loop)
        }
      }
  }

  private func succeeded(_ message: Message, _ target: WebhookTarget) {
    let failures = state.withLock { state in
      state.counts.told += 1
      if state.waiting.first?.identifier == message.identifier { state.waiting.removeFirst() }
      defer { state.failures = 0 }
      return state.failures
    }
    if failures > 0 {
      logger.notice(
        "the webhook is told of alarms again",
        metadata: ["host": "\(target.authority)", "failures": "\(failures)"])
    }
    send()
  }

  private func failed(_ error: any Error, _ target: WebhookTarget, on loop: any EventLoop) {
    let failures = state.withLock { state in
      state.counts.failed += 1
      state.failures += 1
      return state.failures
    }
    // Once for a row of failures, so that one that lasts fills no log.
    if failures == 1 {
      logger.error(
        "the webhook is not told of an alarm; it is tried again",
        metadata: ["host": "\(target.authority)", "reason": .whole(Self.reason(error))])
    }
    let doublings = Int64(min(failures - 1, 20))
    let pause = min(
      unit * (Int(1) << Int(doublings)), .seconds(Self.longestPauseSeconds))
    loop.scheduleTask(in: pause) { [self] in send() }
  }

  private static func reason(_ error: any Error) -> String {
    switch error {
    case WebhookCall.Failure.timeout: "no answer in time"
    case WebhookCall.Failure.closed: "the connection was closed without an answer"
    case WebhookCall.Failure.status(let status): "it answered \(status)"
    default: "\(error)"
    }
  }
}
