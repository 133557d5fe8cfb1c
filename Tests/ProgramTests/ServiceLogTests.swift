import Glibc
import TestNetwork
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// The service's log and its metrics as whoever runs the service reads them, or does not.
  @Suite(.stage) struct ServiceLogTests {
    /// Refusals, of which each is a line: several times as many as the pipe holds.
    private static let refusals = 150
    private static let root =
      #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()

    /// Runs `body` with a vault whose log fills a pipe that nobody reads, and starts the suite's own again.
    private static func withUnreadLog(
      _ body: (_ stage: Stage, _ log: Pipe, _ service: ChildProcess) async throws -> Void
    ) async throws {
      let stage = try Stage.current
      let vault = try stage.running.vault
      try await stage.stop()
      let log = try Pipe()
      let service = try log.start(stage)
      defer { service.send(SIGKILL) }
      try await fill(log, stage, vault)
      try await body(stage, log, service)
      try await stage.start()
    }

    @Test func whoDoesNotReadTheLogHoldsNobodyUp() async throws {
      try await Self.withUnreadLog { stage, log, service in
        #expect(try stage.cadenas("metrics").contains("\ncadenas_log_lines_lost_total 0\n"))
        // It is read again, and nothing is missing.
        var text = ""
        func lines() -> [String] { text.split(separator: "\n").map(String.init) }
        try await eventually("all lines have come") {
          text += log.read()
          return lines().filter { $0.contains("\"request\"") }.count == Self.refusals
        }
        service.send(SIGTERM)
        var ended: cadenas_dev.ExitStatus?
        try await eventually("it ends") {
          ended = service.poll()
          text += log.read()
          return ended != nil
        }
        #expect(ended == .exited(0))
        for line in lines() {
          #expect((try? JSONMembers(Array(line.utf8)))?["message"] != nil, "\(line)")
        }
        #expect(lines().last?.contains("\"stopped\"") == true, "\(lines().suffix(3))")
      }
    }

    @Test func aLogThatNobodyReadsIsInTheWayOfNoStop() async throws {
      try await Self.withUnreadLog { _, _, service in
        service.send(SIGTERM)
        try await eventually("it ends") { service.poll() != nil }
        #expect(service.poll() == .exited(0))
      }
      _ = try Stage.current.cadenas("audit", "verify")
    }

    /// Makes lines until the pipe is full, and some more.
    private static func fill(_ log: Pipe, _ stage: Stage, _ vault: Endpoint) async throws {
      try await eventually("the vault answers") {
        guard let wire = try? await stage.connect("shop", at: vault) else { return false }
        await wire.close()
        return true
      }
      let wire = try await stage.connect("shop", at: vault)
      for _ in 0..<refusals {
        expect(
          try await wire.ask(.tokenize("4970105181818184")), 422, "invalid-card-number",
          pointer: "/number")
      }
      await wire.close()
      // What is written last may be a part of a line, or leave less room than a line needs.
      try await eventually("the pipe is full") { log.waiting > Pipe.bytes - 512 }
      let state = try await stage.ask(.tokenize(TestCard.visa), at: vault)
      #expect(state.status < 300)
    }

    /// What stands in the documentation as the way of a checkpoint out of the journal.
    @Test func theDocumentedCommandTakesACheckpointOutOfTheLog() async throws {
      let stage = try Stage.current
      _ = try await stage.token(of: TestCard.visa)
      try await stage.logLine(with: "\"message\":\"checkpoint\"")
      let page = try DevelopmentFiles.readText(
        "\(Self.root)/Sources/cadenas/Documentation.docc/AuditLog.md")
      let source = "journalctl -u cadenas -o cat"
      let item = try #require(page.split(separator: "\n").first { $0.contains(source) })
      let command = try #require(item.split(separator: "`").first { $0.contains(source) })
      let line = String(
        command.replacing(source, with: "cat '\(stage.directory)/logs/vault.log'"))
      let note = try ChildProcess.run(["sh", "-c", line])
      let kept = "\(stage.directory)/kept"
      try Account.write(Array(note.utf8), to: kept)
      #expect(try stage.cadenas("audit", "verify", "--since", kept).hasPrefix("intact"))
    }

    /// What `promtool check metrics` asks for, which operators run over what they scrape.
    @Test func everyMetricHasANameAsPrometheusWantsIt() throws {
      let text = try Stage.current.cadenas("metrics")
      let comments = text.split(separator: "\n").filter { $0.hasPrefix("#") }
        .map { $0.split(separator: " ", maxSplits: 3).map(String.init) }
      let kinds = comments.filter { $0[1] == "TYPE" }
      let names = kinds.map { $0[2] }
      let histograms = kinds.filter { $0[3] == "histogram" }.map { $0[2] }
      #expect(names.count > 20 && Set(names).count == names.count)
      #expect(comments.filter { $0[1] == "HELP" && $0[3].count > 5 }.map { $0[2] } == names)
      for kind in kinds {
        let (name, words) = (kind[2], kind[2].split(separator: "_").map(String.init))
        #expect((words.last == "total") == (kind[3] == "counter"), "\(name)")
        #expect(Self.noUnits.isDisjoint(with: words), "\(name)")
        #expect(name.utf8.allSatisfy { (0x61...0x7A).contains($0) || $0 == 0x5F }, "\(name)")
      }
      for line in text.split(separator: "\n") where !line.hasPrefix("#") {
        let name = String(line.prefix { $0 != "{" && $0 != " " })
        let parts = ["_bucket", "_sum", "_count"].filter { name.hasSuffix($0) }
          .map { String(name.dropLast($0.count)) }
        #expect(names.contains(name) || parts.contains { histograms.contains($0) }, "\(line)")
      }
    }

    /// Units that are not Prometheus' own, abbreviations, and kinds of metrics.
    private static let noUnits: Set<String> = [
      "milliseconds", "microseconds", "nanoseconds", "minutes", "hours", "days", "weeks",
      "kilobytes", "megabytes", "gigabytes", "kibibytes", "mebibytes", "bits", "percent",
      "s", "ms", "us", "ns", "sec", "min", "h", "d", "b", "kb", "mb", "gb", "counter", "gauge",
    ]

    /// A pipe as small as the system has them, whose reader is the test.
    private final class Pipe {
      static let bytes = 4_096
      /// `F_SETPIPE_SZ`, which the headers give only to those who ask for the extensions of GNU.
      private static let setSize: Int32 = 1_031

      private let reading: Int32
      private let writing: Int32

      init() throws {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw DevelopmentError.system("pipe") }
        (reading, writing) = (ends[0], ends[1])
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(reading, F_SETFL, O_NONBLOCK)
        guard fcntl(writing, Self.setSize, Int32(Self.bytes)) >= 0 else {
          throw DevelopmentError.system("pipe")
        }
      }

      deinit {
        close(reading)
        close(writing)
      }

      /// Starts the vault with this as its standard streams.
      func start(_ stage: Stage) throws -> ChildProcess {
        try ChildProcess.spawn(
          stage.programs.vaultCommand(["serve", "--config", stage.configuration]), name: "cadenas",
          output: writing)
      }

      /// How much waits to be read, in bytes.
      var waiting: Int {
        var count: Int32 = 0
        return unsafe ioctl(reading, UInt(FIONREAD), &count) == 0 ? Int(count) : 0
      }

      /// What waits.
      func read() -> String {
        var text = ""
        var buffer = [UInt8](repeating: 0, count: Self.bytes)
        while case let count = unsafe Glibc.read(reading, &buffer, buffer.count), count > 0 {
          text += String(decoding: buffer[..<count], as: UTF8.self)
        }
        return text
      }
    }
  }
}

extension Stage {
  /// One request on a connection of its own, to a vault that somebody else has started.
  fileprivate func ask(
    _ request: WireRequest, at vault: Endpoint
  ) async throws -> WireAnswer {
    let wire = try await connect("shop", at: vault)
    let answer = try await wire.ask(request)
    await wire.close()
    return answer
  }
}
