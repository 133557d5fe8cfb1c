import Glibc
import NIOHTTP1
import Testing

@testable import cadenas_dev

@Suite(.serialized) struct DevUpTests {
  private static func start(_ directory: String) throws -> RunningInstallation {
    try RunningInstallation(directory: directory, programs: Account.programs, life: .free)
  }

  private static func isAlive(_ process: pid_t) -> Bool { kill(process, 0) == 0 }

  /// Waits until `process`, no child of ours, is gone.
  private static func awaitEnd(of process: pid_t) throws {
    try ChildProcess.run(["timeout", "900", "tail", "--pid=\(process)", "-f", "/dev/null"])
  }

  private static let card = #"{"number":"4970105181818183","exp_month":12,"exp_year":2035}"#

  @Test func aTermSignalStopsVaultAndAcquirerAndEndsWithZero() throws {
    try withScratchDirectory { directory in
      let running = try Self.start("\(directory)/i")
      #expect(Self.isAlive(running.vaultProcess) && Self.isAlive(running.acquirerProcess))
      #expect(running.stop() == .exited(0))
      #expect(!Self.isAlive(running.vaultProcess) && !Self.isAlive(running.acquirerProcess))
    }
  }

  @Test func anInstallationStartsAgainOnNewPortsWithItsData() throws {
    try withScratchDirectory { directory in
      let path = "\(directory)/i"
      let first = try Self.start(path)
      defer { first.stop() }
      let made = try first.client("shop").send(.POST, "/v1/tokens", body: Self.card)
      #expect(made.status == 201)
      #expect(first.stop() == .exited(0))

      let edited =
        try DevelopmentFiles.readText("\(path)/cadenas.yaml") + "# a remark of its owner's\n"
      try DevelopmentFiles.write(Array(edited.utf8), to: "\(path)/cadenas.yaml")
      let second = try Self.start(path)
      defer { second.stop() }
      #expect(second.vault != first.vault)
      let known = try second.client("shop").send(.POST, "/v1/tokens", body: Self.card)
      #expect(known.status == 200)
      #expect(try JSONMembers(known.body)["token"] == JSONMembers(made.body)["token"])
      #expect(
        try DevelopmentFiles.readText("\(path)/cadenas.yaml").hasSuffix(
          "# a remark of its owner's\n"))
      #expect(second.stop() == .exited(0))
    }
  }

  @Test func aChildThatDiesEndsItWithOne() throws {
    try withScratchDirectory { directory in
      let running = try Self.start("\(directory)/i")
      kill(running.vaultProcess, SIGKILL)
      #expect(running.wait() == .exited(1))
      #expect(!Self.isAlive(running.acquirerProcess))
    }
  }

  @Test func nothingOutlivesItWhenItIsKilled() throws {
    try withScratchDirectory { directory in
      let running = try Self.start("\(directory)/i")
      kill(running.process, SIGKILL)
      #expect(running.wait() == .killed(SIGKILL))
      try Self.awaitEnd(of: running.vaultProcess)
      try Self.awaitEnd(of: running.acquirerProcess)
    }
  }

  @Test func aDirectoryOfSomethingElseIsLeftAlone() throws {
    try withScratchDirectory { directory in
      try DevelopmentFiles.write([], to: "\(directory)/mine")
      #expect(throws: DevelopmentError.self) { try Self.start(directory) }
      #expect(try DevelopmentFiles.names(in: directory) == ["mine"])
    }
  }

  @Test func aPathTooLongForASocketIsSaid() throws {
    try withScratchDirectory { directory in
      let error = #expect(throws: DevelopmentError.self) {
        try Self.start("\(directory)/\(String(repeating: "a", count: 90))")
      }
      #expect(error.map { "\($0)".contains("107") } == true)
    }
  }
}
