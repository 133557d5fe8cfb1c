import NIOHTTP1
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// A vault whose wall clock is set while it runs, by a library that stands before the C library's.
  @Suite struct ClockJumpTests {
    /// As much ahead as the file that `CLOCK_FILE` names says, in seconds.
    private static let library = """
      #define _GNU_SOURCE
      #include <fcntl.h>
      #include <stdlib.h>
      #include <sys/syscall.h>
      #include <time.h>
      #include <unistd.h>
      int clock_gettime(clockid_t clock, struct timespec *now) {
        int status = (int)syscall(SYS_clock_gettime, clock, now);
        const char *path = getenv("CLOCK_FILE");
        if (status != 0 || clock != CLOCK_REALTIME || path == NULL) return status;
        int file = open(path, O_RDONLY | O_CLOEXEC);
        char text[32] = {0};
        if (file >= 0 && read(file, text, sizeof text - 1) > 0) now->tv_sec += atol(text);
        if (file >= 0) close(file);
        return 0;
      }
      """

    @Test func aClockThatIsADayAheadForThreeSecondsSendsNoPaymentTwice() throws {
      let directory = try Files.makeTemporaryDirectory(prefix: "cadenas-clock")
      defer { _ = try? ChildProcess.run(["rm", "-rf", directory]) }
      let programs = try programs(in: directory)
      let installation = try RunningInstallation(
        directory: "\(directory)/installation", programs: programs, life: .free)
      var isStopped = false
      defer { if !isStopped { _ = installation.stop() } }
      let shop = try installation.client("shop")
      let card = try shop.send(
        .POST, "/v1/tokens", body: WireRequest.tokenize(TestCard.visa).body)
      let token = try #require(try JSONMembers(card.body)["token"])
      func pay() throws -> String {
        let request = WireRequest.push(token, amount: 4_990, key: "once")
        let answer = try shop.send(
          .POST, request.path, headers: [("Idempotency-Key", "once")], body: request.body)
        return String(decoding: answer.body, as: UTF8.self)
      }
      let first = try pay()
      try set(90_000, in: directory)
      #expect(try pay() == first)
      // A tick of the service purges what has waited, and notes the jump.
      try awaitEntry("clock jumped (+90000s)", of: installation)
      #expect(try pay() == first)
      try set(0, in: directory)
      #expect(try pay() == first)
      #expect(try installation.received().count == 1)
      let alarms = try installation.cadenas("audit", "show", "--operation", "alarm")
      #expect(alarms.contains("rule=clock-jumped"))
      _ = try installation.cadenas("audit", "verify")
      isStopped = true
      #expect(installation.stop() == .exited(0))
    }

    /// The programs, of which the vault has the library before it.
    private func programs(in directory: String) throws -> Programs {
      let real = try Stage.findPrograms()
      try Files.write(Array(Self.library.utf8), to: "\(directory)/clock.c")
      try ChildProcess.run([
        "cc", "-shared", "-fPIC", "-O1", "-o", "\(directory)/clock.so", "\(directory)/clock.c",
      ])
      try set(0, in: directory)
      let wrapper = """
        #!/bin/sh
        export LD_PRELOAD='\(directory)/clock.so' CLOCK_FILE='\(directory)/ahead'
        exec '\(real.vault)' "$@"

        """
      // `cadenas-dev up` runs the vault that lies beside it.
      try ChildProcess.run(["cp", real.development, "\(directory)/cadenas-dev"])
      try Files.write(Array(wrapper.utf8), to: "\(directory)/cadenas", mode: 0o700)
      return Programs(development: "\(directory)/cadenas-dev", vault: real.vault)
    }

    private func set(_ seconds: Int, in directory: String) throws {
      try Files.write(Array("\(seconds)\n".utf8), to: "\(directory)/ahead")
    }

    private func awaitEntry(_ text: String, of installation: RunningInstallation) throws {
      let words = text.split(separator: " ")
      let deadline = ContinuousClock.now + .seconds(60)
      while true {
        let shown = try installation.cadenas("audit", "show", "--operation", "clock")
        if words.allSatisfy({ shown.contains($0) }) { return }
        guard ContinuousClock.now < deadline else { throw Stage.Failed("no entry \(text)") }
      }
    }
  }
}
