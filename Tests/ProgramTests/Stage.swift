import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import TestNetwork
import Testing

@testable import cadenas_dev

/// A throwaway installation whose vault and acquirer run as processes: what a black box is tested
/// with. The tests of a suite share one, named by the suite's trait ``Trait``.
final class Stage: Sendable {
  /// The installation of the suite that runs.
  static var current: Stage {
    get throws {
      guard let stage = local else { throw Failed("this suite has no installation") }
      return stage
    }
  }
  @TaskLocal private static var local: Stage?

  /// What has gone wrong with the installation itself.
  struct Failed: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
  }

  /// Where it stands while it runs.
  struct Running: Sendable {
    let vault: Endpoint
    let acquirer: Endpoint
    /// The issuer's side of 3-D Secure.
    let accessControl: Endpoint
    let vaultProcess: pid_t
    let acquirerProcess: pid_t
    /// `cadenas-dev up` itself.
    let supervisor: pid_t

    /// Waits for the end of `cadenas-dev up`, without keeping a thread from the other tasks.
    func wait() async throws -> cadenas_dev.ExitStatus {
      var status: Int32 = 0
      while unsafe waitpid(supervisor, &status, WNOHANG) == 0 { try await pause(milliseconds: 5) }
      return cadenas_dev.ExitStatus(waitStatus: status)
    }
  }

  /// Processes are started on a thread that stays as long as the tests do, since the kernel ends
  /// them with the thread that started them.
  private static let starter: NIOThreadPool = {
    let pool = NIOThreadPool(numberOfThreads: 1)
    pool.start()
    return pool
  }()

  let directory: String
  let programs: Programs
  private let state = Mutex<Running?>(nil)

  private init(_ programs: Programs) throws {
    self.programs = programs
    directory = try Account.makeTemporaryDirectory(prefix: "cadenas-stage")
  }

  /// Makes an installation, runs `body` with it, and takes it down again, whatever happened.
  ///
  /// - Parameter adjust: changes the configuration before the first start.
  static func withStage(
    of programs: Programs? = nil, adjust: (String) -> String = { $0 },
    _ body: (Stage) async throws -> Void
  ) async throws {
    let fresh = String(decoding: PackageResources.development_yaml, as: UTF8.self)
      .replacing("USER", with: try Account.name)
    try await withStage(
      of: programs ?? Account.programs,
      filling: { stage in
        try Account.write(Array(patient(adjust(fresh)).utf8), to: stage.configuration)
      }, body)
  }

  /// Deadlines that a machine does not reach, however busy it is, in seconds. A suite that is about one
  /// of them names it itself.
  private static let patience = [
    "handshake_seconds": 60, "header_seconds": 60, "body_seconds": 60, "idle_seconds": 3_600,
    "acquirer_connect_seconds": 60, "acquirer_answer_seconds": 120,
  ]

  /// The configuration with the deadlines of ``patience`` that it does not name.
  private static func patient(_ configuration: String) -> String {
    let missing = patience.filter { !configuration.contains($0.key) }.sorted { $0.key < $1.key }
      .map { "\($0.key): \($0.value)" }
    let flow = missing.joined(separator: ", ")
    if configuration.contains("limits: {") {
      return configuration.replacing("limits: {", with: "limits: {\(flow), ", maxReplacements: 1)
    }
    return configuration + "limits: {\(flow)}\n"
  }

  /// The same with programs that are run otherwise, and with an installation that `fill` puts into
  /// the stage's empty directory.
  static func withStage(
    of programs: Programs, filling fill: (Stage) throws -> Void,
    _ body: (Stage) async throws -> Void
  ) async throws {
    let stage = try Stage(programs)
    defer { stage.remove() }
    try fill(stage)
    do {
      try await stage.start()
      try await body(stage)
    } catch {
      try? await stage.kill()
      Issue.record("the vault's log ends:\n\(stage.logs().suffix(2_000))")
      throw error
    }
    if stage.state.withLock({ $0 != nil }) {
      let status = try await stage.stop()
      #expect(status == .exited(0), "the installation did not stop as it should")
    }
  }

  private func remove() { _ = try? ChildProcess.run(["rm", "-rf", directory]) }

  /// For a suite: its tests run with one installation, which ``Stage/current`` is.
  struct Trait: SuiteTrait, TestScoping {
    let adjust: @Sendable (String) -> String

    func provideScope(
      for test: Test, testCase: Test.Case?,
      performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
      try await Stage.withStage(adjust: adjust) { stage in
        try await Stage.$local.withValue(stage) { try await function() }
      }
    }
  }
}

