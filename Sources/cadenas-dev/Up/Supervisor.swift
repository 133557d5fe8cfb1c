import Glibc

/// Starts the vault and the simulator, waits until both answer, and stops them in order.
///
/// Everything runs on the main thread: the kernel ends the children when the thread that started
/// them is gone, so even `kill -9` of this program leaves none behind.
struct Supervisor {
  /// How long both may take until they answer, in seconds: a start can have an index to rebuild.
  static let startLimitSeconds = 120
  /// How long the vault may take to stop, in seconds: its drain limit and some more.
  static let stopLimitSeconds = 40
  /// How many of a log's last lines a message quotes.
  private static let quotedLines = 12

  /// A program that is started when vault and acquirer answer.
  struct Further {
    let name: String
    let command: [String]
    /// What answers a handshake when it has started.
    let endpoints: [Endpoint]
  }

  let installation: Installation
  let signals: SignalWaiter

  /// Runs both until a signal asks to stop; `ready` is called once when both answer.
  /// - Throws: ``DevelopmentError/childFailed(name:reason:log:)`` when one ends by itself.
  func run(
    vault: Endpoint, acquirer: Endpoint, accessControl: Endpoint, programs: Programs,
    further: [Further] = [],
    ready: (_ vault: ChildProcess, _ acquirer: ChildProcess, _ further: [ChildProcess]) -> Void
  ) throws(DevelopmentError) {
    let simulator = try start(
      "acquirer",
      [
        programs.development, "acquirer", "--pki", installation.path("pki"),
        "--listen", "\(acquirer)", "--acs", "\(accessControl)",
      ])
    let service: ChildProcess
    do {
      service = try start(
        "vault", [programs.vault, "serve", "--config", installation.configuration])
    } catch {
      stop(simulator, within: 5)
      throw error
    }
    var children = [service, simulator]
    do {
      let pki = installation.pki
      let clients = [
        try HTTPSClient(to: vault, as: "shop", of: pki, trusting: "ca"),
        try HTTPSClient(to: acquirer, as: "vault-client", of: pki, trusting: "acquirer-ca"),
      ]
      if try waitUntilAnswering(clients, children), try start(further, &children) {
        ready(service, simulator, Array(children.dropFirst(2)))
        try waitForSignal(children)
      }
    } catch {
      for child in children.reversed() { stop(child, within: Self.stopLimitSeconds) }
      throw error
    }
    for child in children.dropFirst(2).reversed() { stop(child, within: Self.stopLimitSeconds) }
    let status = stop(service, within: Self.stopLimitSeconds)
    stop(simulator, within: 5)
    guard status == .exited(0) else { throw failure(service, "ended with \(status) when stopped") }
  }

  /// Starts the others, each when the one before answers; false where a signal came first.
  private func start(
    _ further: [Further], _ children: inout [ChildProcess]
  ) throws(DevelopmentError) -> Bool {
    for one in further {
      children.append(try start(one.name, one.command))
      var clients: [HTTPSClient] = []
      for endpoint in one.endpoints {
        clients.append(
          try HTTPSClient(
            to: endpoint, as: "shop-backend", of: installation.pki, trusting: "ca"))
      }
      guard try waitUntilAnswering(clients, children) else { return false }
    }
    return true
  }

  /// Starts `command` so that it dies with this process.
  private func start(_ name: String, _ command: [String]) throws(DevelopmentError) -> ChildProcess {
    let log = installation.path("logs/\(name).log")
    let descriptor = unsafe open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .system(log) }
    defer { close(descriptor) }
    return try ChildProcess.spawn(
      ChildProcess.bound(command, by: "KILL"), name: name, output: descriptor)
  }

  /// Whether both answer; false where a signal came first.
  private func waitUntilAnswering(
    _ clients: [HTTPSClient], _ children: [ChildProcess]
  ) throws(DevelopmentError) -> Bool {
    var waiting = clients
    let deadline = time(nil) + Self.startLimitSeconds
    while true {
      waiting.removeAll { $0.answersHandshake() }
      try checkAlive(children, "before it answered")
      if waiting.isEmpty { return true }
      guard time(nil) < deadline else {
        throw failure(children[0], "or the acquirer does not answer")
      }
      let signal = signals.wait(milliseconds: 25)
      if signal == SIGTERM || signal == SIGINT { return false }
    }
  }

  private func waitForSignal(_ children: [ChildProcess]) throws(DevelopmentError) {
    while true {
      let signal = signals.wait()
      if signal == SIGTERM || signal == SIGINT { return }
      try checkAlive(children, "by itself")
    }
  }

  private func checkAlive(
    _ children: [ChildProcess], _ circumstance: String
  ) throws(DevelopmentError) {
    for child in children {
      if let status = child.poll() {
        throw failure(child, "ended with \(status) \(circumstance)")
      }
    }
  }

  /// Asks `child` to end, and makes it end when `seconds` have passed.
  @discardableResult
  private func stop(_ child: ChildProcess, within seconds: Int) -> ExitStatus {
    child.send(SIGTERM)
    let deadline = time(nil) + seconds
    while time(nil) < deadline {
      if let status = child.poll() { return status }
      _ = signals.wait(milliseconds: 50)
    }
    child.send(SIGKILL)
    return child.wait()
  }

  private func failure(_ child: ChildProcess, _ reason: String) -> DevelopmentError {
    let log = try? DevelopmentFiles.readText(installation.path("logs/\(child.name).log"))
    let lines = (log ?? "").split(separator: "\n").suffix(Self.quotedLines)
    return .childFailed(name: child.name, reason: reason, log: lines.joined(separator: "\n"))
  }
}
