import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// TLS as openssl(1) speaks it, which can do what the library of the other tests cannot.
  @Suite(.stage) struct HandshakeTests {
    private static let request =
      WireRequest.tokenize(TestCard.visa).text.replacing(
        "Host: localhost", with: "Host: localhost\r\nConnection: close")

    /// Sends the request with `openssl s_client` and returns what that printed, whatever came of it.
    private static func client(_ arguments: String...) throws -> String {
      let stage = try Stage.current
      let request = "\(stage.directory)/logs/request"
      try DevelopmentFiles.write(Array(Self.request.utf8), to: request)
      let client = ["openssl", "s_client", "-connect", "\(try stage.running.vault)", "-ign_eof"]
      let trust = ["-CAfile", "\(stage.directory)/pki/ca.pem", "-verify_return_error"]
      let line = (client + trust + arguments).joined(separator: " ")
      return try ChildProcess.run(["sh", "-c", "timeout 60 \(line) < \(request) 2>&1 || true"])
    }

    private static func pair(_ name: String) throws -> String {
      let folder = try Stage.current.pki.directory
      return "-cert \(folder)/\(name).pem -key \(folder)/\(name).key"
    }

    @Test func onlyTLS13IsSpoken() throws {
      let spoken = try Self.client(try Self.pair("shop"), "-tls1_3")
      #expect(spoken.contains("HTTP/1.1 201") || spoken.contains("HTTP/1.1 200"))
      #expect(spoken.contains("TLSv1.3"))
      for version in ["-tls1_2", "-tls1_1"] {
        let refused = try Self.client(try Self.pair("shop"), version)
        #expect(!refused.contains("HTTP/1.1"), "\(version): \(refused)")
      }
    }

    @Test func withoutACertificateNothingIsAnswered() throws {
      let refused = try Self.client("-tls1_3")
      #expect(!refused.contains("HTTP/1.1") && refused.contains("alert"), "\(refused)")
    }

    @Test func aResumedSessionOfARevokedClientIsEnded() async throws {
      let stage = try Stage.current
      let session = "\(stage.directory)/logs/session"
      let pair = try Self.pair("shop")
      let first = try Self.client(pair, "-tls1_3", "-sess_out", session)
      #expect(first.contains("HTTP/1.1 20") && first.contains("New, TLSv1.3"))
      let resumed = try Self.client(pair, "-tls1_3", "-sess_in", session)
      #expect(resumed.contains("Reused, TLSv1.3"), "no session was resumed: \(resumed)")
      #expect(resumed.contains("HTTP/1.1 200"), "a resumed session has an identity too")

      let authorize = ["openssl", "ca", "-config", DevelopmentPKI.recipeName, "-name", "ca"]
      try ChildProcess.run(authorize + ["-revoke", "shop.pem"], directory: stage.pki.directory)
      try ChildProcess.run(
        authorize + ["-gencrl", "-out", "ca.crl"], directory: stage.pki.directory)
      try await stage.reload()
      let revoked = try Self.client(pair, "-tls1_3", "-sess_in", session)
      #expect(!revoked.contains("HTTP/1.1"), "\(revoked)")
    }
  }
}