extension Trait where Self == Stage.Trait {
  /// One installation for the suite.
  static var stage: Self { Stage.Trait { $0 } }

  /// One installation for the suite, with other limits, and what else `adjust` changes.
  static func stage(
    limits: [String: Int], _ adjust: @escaping @Sendable (String) -> String = { $0 }
  ) -> Self {
    let flow = limits.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
    return stage { adjust($0) + "limits: {\(flow.joined(separator: ", "))}\n" }
  }

  /// One installation for the suite, with another configuration than a development one has.
  static func stage(_ adjust: @escaping @Sendable (String) -> String) -> Self {
    Stage.Trait(adjust: adjust)
  }
}

// MARK: - Starting and stopping

extension Stage {
  /// Where it stands.
  /// - Throws: ``Failed`` while it does not run.
  var running: Running {
    get throws {
      guard let running = state.withLock({ $0 }) else { throw Failed("nothing runs") }
      return running
    }
  }

  /// Starts vault and acquirer and waits until both answer.
  func start() async throws {
    let running = try await Self.starter.runIfActive { [directory, programs] in
      let installation = try RunningInstallation(
        directory: directory, programs: programs, life: .bound)
      return Running(
        vault: installation.vault, acquirer: installation.acquirer,
        accessControl: try Endpoint(installation.members["acs"] ?? ""),
        vaultProcess: installation.vaultProcess,
        acquirerProcess: installation.acquirerProcess,
        supervisor: installation.process)
    }
    state.withLock { $0 = running }
    // The socket of administration comes a moment after that of the clients.
    try await eventually("the administration answers") { (try? cadenas("status")) != nil }
  }

  /// Stops both as an operator would, and says how that ended.
  @discardableResult
  func stop() async throws -> cadenas_dev.ExitStatus? {
    guard let running = take() else { return nil }
    _ = Glibc.kill(running.supervisor, SIGTERM)
    return try await running.wait()
  }

  /// Ends the vault as a crash would. The rest of the installation follows, and can be started again.
  func kill() async throws {
    guard let running = take() else { return }
    _ = Glibc.kill(running.vaultProcess, SIGKILL)
    _ = try await running.wait()
  }

  /// Ends the acquirer as a crash would; the vault is told to stop then.
  func killAcquirer() async throws {
    guard let running = take() else { return }
    _ = Glibc.kill(running.acquirerProcess, SIGKILL)
    _ = try await running.wait()
  }

  /// Tells the vault something.
  func signal(_ signal: Int32) throws {
    _ = Glibc.kill(try running.vaultProcess, signal)
  }

  private func take() -> Running? {
    state.withLock { running in
      defer { running = nil }
      return running
    }
  }
}

// MARK: - Its files and its clients

extension Stage {
  var configuration: String { "\(directory)/cadenas.yaml" }
  var pki: TLSMaterial { TLSMaterial(directory: "\(directory)/pki") }

  /// Everything that the vault has logged.
  func logs() -> String { (try? DevelopmentFiles.readText("\(directory)/logs/vault.log")) ?? "" }

