import Glibc
import NIOCore
import NIOPosix
import TestNetwork
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// A stranger who takes all the connections there are.
  @Suite(.stage(limits: ["connections": 200, "handshake_seconds": 60])) struct FloodTests {
    /// How many connections have come so far.
    private func arrived() throws -> Int {
      try Metrics.event("connections_accepted") + Metrics.event("connections_over_limit")
    }

    @Test func aStrangerWhoTakesEveryConnectionKeepsNobodyOut() async throws {
      let stranger = BareConnections(port: try Stage.current.running.vault.port)
      let before = try arrived()
      // More than there are, and they stay for as long as a handshake may take.
      try await stranger.open(260)
      try await eventually("all of them have come") { try arrived() >= before + 260 }
      for _ in 0..<5 {
        try await askOnce(as: "shop")
        try await askOnce(as: "other-shop")
      }
      #expect(try Metrics.event("handshakes_over_limit") >= 60)
      #expect(try Metrics.event("connections_over_limit") == 0)
      await stranger.end()
    }

    @Test func aStrangerWhoGoesOnAndOnKeepsNobodyOut() async throws {
      let port = try Stage.current.running.vault.port
      let stranger = BareConnections(port: port, from: "127.0.0.2")
      async let flood: Void = stranger.flood(most: 20_000)
      let before = try arrived()
      try await eventually("the flood has begun") { try arrived() > before + 200 }
      for _ in 0..<10 { try await askOnce(as: "shop") }
      await stranger.end()
      try? await flood
    }
  }

  /// A merchant who takes all the connections it can have.
  @Suite(.stage(limits: ["connections": 200, "connections_by_client": 60]))
  struct MerchantFloodTests {
    @Test func aMerchantWhoTakesManyConnectionsHasItsShareAndOthersHaveTheirs() async throws {
      let stage = try Stage.current
      let before = try Metrics.event("connections_over_client_share")
      var open: [Wire] = []
      var closed = 0
      for _ in 0..<200 {
        let wire = try await stage.connect()
        do {
          #expect([200, 201].contains(try await wire.ask(.tokenize(TestCard.visa)).status))
          open.append(wire)
        } catch {
          closed += 1
          await wire.close()
        }
      }
      #expect(open.count == 60)
      #expect(try Metrics.event("connections_over_client_share") == before + closed)
      for _ in 0..<5 { try await askOnce(as: "other-shop") }
      for wire in open {
        #expect(try await wire.ask(.tokenize(TestCard.visa)).status == 200)
        await wire.close()
      }
      try await eventually("the shop may connect again") {
        (try? await stage.ask(.tokenize(TestCard.visa)).status) == 200
      }
    }
  }

  /// Memory and files, of which connections take some.
  @Suite(.stage) struct ResourceTests {
    /// The vault's memory that belongs to no file, in KiB.
    private func memory() throws -> Int {
      let process = try Stage.current.running.vaultProcess
      let text = try DevelopmentFiles.readText("/proc/\(process)/status")
      let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("RssAnon:") })
      return try #require(Int(line.split(separator: " ")[1].drop { $0 == "\t" }))
    }

    /// Changes how many files the running vault may open.
    private func limitFiles(to most: Int) throws {
      let stage = try Stage.current
      let process = try stage.running.vaultProcess
      // As its own account: for that nobody needs a capability.
      try ChildProcess.run(
        stage.programs.account + ["prlimit", "--pid", "\(process)", "--nofile=\(most):"])
    }

    @Test func memoryOfConnectionsThatHaveGoneIsGivenBack() async throws {
      let stage = try Stage.current
      try Metrics.raiseOpenFiles()
      let before = try memory()
      var open: [Wire] = []
      for number in 0..<2_000 {
        let wire = try await stage.connect(number.isMultiple(of: 2) ? "shop" : "other-shop")
        #expect([200, 201].contains(try await wire.ask(.tokenize(TestCard.visa)).status))
        open.append(wire)
      }
      let most = try memory()
      // Otherwise there is nothing to give back.
      try #require(most - before > 60 << 10)
      for wire in open { await wire.close() }
      // Beyond what the heap may keep, something for the cards.
      try await eventually("memory is given back") { try memory() - before < 40 << 10 }
    }

    @Test func withoutDescriptorsItRestsSaysSoAndGoesOnWhenThereAreSome() async throws {
      let stage = try Stage.current
      try await stage.stop()
      try await stage.start()
      try limitFiles(to: 96)
      let stranger = BareConnections(port: try stage.running.vault.port)
      let start = ContinuousClock.now
      try await stranger.open(200)
      try await eventually("the log says it") {
        stage.logs().contains("no connection can be accepted")
      }
      await stranger.end()
      try await eventually("there are descriptors again") {
        (try? await stage.ask(.tokenize(TestCard.visa)).status).map { [200, 201].contains($0) }
          ?? false
      }
      let tries = try Metrics.event("accepts_failed")
      let seconds = Int((ContinuousClock.now - start).components.seconds) + 1
      // Ten a second, and not as fast as the processor can.
      #expect(tries >= 1 && tries <= 10 * seconds)
      #expect(
        stage.logs().ranges(of: "no connection can be accepted").count <= 2 + seconds / 30)
    }

    @Test func aCheckTellsWhatTheServiceMayOpenAndNotItsOwnShell() async throws {
      let stage = try Stage.current
      let check = stage.programs.vaultCommand(["check", "--config", stage.configuration])
      func said(_ command: [String]) throws -> String {
        try ChildProcess.run(["sh", "-c", #""$@" || true"#, "sh"] + command)
      }
      try await stage.stop()
      try await stage.start()
      // The shell may open little, and the service much.
      #expect(
        try said(["prlimit", "--nofile=64", "--"] + check).contains("enough files can be open"))
      try limitFiles(to: 1_000)
      #expect(try said(check).contains("only 1000 files can be open"))
      let status = try stage.cadenas("status", "--format", "json")
      #expect(status.contains(#""open_files_limit":1000"#))
    }
  }
}

/// Asks for a card on a connection of its own, which has to be let in at once.
private func askOnce(as name: String) async throws {
  let answer = try await Stage.current.ask(.tokenize(TestCard.visa), as: name)
  #expect([200, 201].contains(answer.status))
}

/// What the vault of the suite counts, and what the tests' own process may open.
enum Metrics {
  /// The value of the metric `name`, with its labels.
  static func read(_ name: String) throws -> Int {
    let lines = try Stage.current.cadenas("metrics").split(separator: "\n")
    let line = try #require(lines.first { $0.hasPrefix(name + " ") }, "no metric \(name)")
    return try #require(Int(line.dropFirst(name.count + 1)))
  }

  /// How often `event` has happened to connections.
  static func event(_ event: String) throws -> Int {
    try read("cadenas_connection_events_total{event=\"\(event)\"}")
  }

  /// Lets the process of the tests open as many files as it may allow itself to.
  static func raiseOpenFiles() throws {
    var limit = rlimit()
    let resource = Int32(bitPattern: RLIMIT_NOFILE.rawValue)
    guard unsafe getrlimit(resource, &limit) == 0 else {
      throw DevelopmentError.system("getrlimit")
    }
    limit.rlim_cur = limit.rlim_max
    guard unsafe setrlimit(resource, &limit) == 0 else {
      throw DevelopmentError.system("setrlimit")
    }
  }
}
