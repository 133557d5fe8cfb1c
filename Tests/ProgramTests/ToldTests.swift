import AuditLog
import Testing
import VaultCore

@testable import cadenas
@testable import cadenas_dev

extension EndToEnd {
  /// What nobody asked about is told all the same: a clock that nothing keeps right, a checkpoint's file that is
  /// gone, a configuration that was refused.
  @Suite struct ToldTests {
    /// The entries of an operation, oldest first.
    private func entries(_ operation: String, _ stage: Stage) throws -> [JSONMembers] {
      try stage.cadenas("audit", "show", "--format", "json", "--operation", operation)
        .split(separator: "\n").map { try JSONMembers(Array($0.utf8)) }
    }

    private func waitFor(
      _ outcomes: [String], of operation: String, _ stage: Stage
    ) async throws {
      try await eventually("\(operation) has \(outcomes)") {
        try entries(operation, stage).compactMap { $0["outcome"] } == outcomes
      }
    }

    /// What `check` says of the clock.
    private func check(_ stage: Stage) throws -> String {
      let command = stage.programs.vaultCommand(["check", "--config", stage.configuration])
      let text = try ChildProcess.run(
        ["sh", "-c", #""$@" --format json || true"#, "sh"] + command)
      return String(
        text.split(separator: "{\"severity\":").last { $0.contains("clock") } ?? "")
    }

    @Test func aClockThatNothingKeepsRightIsToldUntilSomethingDoes() async throws {
      try await Stage.withStage(adjust: {
        $0.replacing("clock: {synchronized: none}", with: "clock: {synchronized: sign, within: 1h}")
      }) { stage in
        let sign = "\(stage.directory)/sign"
        try await waitFor(["unsynchronized"], of: "clock", stage)
        #expect(
          try entries("clock", stage).last?["reason"] == "cause=missing file=\(sign)")
        #expect(try check(stage).hasPrefix("\"warning\""))
        try await stage.logLine(with: "\"rule\":\"clock-unsynchronized\"")
        try Account.write([], to: sign)
        try await waitFor(["unsynchronized", "synchronized"], of: "clock", stage)
        #expect(try check(stage).hasPrefix("\"ok\""))
        try ChildProcess.run(["touch", "-d", "2 hours ago", sign])
        try await waitFor(["unsynchronized", "synchronized", "unsynchronized"], of: "clock", stage)
        #expect(try check(stage).contains("was touched"))
      }
    }

    @Test func nobodyIsToldOfAClockThatNobodyIsToLookAt() async throws {
      try await Stage.withStage { stage in
        #expect(try check(stage).isEmpty)
        // Another look, for which the file of the checkpoint would be one.
        try await stage.reload()
        #expect(try entries("clock", stage).isEmpty)
      }
    }

    @Test func aCheckpointsFileThatIsGoneOrNotWrittenIsTold() async throws {
      try await Stage.withStage(adjust: {
        $0 + "audit: {checkpoint_file: spool/checkpoint, checkpoint_seconds: 1}\n"
      }) { stage in
        let spool = "\(stage.directory)/spool"
        let file = "\(spool)/checkpoint"
        // There is no such directory yet.
        try await waitFor(["failed"], of: "checkpoint", stage)
        #expect(try entries("checkpoint", stage).last?["reason"] == "file=\(file)")
        try await stage.logLine(with: "\"rule\":\"checkpoint-file\"")
        try Account.makeDirectory(spool)
        try await waitFor(["failed", "done"], of: "checkpoint", stage)
        try await stage.stop()
        try ChildProcess.run(["rm", file])
        try await stage.start()
        try await waitFor(["failed", "done", "missing"], of: "checkpoint", stage)
        try await stage.stop()
        try await stage.start()
        try await waitFor(["failed", "done", "missing"], of: "checkpoint", stage)
      }
    }

    @Test func aConfigurationThatWasRefusedRaisesAnAlarm() async throws {
      try await Stage.withStage { stage in
        try stage.configure { $0 + "nothing: 1\n" }
        try await stage.reload(saying: "configuration not reloaded; the one before stays in force")
        try await stage.logLine(with: "\"rule\":\"reload-refused\"")
      }
    }

    @Test func whatEndsIsToldWhenItsTimeComes() {
      let day: Int64 = 86_400
      func outcome(_ days: Int64, isList: Bool, left seconds: Int64) -> String? {
        EndingThing(
          isList: isList, use: "clients", path: "/a.pem", name: nil, life: 0...days * day
        ).concern(atSeconds: days * day - seconds)?.outcome.rawValue
      }
      // A year: the last thirty days. Thirty days: the last third.
      #expect(outcome(365, isList: false, left: 31 * day) == nil)
      #expect(outcome(365, isList: false, left: 30 * day) == "ends-soon")
      #expect(outcome(30, isList: false, left: 11 * day) == nil)
      #expect(outcome(30, isList: false, left: 10 * day) == "ends-soon")
      // A list of ninety days: the last week. Of one day: the last eight hours.
      #expect(outcome(90, isList: true, left: 8 * day) == nil)
      #expect(outcome(90, isList: true, left: 7 * day) == "ends-soon")
      #expect(outcome(1, isList: true, left: 9 * 3_600) == nil)
      #expect(outcome(1, isList: true, left: 8 * 3_600) == "ends-soon")
      #expect(outcome(1, isList: true, left: 0) == "ends-soon")
      #expect(outcome(1, isList: true, left: -1) == "ended")
    }
  }
}
