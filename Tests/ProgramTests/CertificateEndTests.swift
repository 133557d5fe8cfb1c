import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// Certificates that end soon.
  @Suite struct CertificateEndTests {
    /// Days for which a development installation's certificates and lists are good.
    private static let days = 3_650

    @Test func aStartSaysWhichEndSoonTheVaultsOwnFirstInTheWordsOfCheck() async throws {
      let clock = try MovedClock()
      try await Stage.withStage(of: clock.programs) { stage in
        let message = "a certificate or revocation list needs attention"
        #expect(!stage.logs().contains(message))
        try await stage.stop()
        try clock.set(aheadSeconds: (Self.days - 10) * 86_400)
        try await stage.start()
        try await stage.logLine(with: "\"message\":\"serving\"")
        let lines = stage.logs().split(separator: "\n").filter { $0.contains(message) }
        let first = try JSONMembers(Array(try #require(lines.first).utf8))
        #expect(first["level"] == "warning")
        let reason = try #require(first["reason"])
        #expect(reason.hasPrefix("the server's certificate (") && reason.contains(" ends on "))
        #expect(first["remedy"] == "replace it, and send the service SIGHUP")
        #expect(lines.contains { $0.contains("the clients' authority") })
        // A list is good for another ten days too, and that is long enough.
        #expect(!lines.contains { $0.contains("the revocation list") })
        let check = stage.programs.vaultCommand(["check", "--config", stage.configuration])
        let told = try ChildProcess.run(
          ["sh", "-c", #""$@" --format json || true"#, "sh"] + check)
        #expect(told.contains(#"{"severity":"warning","area":"certificates","text":"\#(reason)""#))
        let before = lines.count
        try await stage.reload()
        try await eventually("a reload says it too") {
          stage.logs().split(separator: "\n").filter { $0.contains(message) }.count == 2 * before
        }
      }
    }
  }
}
