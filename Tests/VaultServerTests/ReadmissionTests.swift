import AccessPolicy
import Cryptography
import Synchronization
import TestNetwork
import Testing
import Tokenization
import VaultCore

@testable import VaultServer

/// What was permitted when a head came is decided again when its body has come.
@Suite("Deciding again before the act", .timeLimit(.minutes(30)))
struct ReadmissionTests {
  private let pull = request("POST /v1/tokens/\(testToken)/detokenize", "{}")

  /// Sends all but the last byte of a request, so that its head has been decided about.
  private func begin(
    _ server: TestServer, _ name: String, _ text: String
  ) async throws -> (client: RawClient, rest: String) {
    let client = try await server.connect(name)
    // The answer says that what follows it has been read too.
    let first = try await client.exchange(tokenizeRequest() + text.dropLast(1))
    #expect([201, 403].contains(first.status))
    return (client, String(text.suffix(1)))
  }

  @Test func `a client that is revoked after its head is closed`() async throws {
    try await withServer(list: "empty") { server in
      let (client, rest) = try await begin(server, "revoked", tokenizeRequest())
      #expect(server.service.calls.count == 1)
      try server.update(list: "one")
      try await client.send(rest)
      await client.closed()
      #expect(client.rest == "")
      #expect(server.service.calls.count == 1)
      #expect(server.server.counters.count(.clientsRejected) == 1)
    }
  }

  @Test func `an acquirer that is taken away after its head reads no card`() async throws {
    try await withServer { server in
      let (client, rest) = try await begin(server, "acquirer", pull)
      let before = server.service.calls.count
      try server.update(policy: makePolicy(generation: 2, acquirers: []))
      try await client.send(rest)
      let response = try await client.answer()
      #expect(response.status == 403)
      #expect(response.problem == "unknown-client")
      #expect(server.service.calls.count == before)
    }
  }

  @Test func `an operation that is taken away after the head is refused, and audited`() async throws
  {
    try await withServer { server in
      let (client, rest) = try await begin(server, "shop", tokenizeRequest())
      try server.update(
        policy: makePolicy(generation: 2, shop: makeShop(operations: [.delete])))
      try await client.send(rest)
      let response = try await client.answer()
      #expect(response.status == 403)
      #expect(response.problem == "operation-not-permitted")
      #expect(server.service.calls.last == .refuse(.operationNotPermitted, .tokenize, token: nil))
    }
  }

  @Test func `a certificate that ends between head and body is closed`() async throws {
    try await withServer { server in
      let (client, rest) = try await begin(server, "shop", tokenizeRequest())
      let leaf = try LeafCertificate(pem: server.pki.read("shop.pem"))
      server.clock.advance(to: leaf.notAfter + 1)
      try await client.send(rest)
      await client.closed()
      #expect(server.service.calls.count == 1)
      #expect(server.log.all.contains { $0.contains("expired") })
    }
  }

  @Test func `a body that was waited for with 100 Continue is decided about again`() async throws {
    try await withServer(list: "empty") { server in
      let client = try await server.connect("revoked")
      let text = tokenizeRequest(fields: "Expect: 100-continue\r\n")
      let end = try #require(text.firstRange(of: "\r\n\r\n")?.upperBound)
      try await client.send(String(text[..<end]))
      #expect(try await client.answer(hasBody: false).status == 100)
      try server.update(list: "one")
      try await client.send(String(text[end...]))
      await client.closed()
      #expect(server.service.calls == [])
    }
  }

  @Test func `what the vault is told is the policy of the moment`() async throws {
    try await withServer { server in
      let (client, rest) = try await begin(server, "shop", tokenizeRequest())
      // No token of the quota is taken a second time.
      try server.update(
        policy: makePolicy(generation: 2, shop: makeShop(tokenizePerMinute: 1)))
      try await client.send(rest)
      #expect(try await client.answer().status == 201)
      let caller = try #require(server.service.callers.last)
      #expect(caller.terms.policy.generation == 2)
      #expect(caller.principal.quotaPerMinute(.tokenize) == 1)
    }
  }

  @Test func `what a request meets knows its policy before the server does`() async throws {
    try await withServer { server in
      let policy = makePolicy(generation: 2)
      let authorities = try TestServer.authorities(server.pki, policy, list: "one")
      let told = Mutex<[UInt64]>([])
      var seen: [UInt64] { told.withLock { $0 } }
      server.service.onUpdate { terms in
        #expect(terms.policy.generation == 2)
        told.withLock { $0.append(server.server.core.state.trust.policy.generation) }
      }
      func update(_ certificate: ServerCertificate) throws {
        try server.server.update(
          terms: Terms(policy), authorities: authorities, certificate: certificate)
      }
      // Not where the update cannot be made.
      let none = ServerCertificate(chainPath: "/none", privateKeyPath: "/none")
      #expect(throws: VaultServerError.self) { try update(none) }
      #expect(seen == [])
      try update(TestServer.certificate(server.pki))
      #expect(seen == [1])
      #expect(server.server.core.state.trust.policy.generation == 2)
    }
  }
}
