import AccessPolicy
import NIOSSL
import TestNetwork
import TestSupport
import Testing
import Tokenization
import VaultCore

@testable import Cryptography
@testable import VaultServer

@Suite("Authorities over TLS", .timeLimit(.minutes(30)))
struct AuthorityTests {
  private func policy(_ authority: AuthorityReference) -> Policy {
    makePolicy(others: [makeMerchant("tier", 2, tierURI, authority)])
  }

  @Test(arguments: [
    ("tier", issuingAuthority), ("tier-chain", issuingAuthority), ("tier-chain", rootAuthority),
  ])
  func `a client of an issuing authority is served by it and by its root`(
    name: String, authority: AuthorityReference
  ) async throws {
    try await withServer(policy: policy(authority)) { server in
      let client = try await server.connect(name)
      #expect(try await client.exchange(tokenizeRequest()).status == 201)
      #expect(server.service.callers.map(\.principal.name) == ["tier"])
    }
  }

  @Test func `a root does not vouch for a client that leaves its issuer out`() async throws {
    try await withServer(policy: policy(rootAuthority)) { server in
      await #expect(throws: (any Error).self) {
        let client = try await server.connect("tier")
        _ = try await client.exchange(tokenizeRequest())
      }
      #expect(server.server.counters.count(.handshakesFailed) == 1)
      #expect(server.log.all.contains { $0.contains("noAuthority") })
    }
  }

  @Test(arguments: TestPKI.algorithms.map(\.name))
  func `a client with any key that is accepted is served`(name: String) async throws {
    try await withServer { server in
      let client = try await server.connect(name)
      #expect(try await client.exchange(tokenizeRequest()).status == 201)
    }
  }

  @Test func `a list that one merchant names protects the others of its authority`() async throws {
    // The other one names the authority without a list.
    let bare = AuthorityReference(certificatePaths: ["/shop-ca.pem"])
    let shop = Merchant(
      name: "shop", number: 1, clients: [MerchantClient(id: shopURI)], authority: shopAuthority,
      operations: [.tokenize], quotas: Quotas(tokenizePerMinute: 1_000_000))
    let other = makeMerchant("other", 2, "spiffe://shop.example/revoked", bare)
    for (list, isServed) in [("empty", true), ("one", false)] {
      try await withServer(policy: makePolicy(shop: shop, others: [other]), list: list) { server in
        let status = try? await server.connect("revoked").exchange(tokenizeRequest()).status
        #expect(status == (isServed ? 201 : nil))
        #expect(server.server.counters.count(.clientsRejected) == (isServed ? 0 : 1))
      }
    }
  }

  @Test func `a client is its own authority's, not that of one above`() throws {
    let pki = try TestPKI.shared.get()
    let policy = makePolicy(others: [
      makeMerchant("below", 2, tierURI, issuingAuthority),
      makeMerchant("above", 3, tierURI, rootAuthority),
    ])
    let trust = try makeTrust(policy, pki)
    let certificates = try NIOSSLCertificate.fromPEMFile(pki.path("tier-chain.pem"))
    let chain = try #require(ClientChain(certificates))
    for chain in [chain, ClientChain(leaf: chain.leaf, intermediates: [])] {
      guard
        case .client(_, let principal) =
          trust.decide(chain, at: chain.leaf.notBefore + 1).identity
      else {
        Issue.record("nobody")
        return
      }
      #expect(principal.name == "below")
    }
  }

  /// The one that the merchant's authority stands under would vouch for the name; the merchant's own
  /// authority must not, by sending its certificate along.
  @Test func `a merchant's authority does not mint a client of the one above it`() throws {
    let pki = try TestPKI.shared.get()
    let policy = makePolicy(others: [
      makeMerchant("below", 2, "spiffe://below.example/x", issuingAuthority),
      makeMerchant("above", 3, tierURI, rootAuthority),
    ])
    let trust = try makeTrust(policy, pki)
    let certificates = try NIOSSLCertificate.fromPEMFile(pki.path("tier-chain.pem"))
    let chain = try #require(ClientChain(certificates))
    #expect(chain.rows.map(\.count) == [0, 1])
    let decision = trust.decide(chain, at: chain.leaf.notBefore + 1)
    #expect(decision.identity == .unknown && decision.paths.count == 1)
  }

  @Test func `where authorities are the same, a reload checks no signature again`() throws {
    let pki = try TestPKI.shared.get()
    let policy = policy(rootAuthority)
    let certificates = try NIOSSLCertificate.fromPEMFile(pki.path("tier-chain.pem"))
    let chain = try #require(ClientChain(certificates))
    let now = chain.leaf.notBefore + 1
    let identity = ConnectionIdentity(chain: chain, trust: try makeTrust(policy, pki), at: now)
    let path = try #require(identity.paths.first)
    identity.decideAgain(trust: try makeTrust(policy, pki, generation: 2, list: "empty"), at: now)
    #expect(identity.paths.first?.intermediates.first === path.intermediates.first)
    #expect(identity.paths.first?.anchor === path.anchor)
    // Another policy's authorities are others.
    let other = try makeTrust(makePolicy(), pki, generation: 3)
    identity.decideAgain(trust: other, at: now)
    #expect(identity.identity == .unknown && identity.paths.isEmpty)
  }

  @Test func `more certificates than a chain has are refused`() throws {
    let pki = try TestPKI.shared.get()
    let certificates = try NIOSSLCertificate.fromPEMFile(pki.path("tier-chain.pem"))
    let padding = Array(repeating: certificates[1], count: ClientChain.mostCertificates - 1)
    let longest = try #require(ClientChain([certificates[0]] + padding))
    #expect(longest.rows.map(\.count) == [0, 1])
    #expect(ClientChain(certificates + padding) == nil)
  }

  @Test func `authorities overlap where one is the other's, by a copy or from above`() throws {
    let pki = try TestPKI.shared.get()
    let copy = AuthorityReference(certificatePaths: ["/copy.pem"])
    func read(_ name: String) throws -> [AuthorityCertificate] {
      try AuthorityCertificate.read(pki.read("\(name).pem"))
    }
    let trusted = try TrustedAuthorities(
      anchors: [
        rootAuthority: read("root-ca"), copy: read("root-ca"), issuingAuthority: read("issuing-ca"),
        acquirerAuthority: read("acquirer-ca"),
      ], lists: [:])
    #expect(trusted.overlap(rootAuthority, copy))
    #expect(trusted.overlap(issuingAuthority, copy))
    #expect(!trusted.overlap(acquirerAuthority, copy))
  }
}

