import Glibc
import TestNetwork
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// Programs that are started without their standard streams, as `<&- >&- 2>&-` does.
  @Suite(.stage { $0.replacing("16GiB", with: "64MiB") }) struct StandardStreamTests {
    /// Requests that are refused: a line of the log each, more than LMDB's first pages hold.
    private static let refusals = 60

    @Test func whateverIsClosedTheLogStaysOutOfTheStore() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visa)
      let vault = try stage.running.vault
      try await stage.stop()
      for closed in 0..<8 {
        let streams = (STDIN_FILENO...STDERR_FILENO).filter { closed >> $0 & 1 == 1 }
        let service = try Self.spawn(
          [stage.programs.vault, "serve", "--config", stage.configuration], without: streams)
        defer { service.send(SIGKILL) }
        try await eventually("the vault answers without \(streams)") {
          if service.poll() != nil { return true }
          guard let wire = try? await stage.connect("shop", at: vault) else { return false }
          await wire.close()
          return true
        }
        try #require(service.poll() == nil, "without \(streams) it has ended")
        let wire = try await stage.connect("shop", at: vault)
        for _ in 0..<Self.refusals {
          expect(try await wire.ask(.delete("tok_none")), 404, "token-not-found")
        }
        let answer = try await wire.ask(.tokenize(TestCard.visa))
        #expect(answer.status == 200 && answer["token"] == token, "without \(streams)")
        await wire.close()
        if getuid() == 0 {
          // Nobody else may see what a vault has open; the store tells the rest.
          #expect(try Self.targets(of: service) == Array(repeating: "/dev/null", count: 3))
        }
        service.send(SIGTERM)
        #expect(service.wait() == .exited(0), "without \(streams)")
        _ = try stage.cadenas("store", "verify")
        _ = try stage.cadenas("audit", "verify")
      }
    }

    @Test func theOtherProgramFillsThemToo() async throws {
      let stage = try Stage.current
      let streams = [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO]
      let acquirer = try Self.spawn(
        [stage.programs.development, "acquirer", "--pki", stage.pki.directory], without: streams)
      defer {
        acquirer.send(SIGKILL)
        _ = acquirer.wait()
      }
      try await eventually("it has become the program") {
        try Self.target(of: acquirer, "exe").hasSuffix("/cadenas-dev")
          && (try? Self.target(of: acquirer, "fd/2")) != nil
      }
      let targets = try Self.targets(of: acquirer)
      #expect(targets == ["/dev/null", "/dev/null", "/dev/null"])
    }

    /// Starts `command` as the account, with the descriptors `closed` closed.
    private static func spawn(_ command: [String], without closed: [Int32]) throws -> ChildProcess {
      let stage = try Stage.current
      let log = unsafe open("/dev/null", O_RDWR | O_CLOEXEC)
      guard log >= 0 else { throw DevelopmentError.system("/dev/null") }
      defer { close(log) }
      let script = #"exec "$@" "# + closed.map { "\($0)>&-" }.joined(separator: " ")
      return try ChildProcess.spawn(
        stage.programs.account + ["sh", "-c", script, "sh"] + command, name: "program", output: log)
    }

    /// What descriptors 0 to 2 of the process are.
    private static func targets(of process: ChildProcess) throws -> [String] {
      try (0...2).map { try target(of: process, "fd/\($0)") }
    }

    private static func target(of process: ChildProcess, _ name: String) throws -> String {
      var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
      let path = "/proc/\(process.pid)/\(name)"
      let count = unsafe readlink(path, &buffer, buffer.count)
      guard count > 0 else { throw DevelopmentError.system(path) }
      return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
  }
}
