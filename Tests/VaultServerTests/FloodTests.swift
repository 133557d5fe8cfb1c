import AccessPolicy
import NIOCore
import Synchronization
import TestNetwork
import Testing
import Tokenization

@testable import VaultServer

@Suite("Who floods shuts nobody out", .timeLimit(.minutes(5)))
struct FloodTests {
  private func limits(
    total: Int = 100, handshakes: Int = 100, byClient: Int = 100, byPrincipal: Int = 100
  ) -> ServerLimits {
    var limits = ServerLimits.patient
    limits.connections = ConnectionLimits(
      total: total, handshakes: handshakes, byClient: byClient, byPrincipal: byPrincipal)
    return limits
  }

  @Test func `a stranger who takes every place from one's own address keeps nobody out`()
    async throws
  {
    try await withServer(limits: limits(total: 20, handshakes: 8)) { server in
      let stranger = BareConnections(port: server.server.port)
      try await stranger.open(60)
      await server.counted(.handshakesOverLimit, 52)
      for _ in 0..<10 {
        let client = try await server.connect()
        #expect(try await client.exchange(tokenizeRequest()).status == 201)
      }
      #expect(server.server.counters.count(.connectionsOverLimit) == 0)
      #expect(server.server.handshakesUnderWay <= 8)
      await stranger.end()
    }
  }

  @Test func `a stranger who goes on and on displaces one's own handshakes and nobody else's`()
    async throws
  {
    try await withServer(limits: limits(handshakes: 8)) { server in
      let port = server.server.port
      // Half of a handshake, which stays for as long as it may.
      let patient = BareConnections(port: port)
      try await patient.open(1, saying: [22, 3, 1, 0, 200, 1])
      await server.counted(.connectionsAccepted, 1)
      let stranger = BareConnections(port: port, from: "127.0.0.2")
      async let flood: Void = stranger.flood(most: 20_000)
      await server.counted(.handshakesOverAddressShare, 100)
      for _ in 0..<20 {
        let client = try await server.connect()
        #expect(try await client.exchange(tokenizeRequest()).status == 201)
        await client.close()
      }
      #expect(patient.openCount == 1)
      #expect(server.server.counters.count(.handshakesOverLimit) == 0)
      await stranger.end()
      try? await flood
      await patient.end()
    }
  }

