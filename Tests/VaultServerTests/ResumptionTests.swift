import AccessPolicy
import Foundation
import Testing
import Tokenization
import VaultCore

@testable import VaultServer

@Suite("Resumed sessions", .timeLimit(.minutes(30)))
struct ResumptionTests {
  /// What `openssl s_client` says of one connection with one request, until the server closes it.
  ///
  /// NIOSSL's own client does not resume.
  private func connect(
    _ server: TestServer, as name: String, session: String, isResumed: Bool
  ) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
    let pki = server.pki
    process.arguments = [
      "s_client", "-connect", "127.0.0.1:\(server.server.port)", "-tls1_3", "-ign_eof",
      "-CAfile", pki.path("shop-ca.pem"), "-cert", pki.path("\(name).pem"),
      "-cert_chain", pki.path("\(name).pem"),
      "-key", pki.path("\(name).key"), isResumed ? "-sess_in" : "-sess_out", session,
    ]
    let input = Pipe()
    let output = Pipe()
    process.standardInput = input
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    try input.fileHandleForWriting.write(
      contentsOf: Data(tokenizeRequest(fields: "Connection: close\r\n").utf8))
    try input.fileHandleForWriting.close()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self)
  }

  private func isResumed(_ text: String) -> Bool { text.contains("\nReused, TLSv1.3") }

  @Test func `a session that is resumed has the identity of its certificate`() async throws {
    try await withServer { server in
      let session = server.pki.path("session-\(UUID())")
      let first = try connect(server, as: "shop", session: session, isResumed: false)
      #expect(first.contains("HTTP/1.1 201 Created"))
      #expect(!isResumed(first))
      let second = try connect(server, as: "shop", session: session, isResumed: true)
      #expect(isResumed(second))
      #expect(second.contains("HTTP/1.1 201 Created"))
      #expect(server.service.calls.count == 2)
    }
  }

  private let tiers = makePolicy(
    others: [makeMerchant("tier", 2, tierURI, rootAuthority)])

  /// In a resumed session no certificate is sent, and the intermediates have to be known.
  @Test func `a session of a client with intermediates can be resumed`() async throws {
    try await withServer(policy: tiers) { server in
      let session = server.pki.path("session-\(UUID())")
      let first = try connect(server, as: "tier-chain", session: session, isResumed: false)
      #expect(first.contains("HTTP/1.1 201 Created"))
      let second = try connect(server, as: "tier-chain", session: session, isResumed: true)
      #expect(isResumed(second))
      #expect(second.contains("HTTP/1.1 201 Created"))
      #expect(server.service.callers.map(\.principal.name) == ["tier", "tier"])
    }
  }

  @Test func `a session whose intermediates are forgotten is closed`() async throws {
    try await withServer(policy: tiers) { server in
      let session = server.pki.path("session-\(UUID())")
      let first = try connect(server, as: "tier-chain", session: session, isResumed: false)
      #expect(first.contains("HTTP/1.1 201 Created"))
      server.server.core.intermediates.keepOnly([])
      let second = try connect(server, as: "tier-chain", session: session, isResumed: true)
      #expect(isResumed(second))
      #expect(!second.contains("HTTP/1.1"))
      #expect(server.server.counters.count(.clientsRejected) == 1)
      #expect(server.log.all.contains { $0.contains("noAuthority") })
    }
  }

  @Test func `a revoked client does not come back by resuming`() async throws {
    try await withServer(list: "empty") { server in
      let session = server.pki.path("session-\(UUID())")
      let first = try connect(server, as: "revoked", session: session, isResumed: false)
      #expect(first.contains("HTTP/1.1 201 Created"))
      // Only the list is replaced, and not the TLS context with its ticket keys.
      try server.replaceTrust(list: "one")
      let second = try connect(server, as: "revoked", session: session, isResumed: true)
      #expect(isResumed(second))
      #expect(!second.contains("HTTP/1.1"))
      #expect(server.service.calls.count == 1)
      #expect(server.server.counters.count(.clientsRejected) == 1)
    }
  }
}