/// Whom a server with this policy trusts.
private func makeTrust(
  _ policy: Policy, _ pki: TestPKI, generation: UInt64 = 1, list: String = "one"
) throws -> TrustSnapshot {
  TrustSnapshot(
    generation: generation, terms: Terms(policy),
    authorities: try TestServer.authorities(pki, policy, list: list))
}

/// What is kept of clients' chains, where others try to hide or displace it.
@Suite("Known intermediates") struct KnownIntermediatesTests {
  private let pki: TestPKI
  private let known = KnownIntermediates()
  private let issuing: AuthorityCertificate
  private let root: AuthorityCertificate
  private let other: AuthorityCertificate
  private let leaf: LeafCertificate

  init() throws {
    pki = try TestPKI.shared.get()
    issuing = try AuthorityCertificate.read(pki.read("issuing-ca.pem"))[0]
    root = try AuthorityCertificate.read(pki.read("root-ca.pem"))[0]
    other = try AuthorityCertificate.read(pki.read("stranger-ca.pem"))[0]
    leaf = try LeafCertificate(pem: pki.read("tier.pem"))
    known.remember([CertificatePath(anchor: root, intermediates: [issuing])])
  }

  @Test func `they are known below their anchor`() {
    #expect(known.chain(of: leaf, below: [root]).rows.last?.first === issuing)
    #expect(known.chain(of: leaf, below: [other]).rows.map(\.count) == [0])
  }

  /// The names are the victim's, and even the key: whoever has its certificate can make such ones.
  @Test func `who runs an authority neither hides nor displaces those of another`() throws {
    let policy = makePolicy(others: [
      makeMerchant("tier", 2, tierURI, rootAuthority),
      makeMerchant("other", 3, "spiffe://other.example/x", strangerAuthority),
    ])
    let trust = try makeTrust(policy, pki)
    for one in try pki.crossSigned("issuing-ca", by: "stranger-ca", count: 70) {
      known.remember([CertificatePath(anchor: other, intermediates: [one])])
    }
    let chain = known.chain(of: leaf, below: trust.anchors(for: leaf))
    // Nothing of the other one's costs this client the check of a signature.
    #expect(chain.rows.dropFirst().map { $0.map(\.fingerprint) } == [[issuing.fingerprint]])
    guard case .client(_, let principal) = trust.decide(chain, at: leaf.notBefore + 1).identity
    else {
      Issue.record("nobody")
      return
    }
    #expect(principal.name == "tier")
  }

  @Test func `the ones that were sent last are tried, and not many`() throws {
    let more = try pki.crossSigned("issuing-ca", by: "root-ca", count: 20)
    for one in more { known.remember([CertificatePath(anchor: root, intermediates: [one])]) }
    let tried = known.chain(of: leaf, below: [root]).rows.dropFirst().map { $0[0].fingerprint }
    #expect(tried == more.suffix(KnownIntermediates.mostTried).map(\.fingerprint))
    known.remember([CertificatePath(anchor: root, intermediates: [issuing])])
    #expect(known.chain(of: leaf, below: [root]).rows.last?.first === issuing)
  }

  @Test func `what nobody names is looked for below every authority`() throws {
    let policy = makePolicy(others: [makeMerchant("other", 3, "spiffe://x/y", rootAuthority)])
    let trust = try makeTrust(policy, pki)
    let chain = known.chain(of: leaf, below: trust.anchors(for: leaf))
    let decision = trust.decide(chain, at: leaf.notBefore + 1)
    #expect(decision.identity == .unknown && !decision.paths.isEmpty)
  }
}
