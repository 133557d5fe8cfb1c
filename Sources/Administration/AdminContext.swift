internal import Ledgers
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// What the connections of an administration socket share.
final class AdminContext: Sendable {
  let operations: Operations
  let logger: Logger
  private let access: Mutex<AccessList>
  private let state = Mutex(State())
  private let pools = Dictionary(
    uniqueKeysWithValues: AdminLane.allCases.map {
      ($0, NIOThreadPool(numberOfThreads: $0.threads))
    })
  private let stopping = Atomic(false)

  private struct State {
    var connections: [ObjectIdentifier: any Channel] = [:]
    var running: [AdminLane: Int] = [:]
  }

  init(operations: Operations, access: AccessList, logger: Logger) {
    self.operations = operations
    self.access = Mutex(access)
    self.logger = logger
    for pool in pools.values { pool.start() }
  }

  /// Whether the socket is being closed: long operations look at it.
  var isStopping: Bool { stopping.load(ordering: .relaxed) }

  func update(access new: AccessList) { access.withLock { $0 = new } }

  /// Breaks running operations and their connections off, and waits for no one.
  func stop() {
    stopping.store(true, ordering: .relaxed)
    for pool in pools.values { pool.shutdownGracefully { _ in } }
    let connections = state.withLock { Array($0.connections.values) }
    for connection in connections { connection.close(promise: nil) }
  }

  /// Counts a connection; false where there are too many.
  func admit(_ connection: any Channel) -> Bool {
    state.withLock { state in
      guard state.connections.count < AdminServer.Limits.connections else { return false }
      state.connections[ObjectIdentifier(connection)] = connection
      return true
    }
  }

  func release(_ connection: any Channel) {
    state.withLock { state in
      state.connections[ObjectIdentifier(connection)] = nil
    }
  }

  /// The role of `user`, now.
  func role(of user: HostUser) -> Role? { access.withLock { $0.role(of: user) } }

  /// Runs `body` on a thread that may wait; false where as many run in its lane as may.
  func perform(in lane: AdminLane, _ body: @escaping @Sendable () -> Void) -> Bool {
    let isAdmitted = state.withLock { state in
      guard lane == .short || state.running[lane, default: 0] < lane.threads else { return false }
      state.running[lane, default: 0] += 1
      return true
    }
    guard isAdmitted, let pool = pools[lane] else { return false }
    pool.submit { [self] poolState in
      if case .active = poolState { body() }
      state.withLock { $0.running[lane, default: 0] -= 1 }
    }
    return true
  }
}
