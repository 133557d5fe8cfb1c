import Glibc
import TestNetwork
import Testing

@testable import cadenas_dev

/// A start that takes its time.
@Suite struct StartTests {
  /// More cards where a machine has built the index of fewer before it could be told to stop.
  private static let cards = [10_000, 40_000, 160_000]

  @Test func aStopWhileItStartsEndsIt() throws {
    try withScratchDirectory { directory in
      let installation = "\(directory)/i"
      let programs = try Account.programs
      let first = try RunningInstallation(
        directory: installation, programs: programs, life: .free)
      #expect(first.stop() == .exited(0))
      for count in Self.cards {
        try ChildProcess.run(
          programs.developmentCommand([
            "fill", "--directory", installation, "--cards", "\(count)",
          ]))
        try ChildProcess.run(["rm", "\(installation)/store/index.mdb"])
        let log = try Self.stopWhileItStarts(installation, programs)
        guard !log.contains("\"message\":\"serving\"") else { continue }
        let last = log.split(separator: "\n").last ?? ""
        #expect(last.contains("\"stopped before it served\""), "\(log)")
        return
      }
      Issue.record("every start was over before it could be stopped")
    }
  }

  @Test func aStopAsSoonAsItAcceptsConnectionsIsAnOrdinaryOne() async throws {
    try await withScratchDirectory { directory in
      let installation = "\(directory)/i"
      let programs = try Account.programs
      let first = try RunningInstallation(
        directory: installation, programs: programs, life: .free)
      #expect(first.stop() == .exited(0))
      let command = programs.vaultCommand([
        "serve", "--config", "\(installation)/cadenas.yaml",
      ])
      for _ in 0..<8 {
        let (service, output) = try ChildProcess.spawn(command, name: "cadenas")
        defer { close(output) }
        let client = BareConnections(port: first.vault.port)
        while (try? await client.open(1)) == nil, service.poll() == nil {}
        service.send(SIGTERM)
        await client.end()
        let log = ChildProcess.drain(output)
        #expect(service.wait() == .exited(0))
        #expect(log.contains(#""message":"stopped""#), "\(log)")
      }
      let entries = try ChildProcess.run(
        programs.vaultCommand([
          "audit", "show", "--operation", "serve", "--config", "\(installation)/cadenas.yaml",
        ]))
      #expect(entries.ranges(of: " stopped ").count == 9, "\(entries)")
    }
  }

  /// Starts the vault and stops it as soon as it works on its index; what it has logged.
  private static func stopWhileItStarts(
    _ installation: String, _ programs: Programs
  ) throws -> String {
    let (service, output) = try ChildProcess.spawn(
      programs.vaultCommand(["serve", "--config", "\(installation)/cadenas.yaml"]), name: "cadenas")
    defer { close(output) }
    var log: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4_096)
    var isTold = false
    while case let count = unsafe read(output, &buffer, buffer.count), count > 0 {
      log += buffer[..<count]
      let text = String(decoding: log, as: UTF8.self)
      if !isTold, text.contains("the fingerprint index is built anew") {
        service.send(SIGTERM)
        isTold = true
      }
    }
    #expect(service.wait() == .exited(0))
    return String(decoding: log, as: UTF8.self)
  }
}
