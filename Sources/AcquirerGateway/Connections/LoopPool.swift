import NIOCore
import Synchronization

/// The connections of one acquirer on one event loop: those that wait for a message, the one used last
/// taken first, and those that are to be there before the first message.
///
/// Nothing of it is shared with another loop, so nothing is locked. What an idle connection is worth is
/// looked at when it is taken, and once a second.
final class LoopPool: @unchecked Sendable {
  // Sendable holds: after `init` every variable property is touched on `loop` alone.

  /// How many connections of all are this loop's.
  struct Share: Equatable, Sendable {
    /// Idle ones that are kept.
    var kept: Int
    /// Open ones that are there before they are needed.
    var warm: Int
  }

  let loop: any EventLoop
  let endpoint: AcquirerEndpoint
  let limits: GatewayLimits
  private let share: Share
  private let tally: ConnectionTally
  /// The least recently used first.
  private var idle: [AcquirerConnection] = [] {
    didSet { hasIdle.store(!idle.isEmpty, ordering: .relaxed) }
  }
  /// Whether one waits for a message, for whoever deals them; no promise.
  let hasIdle = Atomic(false)
  /// Connections that stand, idle ones too.
  private var open = 0
  private var isOpeningWarm = false
  private var isWarm = false
  private var pace = WarmPace()
  private var waiting: Scheduled<Void>?
  private var sweep: Scheduled<Void>?
  private var retirement: ConnectionEnd?

  init(
    on loop: any EventLoop, to endpoint: AcquirerEndpoint, _ limits: GatewayLimits, _ share: Share,
    _ tally: ConnectionTally
  ) {
    self.loop = loop
    self.endpoint = endpoint
    self.limits = limits
    self.share = share
    self.tally = tally
  }

  /// Nanoseconds of a clock that nobody sets.
  static var now: Int64 { Int64(NIODeadline.now().uptimeNanoseconds) }

  // MARK: - Messages

  /// A connection that was kept and may be written to at this moment; nil where there is none.
  func take() -> AcquirerConnection? {
    let now = Self.now
    var index = idle.count - 1
    while index >= 0 {
      let connection = idle[index]
      if let end = connection.age.end(at: now, limits.connectionBounds, isSpare: false) {
        connection.close(end)
      } else {
        switch connection.look() {
        case .ready:
          idle.remove(at: index)
          tally.count {
            $0.idle -= 1
            $0.reused += 1
          }
          return connection
        // The loop has not read it yet, and says what it is when it has.
        case .unread: break
        case .over: connection.close(.peer)
        }
      }
      index = min(index, idle.count) - 1
    }
    return nil
  }

  /// Opens one for a message.
  ///
  /// - Returns: the connection, which `opened` gives again when it stands.
  func openFresh(_ opened: @escaping AcquirerConnection.Opened) -> AcquirerConnection {
    let connection = AcquirerConnection(in: self)
    connection.open { [self] result in
      if case .failure(let failure) = result { failedToOpen(failure) }
      opened(result)
    }
    return connection
  }

  /// Whether connections of this generation are not made any more, but for messages that came under it.
  var isRetired: Bool { retirement != nil }

  /// Notes that a message is sent a second time.
  func countRepetition() { tally.count { $0.repeated += 1 } }

  private func failedToOpen(_ failure: OpeningFailure) {
    guard failure.kind != .abandoned else { return }
    tally.count {
      $0.failed += 1
      $0.lastFailure = failure.cause
    }
  }

  // MARK: - Connections

  /// One has come to stand.
  func hasOpened(_ connection: AcquirerConnection) {
    open += 1
    tally.count {
      $0.open += 1
      $0.opened += 1
      $0.lastFailure = nil
    }
  }

  /// Takes one that may serve the next message, or closes it.
  func keep(_ connection: AcquirerConnection) {
    if let retirement { return connection.close(retirement) }
    guard idle.count < share.kept else { return connection.close(.spare) }
    if connection.age.answers > 0 { pace.succeeded() }
    idle.append(connection)
    tally.count { $0.idle += 1 }
    planSweep()
  }

  /// One that stood has been closed.
  func hasClosed(_ connection: AcquirerConnection, _ end: ConnectionEnd) {
    open -= 1
    let index = idle.firstIndex { $0 === connection }
    if let index { idle.remove(at: index) }
    tally.count {
      $0.open -= 1
      if index != nil { $0.idle -= 1 }
      $0.closed[end, default: 0] += 1
    }
    // By the other side's doing: it closed, or said what nobody had asked for.
    let isOthers = end == .peer || end == .surplus
    if isOthers, connection.age.wasInVain(at: Self.now) { return waitBeforeWarming() }
    if isOthers || end == .age { pace.succeeded() }
    fill()
  }

  private func planSweep() {
    guard sweep == nil, !idle.isEmpty else { return }
    sweep = loop.scheduleTask(in: .seconds(1)) { [weak self] in self?.sweepIdle() }
  }

  private func sweepIdle() {
    sweep = nil
    let now = Self.now
    for connection in idle {
      let end = connection.age.end(at: now, limits.connectionBounds, isSpare: open > share.warm)
      if let end { connection.close(end) }
    }
    planSweep()
  }

  // MARK: - Warm ones

  /// Opens what is to be there before the first message, and keeps it there.
  func warm() {
    isWarm = true
    fill()
  }

  private func fill() {
    guard isWarm, retirement == nil, !isOpeningWarm, waiting == nil, open < share.warm else {
      return
    }
    isOpeningWarm = true
    _ = openFresh { [self] result in
      isOpeningWarm = false
      switch result {
      case .success(let connection):
        keep(connection)
        fill()
      case .failure: waitBeforeWarming()
      }
    }
  }

  private func waitBeforeWarming() {
    guard isWarm, retirement == nil, waiting == nil else { return }
    let pause = TimeAmount.milliseconds(pace.failed(dice: Double.random(in: 0...1)))
    waiting = loop.scheduleTask(in: pause) { [weak self] in
      self?.waiting = nil
      self?.fill()
    }
  }

  // MARK: - The end

  /// Closes what is idle, and from now on whatever becomes idle.
  func retire(_ end: ConnectionEnd) {
    guard retirement == nil else { return }
    retirement = end
    waiting?.cancel()
    waiting = nil
    sweep?.cancel()
    sweep = nil
    for connection in idle { connection.close(end) }
  }
}
