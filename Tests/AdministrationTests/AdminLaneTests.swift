import AuditLog
import Glibc
import Logging
import NIOEmbedded
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import Administration

@Suite("Who asks for much on the administration socket keeps nobody out", .timeLimit(.minutes(5)))
struct AdminLaneTests {
  /// Work that goes on until the test lets it end.
  private final class Work: Sendable {
    private let begun = Gate()
    private let gate = Gate()

    func run() {
      begun.open()
      gate.wait()
    }

    /// Waits until `times` more have begun.
    func wait(_ times: Int) { for _ in 0..<times { begun.wait() } }

    /// Lets `times` more end.
    func end(_ times: Int) { for _ in 0..<times { gate.open() } }
  }

  private func withContext(_ body: (AdminContext) throws -> Void) throws {
    let context = AdminContext(
      operations: try TestService().operations(),
      access: AccessList(operators: [], auditors: []),
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    defer { context.stop() }
    try body(context)
  }

  private func user(_ identifier: UInt32) -> HostUser {
    HostUser(identifier: identifier, name: "user-\(identifier)", groups: [])
  }

  @Test("an auditor has two long operations, all of them four, and operators their own")
  func lanes() throws {
    try withContext { context in
      let work = Work()
      func begin(_ lane: AdminLane, as role: Role, _ number: UInt32) -> AdministrationError? {
        do throws(AdministrationError) {
          try context.perform(in: lane, as: role, user(number)) { work.run() }
          return nil
        } catch { return error }
      }
      for _ in 0..<2 { #expect(begin(.long, as: .auditor, 1) == nil) }
      #expect(begin(.long, as: .auditor, 1) == .busyWithOwn)
      for _ in 0..<2 { #expect(begin(.long, as: .auditor, 2) == nil) }
      #expect(begin(.long, as: .auditor, 3) == .busy)
      for _ in 0..<2 { #expect(begin(.urgent, as: .auditor, 1) == nil) }
      #expect(begin(.urgent, as: .auditor, 1) == .busy)
      for _ in 0..<4 { #expect(begin(.long, as: .operator, 4) == nil) }
      #expect(begin(.long, as: .operator, 4) == .busy)
      #expect(begin(.urgent, as: .operator, 4) == nil)
      work.wait(11)
      work.end(11)
      // Its place is free again, a moment after the work has ended.
      while begin(.long, as: .auditor, 1) != nil { sched_yield() }
      work.end(1)
    }
  }

  @Test("custodians and monitors have places of their own, which others cannot take")
  func placesOfOthers() throws {
    try withContext { context in
      let work = Work()
      func begin(_ lane: AdminLane, as role: Role, _ number: UInt32) -> AdministrationError? {
        do throws(AdministrationError) {
          try context.perform(in: lane, as: role, user(number)) { work.run() }
          return nil
        } catch { return error }
      }
      for role in [Role.operator, .auditor] {
        for _ in 0..<6 { #expect(begin(.persons, as: role, 1) == nil) }
        #expect(begin(.persons, as: role, 1) == .busy)
      }
      for number in 0..<6 { #expect(begin(.persons, as: .custodian, 10 + UInt32(number)) == nil) }
      // A monitor has four, of which two run; everybody else's short ones go on.
      for _ in 0..<4 { #expect(begin(.short, as: .monitor, 20) == nil) }
      #expect(begin(.short, as: .monitor, 20) == .busyWithOwn)
      for role in [Role.operator, .auditor, .custodian] {
        #expect(begin(.short, as: role, 30) == nil)
      }
      // Twelve and six persons, two monitors, three others.
      work.wait(23)
      work.end(25)
      work.wait(2)
    }
  }

  @Test("a user has some of the connections, and others have theirs")
  func connections() throws {
    try withContext { context in
      let greedy = (0..<AdminServer.Limits.connectionsByUser).map { _ in EmbeddedChannel() }
      for channel in greedy { #expect(context.admit(channel, of: 7)) }
      #expect(!context.admit(EmbeddedChannel(), of: 7))
      let other = EmbeddedChannel()
      #expect(context.admit(other, of: 8))
      context.release(greedy[0])
      #expect(context.admit(EmbeddedChannel(), of: 7))
    }
  }

  @Test("those who watch, or have no role, share some of the connections")
  func watchers() throws {
    try withContext { context in
      context.update(
        access: AccessList(operators: [], auditors: [.user("user-9")], monitors: [.user("user-7")]))
      for number in [7, 8, 9] as [UInt32] { context.remember(user(number)) }
      let half = AdminServer.Limits.connectionsByWatchers / 2
      var open: [EmbeddedChannel] = []
      func admit(_ number: UInt32) -> Bool {
        let channel = EmbeddedChannel()
        open.append(channel)
        return context.admit(channel, of: number)
      }
      for number in [7, 8] as [UInt32] {
        for _ in 0..<half { #expect(admit(number)) }
      }
      #expect(!admit(7) && !admit(8))
      #expect(admit(9) && admit(10))
      // Who gets a role is one of the others.
      context.update(access: AccessList(operators: [.user("user-7")], auditors: []))
      context.remember(user(7))
      #expect(admit(7) && admit(8))
    }
  }

  @Test("an auditor is told that it is their own, and an operator goes on")
  func overTheSocket() async throws {
    let service = try TestService()
    let work = Work()
    var hooks = try service.operations().hooks
    let record = hooks.record
    let isHeld = Atomic(true)
    hooks.record = { entry in
      if isHeld.load(ordering: .relaxed) { work.run() }
      try record?(entry)
    }
    let name = HostUser.current.name ?? ""
    let server = try AdminServer.start(
      path: service.socketPath, socketGroup: nil,
      access: AccessList(operators: [], auditors: [.user(name)]),
      operations: Operations(store: service.store, hooks: hooks),
      on: MultiThreadedEventLoopGroup.singleton,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    defer { server.stop() }
    let pool = NIOThreadPool(numberOfThreads: 2)
    pool.start()
    let held = (0..<2).map { _ in
      Task {
        try await pool.runIfActive {
          try AdminClient(path: service.socketPath).collect(VerifyAudit(since: nil)).documents.count
        }
      }
    }
    work.wait(2)
    #expect {
      try AdminClient(path: service.socketPath).collect(VerifyAudit(since: nil))
    } throws: { error in
      guard case AdminClient.Failure.problem(503, "busy", let detail) = error else { return false }
      return detail == AdministrationError.busyWithOwn.detail
    }
    isHeld.store(false, ordering: .relaxed)
    server.update(access: AccessList(operators: [.user(name)], auditors: []))
    let verified = try AdminClient(path: service.socketPath).collect(VerifyAudit(since: nil))
    #expect(verified.documents.count == 1)
    work.end(2)
    for task in held { #expect(try await task.value == 1) }
    try await pool.shutdownGracefully()
  }
}