  /// The first line of the log that holds each of `texts`, waited for: the vault waits for no line.
  @discardableResult
  func logLine(with texts: String...) async throws -> String {
    var line: Substring?
    try await eventually("the log has a line with \(texts)") {
      line = logs().split(separator: "\n").first { line in texts.allSatisfy { line.contains($0) } }
      return line != nil
    }
    return String(line ?? "")
  }

  /// Changes the configuration file.
  func configure(_ change: (String) -> String) throws {
    try DevelopmentFiles.write(
      Array(change(try DevelopmentFiles.readText(configuration)).utf8), to: configuration)
  }

  /// Has the vault read its configuration anew, and waits until it has said `message` about it.
  func reload(saying message: String = "configuration reloaded") async throws {
    let before = count(of: "\"\(message)\"")
    try signal(SIGHUP)
    try await eventually("the log says \(message)") { count(of: "\"\(message)\"") > before }
  }

  private func count(of text: String) -> Int { logs().ranges(of: text).count }

  /// A connection to the vault with the pair `name`.
  func connect(_ name: String = "shop") async throws -> Wire {
    try await connect(name, at: try running.vault)
  }

  /// The same with a vault that somebody else has started.
  func connect(_ name: String, at vault: Endpoint) async throws -> Wire {
    try await Wire(to: vault, context: try pki.client(name, trusting: "ca"))
  }

  /// One request on a connection of its own.
  func ask(_ request: WireRequest, as name: String = "shop") async throws -> WireAnswer {
    let wire = try await connect(name)
    let answer = try await wire.ask(request)
    await wire.close()
    return answer
  }

  /// The token of a card, which must be taken.
  func token(of number: String, as name: String = "shop") async throws -> String {
    let answer = try await ask(.tokenize(number), as: name)
    guard [200, 201].contains(answer.status), let token = answer["token"] else {
      throw Failed("tokenize answered \(answer.status) \(answer.body)")
    }
    return token
  }

  /// How many payment messages the acquirer has received, and which.
  func received() async throws -> (count: Int, identifiers: [String]) {
    let wire = try await Wire(
      to: try running.acquirer, context: try pki.client("acquirer", trusting: "acquirer-ca"))
    let answer = try await wire.ask(WireRequest(method: "GET", path: "/received"))
    await wire.close()
    let members = try JSONMembers(Array(answer.body.utf8))
    return (Int(members["count"] ?? "") ?? -1, members.list("payment_ids"))
  }

  /// Runs `cadenas` against the installation and returns what it printed.
  func cadenas(_ arguments: String...) throws -> String { try cadenas(arguments) }

  /// The same with a list.
  func cadenas(_ arguments: [String]) throws -> String {
    try ChildProcess.run(programs.vaultCommand(arguments + ["--config", configuration]))
  }
}

/// Waits until `condition` holds, which is looked at again and again since other processes tell
/// nobody; a test that waits in vain fails after a very long while.
func eventually(
  _ what: String, _ condition: () async throws -> Bool
) async throws {
  let deadline = ContinuousClock.now + .seconds(300)
  while try await !condition() {
    guard ContinuousClock.now < deadline else { throw Stage.Failed("never true: \(what)") }
    try await pause(milliseconds: 5)
  }
}

/// Lets other processes go on for a moment. No test may rely on how long that is.
func pause(milliseconds: Int64) async throws {
  let loop = MultiThreadedEventLoopGroup.singleton.any()
  try await loop.scheduleTask(in: .milliseconds(milliseconds)) {}.futureResult.get()
}

extension RunningInstallation {
  /// The process ids of the vault, of the acquirer and of `cadenas-dev up` itself.
  var vaultProcess: pid_t { pid_t(members.integer("vault_pid") ?? 0) }
  var acquirerProcess: pid_t { pid_t(members.integer("acquirer_pid") ?? 0) }
  var process: pid_t { supervisor.pid }

  /// Waits until it ends, whoever told it to.
  func wait() -> cadenas_dev.ExitStatus { supervisor.wait() }
}
