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
    uniqueKeysWithValues: AdminLane.allCases.flatMap { lane in
      Role.allCases.filter { lane.threads($0) > 0 }.map {
        (Seat(lane: lane, role: $0), NIOThreadPool(numberOfThreads: lane.threads($0)))
      }
    })
  /// Where it is decided who asks, and whether they may.
  private let deciding = NIOThreadPool(numberOfThreads: 2)
  private let stopping = Atomic(false)

  /// The threads of one role in one lane.
  private struct Seat: Hashable {
    let lane: AdminLane
    let role: Role
  }

  /// What one user has running in one lane.
  private struct Share: Hashable {
    let seat: Seat
    let user: UInt32
  }

  private struct State {
    var connections: [ObjectIdentifier: (channel: any Channel, user: UInt32)] = [:]
    /// Users who could at most watch when they were last looked up.
    var watchers: Set<UInt32> = []
    var running: [Seat: Int] = [:]
    var runningByUser: [Share: Int] = [:]
  }

  init(operations: Operations, access: AccessList, logger: Logger) {
    self.operations = operations
    self.access = Mutex(access)
    self.logger = logger
    for pool in allPools { pool.start() }
  }

  /// Whether the socket is being closed: long operations look at it.
  var isStopping: Bool { stopping.load(ordering: .relaxed) }

  func update(access new: AccessList) { access.withLock { $0 = new } }

  /// Breaks running operations and their connections off, and waits for no one.
  func stop() {
    stopping.store(true, ordering: .relaxed)
    for pool in allPools { pool.shutdownGracefully { _ in } }
    let connections = state.withLock { Array($0.connections.values) }
    for connection in connections { connection.channel.close(promise: nil) }
  }

  private var allPools: [NIOThreadPool] { pools.values + [deciding] }

  /// Counts a connection of `user`; false where there are too many, or that has too many.
  func admit(_ connection: any Channel, of user: UInt32) -> Bool {
    state.withLock { state in
      guard state.connections.count < AdminServer.Limits.connections,
        state.connections.values.count(where: { $0.user == user })
          < AdminServer.Limits.connectionsByUser
      else { return false }
      if state.watchers.contains(user) {
        let watching = state.connections.values.count { state.watchers.contains($0.user) }
        guard watching < AdminServer.Limits.connectionsByWatchers else { return false }
      }
      state.connections[ObjectIdentifier(connection)] = (connection, user)
      return true
    }
  }

  func release(_ connection: any Channel) {
    state.withLock { state in
      state.connections[ObjectIdentifier(connection)] = nil
    }
  }

  /// The role of `user` that permits something, now; nil where none does.
  func role(of user: HostUser, permitting right: Right) -> Role? {
    access.withLock { $0.role(of: user, permitting: right) }
  }

  /// Whether `user` has any role, now.
  func hasRole(_ user: HostUser) -> Bool { access.withLock { !$0.roles(of: user).isEmpty } }

  /// Notes what `user` is now: those who may at most watch, or nothing, share few connections from now on.
  func remember(_ user: HostUser) {
    let mayAct = access.withLock { !$0.roles(of: user).isSubset(of: [.monitor]) }
    state.withLock { state in
      if mayAct {
        state.watchers.remove(user.identifier)
      } else if state.watchers.count < AdminServer.Limits.mostWatchers {
        state.watchers.insert(user.identifier)
      }
    }
  }

  /// Runs `body`, which decides who asks and whether they may, on a thread that may wait.
  func decide(_ body: @escaping @Sendable () -> Void) {
    deciding.submit { poolState in
      if case .active = poolState { body() }
    }
  }

  /// Runs `body` on a thread of the user's role that may wait.
  ///
  /// - Throws: ``AdministrationError/busy`` where as many run in the lane as may,
  ///   ``AdministrationError/busyWithOwn`` where as many are the user's as may be.
  func perform(
    in lane: AdminLane, as role: Role, _ user: HostUser, _ body: @escaping @Sendable () -> Void
  ) throws(AdministrationError) {
    let seat = Seat(lane: lane, role: role)
    let share = Share(seat: seat, user: user.identifier)
    guard let pool = pools[seat] else {
      preconditionFailure("a role has the lanes of what it permits")
    }
    try state.withLock { (state) throws(AdministrationError) in
      guard state.runningByUser[share, default: 0] < lane.mostByUser(role) else {
        throw .busyWithOwn
      }
      guard lane == .short || state.running[seat, default: 0] < lane.threads(role) else {
        throw .busy
      }
      state.running[seat, default: 0] += 1
      state.runningByUser[share, default: 0] += 1
    }
    pool.submit { [self] poolState in
      if case .active = poolState { body() }
      state.withLock { state in
        state.running[seat, default: 0] -= 1
        state.runningByUser[share, default: 0] -= 1
        if state.runningByUser[share] == 0 { state.runningByUser[share] = nil }
      }
    }
  }
}