  @Test func `a client has its share, and another merchant all of the rest`() async throws {
    try await withServer(limits: limits(byClient: 4)) { server in
      var open: [RawClient] = []
      for _ in 0..<4 {
        let client = try await server.connect()
        #expect(try await client.exchange(tokenizeRequest()).status == 201)
        open.append(client)
      }
      for _ in 0..<3 {
        let client = try await server.connect()
        try? await client.send(tokenizeRequest())
        await client.closed()
      }
      #expect(server.server.counters.count(.connectionsOverClientShare) == 3)
      #expect(server.service.calls.count == 4)
      let acquirer = try await server.connect("acquirer")
      let pull = request("POST /v1/tokens/\(testToken)/detokenize", "{}")
      #expect(try await acquirer.exchange(pull).status == 200)
      for client in open { #expect(try await client.exchange(tokenizeRequest()).status == 201) }
      let lines = server.log.all.filter { $0.contains("connections closed at a limit") }
      #expect(lines.count == 1)
      #expect(lines.first?.contains(#""limit":"connections_by_client""#) == true)
      await open[0].close()
      await server.become { server.server.counters.connectionsOpen == 4 }
      let client = try await server.connect()
      #expect(try await client.exchange(tokenizeRequest()).status == 201)
    }
  }

  @Test func `all clients of a merchant have its share`() async throws {
    let revoked = limits(byPrincipal: 2)
    try await withServer(limits: revoked, list: "empty") { server in
      // Two clients of the shop.
      for name in ["shop", "revoked"] {
        let client = try await server.connect(name)
        #expect(try await client.exchange(tokenizeRequest()).status == 201)
      }
      let third = try await server.connect("shop")
      try? await third.send(tokenizeRequest())
      await third.closed()
      #expect(server.server.counters.count(.connectionsOverMerchantShare) == 1)
    }
  }

  @Test func `a resumed session counts for its client too`() async throws {
    try await withServer(limits: limits(byClient: 2)) { server in
      let tls = try RawClient.tls("shop", pki: server.pki)
      for _ in 0..<2 {
        let client = try await server.connect(tls: tls)
        #expect(try await client.exchange(tokenizeRequest()).status == 201)
      }
      let third = try await server.connect(tls: tls)
      try? await third.send(tokenizeRequest())
      await third.closed()
      #expect(server.server.counters.count(.connectionsOverClientShare) == 1)
      #expect(server.server.handshakesUnderWay == 0)
    }
  }

  @Test func `a client that no policy knows stays among the handshakes, and has to make room`()
    async throws
  {
    try await withServer(limits: limits(handshakes: 2)) { server in
      let nobody = try await server.connect("nobody")
      #expect(try await nobody.exchange(tokenizeRequest()).status == 403)
      #expect(server.server.handshakesUnderWay == 1)
      let stranger = BareConnections(port: server.server.port)
      try await stranger.open(2)
      await nobody.closed()
      #expect(server.server.counters.count(.handshakesOverLimit) == 1)
      await stranger.end()
    }
  }

  @Test func `a reload that changes who clients are keeps the counts right`() async throws {
    try await withServer(limits: limits(byPrincipal: 2)) { server in
      let clients = [try await server.connect(), try await server.connect()]
      for client in clients {
        #expect(try await client.exchange(tokenizeRequest()).status == 201)
      }
      #expect(server.server.handshakesUnderWay == 0)
      try server.update(policy: Policy(generation: 2, merchants: [], acquirers: []))
      for client in clients {
        #expect(try await client.exchange(tokenizeRequest()).status == 403)
      }
      #expect(server.server.handshakesUnderWay == 2)
      // The same client, of another merchant now.
      let other = makeMerchant("other-shop", 2, shopURI, shopAuthority)
      try server.update(policy: Policy(generation: 3, merchants: [other], acquirers: []))
      for client in clients {
        #expect(try await client.exchange(tokenizeRequest()).status == 201)
      }
      #expect(server.server.handshakesUnderWay == 0)
      let third = try await server.connect()
      try? await third.send(tokenizeRequest())
      await third.closed()
      #expect(server.server.counters.count(.connectionsOverMerchantShare) == 1)
      for client in clients { await client.close() }
      await server.become { server.server.counters.connectionsOpen == 0 }
      let again = try await server.connect()
      #expect(try await again.exchange(tokenizeRequest()).status == 201)
    }
  }

  @Test func `strangers whose handshakes fail leave a line and a count, not a line each`()
    async throws
  {
    try await withServer { server in
      let stranger = BareConnections(port: server.server.port)
      try await stranger.open(50, saying: Array("GET / HTTP/1.1\r\n\r\n".utf8))
      await stranger.closed()
      await server.counted(.handshakesFailed, 50)
      // One that says nothing and goes is none that failed.
      let silent = BareConnections(port: server.server.port)
      try await silent.open(5)
      await server.counted(.connectionsAccepted, 55)
      await silent.end()
      func lines() -> [String] { server.log.all.filter { $0.contains("handshake failed") } }
      // One, and on a slow machine one more for each minute.
      let before = lines()
      #expect(before.count < 10 && before.first?.contains(#""count":"#) == false)
      await server.server.stop(within: .seconds(20))
      let counts = lines().dropFirst().compactMap { line in
        line.firstMatch(of: /"count":"(\d+)"/).flatMap { Int($0.1) }
      }
      #expect(counts.count == lines().count - 1 && counts.reduce(0, +) == 49)
      await stranger.end()
    }
  }

  @Test(arguments: [
    // Refused at once, and answered by the vault.
    (("GET /x", 404), ("GET /v1/tokens", 405)),
    (("DELETE /v1/tokens/none", 404), ("DELETE /v1/tokens/\(testToken)", 204)),
  ])
  func `a client that pipelines gets one answer of a connection before another's turn`(
    _ even: (line: String, status: Int), _ odd: (line: String, status: Int)
  ) async throws {
    // One loop, at whose sockets everything waits at once, the other's request last, and behind more
    // than the 64 sockets that a loop looks at first. What each sends is one read.
    try await withServer(limits: limits(), loops: 1) { server in
      let depth = 40
      let port = server.server.port
      let shop = try RawClient.tls("shop", pki: server.pki)
      var flood: [RawClient] = []
      for _ in 0..<80 {
        let client = try await RawClient(port: port, context: shop)
        #expect(try await client.exchange(tokenizeRequest()).status == 201)
        flood.append(client)
      }
      let other = try await RawClient(
        port: port, context: RawClient.tls("acquirer", pki: server.pki))
      let pull = request("POST /v1/tokens/\(testToken)/detokenize", "{}")
      #expect(try await other.exchange(pull).status == 200)
      let counters = server.server.counters
      @Sendable func answered() -> Int {
        counters.answers.filter { [204, 404, 405].contains($0.status) }
          .reduce(0) { $0 + Int($1.count) }
      }
      let answersBefore = Mutex(0)
      server.service.onCall { call in
        guard case .pull = call else { return }
        answersBefore.withLock { $0 = answered() }
      }
      let requests = (0..<depth).map { index in
        (index.isMultiple(of: 2) ? even : odd).line + " HTTP/1.1\r\nHost: a\r\n\r\n"
      }.joined()
      try await server.holdingLoops {
        for client in flood { try await client.send(requests) }
        try await other.send(pull)
      }
      #expect(try await other.answer().status == 200)
      let most = 2 * (flood.count + TurnQueue.answersPerTurn)
      #expect(answersBefore.withLock { $0 } <= most, "of \(depth * flood.count)")
      // Every request has its answer, and in order.
      await server.become { answered() == depth * flood.count }
      for index in 0..<depth {
        let expected = (index.isMultiple(of: 2) ? even : odd).status
        #expect(try await flood[0].answer().status == expected)
      }
      for client in flood { await client.close() }
      await other.close()
    }
  }
}
