import AccessPolicy
import NIOSSL
import TestNetwork
import Testing
import Tokenization
import VaultCore

@testable import VaultServer

@Suite("Identity over TLS", .timeLimit(.minutes(30)))
struct IdentityTests {
  @Test(arguments: ["nobody", "impostor", "nameless", "several"])
  func `a certificate that no policy knows is answered 403`(name: String) async throws {
    try await withServer { server in
      let client = try await server.connect(name)
      let response = try await client.exchange(
        request("POST /v1/tokens/\(testToken)/detokenize", "{}"))
      #expect(response.status == 403)
      #expect(response.problem == "unknown-client")
      #expect(server.service.calls == [])
    }
  }

  @Test(arguments: ["revoked", "usage", "stranger"])
  func `a certificate that must not be served is closed out`(name: String) async throws {
    try await withServer { server in
      await #expect(throws: (any Error).self) {
        let client = try await server.connect(name)
        _ = try await client.exchange(tokenizeRequest())
      }
      #expect(server.service.calls == [])
      let counters = server.server.counters
      #expect(counters.count(.clientsRejected) + counters.count(.handshakesFailed) == 1)
    }
  }

  @Test func `a stale revocation list closes out everybody of its authority`() async throws {
    try await withServer(list: "stale") { server in
      await #expect(throws: (any Error).self) {
        let client = try await server.connect("shop")
        _ = try await client.exchange(tokenizeRequest())
      }
      #expect(server.server.counters.count(.clientsRejected) == 1)
      let acquirer = try await server.connect("acquirer")
      let response = try await acquirer.exchange(
        request("POST /v1/tokens/\(testToken)/detokenize", "{}"))
      #expect(response.status == 200)
    }
  }

  @Test func `TLS below 1.3 is refused`() async throws {
    try await withServer { server in
      var configuration = TLSConfiguration.makeClientConfiguration()
      configuration.trustRoots = .file(server.pki.path("shop-ca.pem"))
      configuration.maximumTLSVersion = .tlsv12
      let context = try NIOSSLContext(configuration: configuration)
      await #expect(throws: (any Error).self) {
        let client = try await server.connect(tls: context)
        _ = try await client.exchange(tokenizeRequest())
      }
    }
  }

  @Test func `no certificate is no connection`() async throws {
    try await withServer { server in
      var configuration = TLSConfiguration.makeClientConfiguration()
      configuration.trustRoots = .file(server.pki.path("shop-ca.pem"))
      let context = try NIOSSLContext(configuration: configuration)
      await #expect(throws: (any Error).self) {
        let client = try await server.connect(tls: context)
        _ = try await client.exchange(tokenizeRequest())
      }
      #expect(server.service.calls == [])
    }
  }

  @Test func `a client that is revoked by a reload is closed out of its open connection`()
    async throws
  {
    try await withServer(list: "empty") { server in
      let client = try await server.connect("revoked")
      #expect(try await client.exchange(tokenizeRequest()).status == 201)
      let other = try await server.connect("shop")
      try server.update(list: "one")
      // Without a request, too.
      await client.closed()
      #expect(server.server.counters.count(.clientsRejected) == 1)
      #expect(try await other.exchange(tokenizeRequest()).status == 201)
    }
  }

  @Test func `a reload of the policy counts on open connections, which stay open`() async throws {
    try await withServer { server in
      let client = try await server.connect("shop")
      #expect(try await client.exchange(tokenizeRequest()).status == 201)
      let policy = makePolicy(generation: 2, shop: makeShop(operations: [.delete]))
      try server.update(policy: policy)
      #expect(try await client.exchange(tokenizeRequest()).problem == "operation-not-permitted")
      try server.update(policy: Policy(generation: 3, merchants: [], acquirers: []))
      #expect(try await client.exchange(tokenizeRequest()).problem == "unknown-client")
      try server.update(policy: makePolicy(generation: 4))
      #expect(try await client.exchange(tokenizeRequest()).status == 201)
      #expect(server.server.counters.count(.connectionsAccepted) == 1)
    }
  }

  @Test func `an update that cannot be used changes nothing`() async throws {
    try await withServer { server in
      #expect(throws: VaultServerError.self) {
        try server.server.update(
          terms: Terms(makePolicy(generation: 2)),
          authorities: TestServer.authorities(server.pki, makePolicy(), list: "one"),
          certificate: ServerCertificate(
            chainPath: server.pki.path("server.pem"), privateKeyPath: "/nowhere"))
      }
      let client = try await server.connect()
      #expect(try await client.exchange(tokenizeRequest()).status == 201)
    }
  }
}
