import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import Testing

@testable import AcquirerGateway

/// What `cadenas acquirers test` sees, and that it sends nothing.
extension GatewayTests {
  private func look(
    at port: Int, serverName: String = "bank.example", within time: TimeAmount = .hours(1),
    unixSeconds: Int64? = nil
  ) async throws -> AcquirerSighting {
    let routes = try gateway(port: port, serverName: serverName)
    let endpoint = try #require(routes.definitions["bank"]).endpoint
    let now = Int64(Glibc.time(nil))
    let probe = AcquirerProbe(endpoint: endpoint, time: time, unixSeconds: unixSeconds ?? now)
    return try await probe.look(on: MultiThreadedEventLoopGroup.singleton.any()).get()
  }

  @Test(arguments: [(TLSVersion.tlsv12, "TLSv1.2"), (.tlsv13, "TLSv1.3")])
  func `a look says what a payment would meet, and sends nothing`(
    version: TLSVersion, text: String
  ) async throws {
    let tls = try certificates.server("bank", asksForCertificate: false, maximum: version)
    let acquirer = try await TestAcquirer(.answer(GatewayTests.approved), tls: tls)
    let seen = try await look(at: acquirer.port)
    #expect(seen.problem == nil && seen.version == text && seen.isNamed == true)
    #expect(seen.suite?.hasPrefix("TLS_") == true)
    #expect(seen.chain.map(\.dnsNames) == [["bank.example"]])
    #expect(acquirer.received == [])
    try await acquirer.close()
  }

  @Test(
    arguments: [
      ("impostor", "bank.example", nil, AcquirerSighting.Problem.untrusted),
      ("bank", "other.example", nil, .otherName), ("address", "bank.example", nil, .otherName),
    ] as [(String, String, Int64?, AcquirerSighting.Problem)])
  func `a look says why nothing could be sent`(
    shown: String, pinned: String, at seconds: Int64?, problem: AcquirerSighting.Problem
  ) async throws {
    let tls = try certificates.server(shown, asksForCertificate: false)
    let acquirer = try await TestAcquirer(.answer(GatewayTests.approved), tls: tls)
    let seen = try await look(at: acquirer.port, serverName: pinned, unixSeconds: seconds)
    #expect(seen.problem == problem && seen.chain.count == 1)
    #expect(acquirer.received == [])
    try await acquirer.close()
  }

  @Test func `a look tells an old certificate by the clock`() async throws {
    let tls = try certificates.server("impostor", asksForCertificate: false)
    let acquirer = try await TestAcquirer(.answer(GatewayTests.approved), tls: tls)
    let seen = try await look(at: acquirer.port, unixSeconds: 0)
    guard case .notCurrent(let subject) = seen.problem else {
      Issue.record("\(String(describing: seen.problem))")
      return
    }
    #expect(subject.contains("impostor"))
    try await acquirer.close()
  }

  @Test(arguments: [TLSVersion.tlsv12, .tlsv13])
  func `a look sees that the vault's certificate is wanted`(version: TLSVersion) async throws {
    let tls = try certificates.server("bank", asksForCertificate: true, maximum: version)
    let acquirer = try await TestAcquirer(.answer(GatewayTests.approved), tls: tls)
    let seen = try await look(at: acquirer.port)
    // TLS 1.2 says it within the handshake, and TLS 1.3 after it.
    #expect(seen.problem == .closed)
    try await acquirer.close()
  }

  @Test func `a look says that nobody answers`() async throws {
    let silent = try SilentPort()
    let seen = try await look(at: silent.port)
    #expect(seen.problem == .unreachable("Connection refused") && seen.chain.isEmpty)
    let mute = try await TestAcquirer(.neverAnswer, tls: nil)
    let late = try await look(at: mute.port, within: .milliseconds(50))
    #expect(late.problem == .timeout && late.version == nil)
    try await mute.close()
  }

  @Test func `each problem has a sentence of its own`() {
    let problems: [AcquirerSighting.Problem] = [
      .unreachable(nil), .unreachable("Connection refused"), .timeout, .untrusted,
      .notCurrent(subject: "CN=x"), .otherName, .handshake, .closed,
    ]
    let sentences = problems.map { $0.remedy(of: "bank", at: "https://b", named: "b.example") }
    #expect(Set(sentences).count == problems.count)
  }

  @Test func `the suite is read from a server's first message, whole or not at all`() {
    var hello: [UInt8] = [22, 3, 3, 0, 90, 2, 0, 0, 86, 3, 3]
    hello += [UInt8](repeating: 7, count: 32) + [2, 9, 9, 0x13, 0x02, 0]
    #expect(ServerHello.suite(hello) == "TLS_AES_256_GCM_SHA384")
    for count in 0..<(hello.count - 1) {
      #expect(ServerHello.suite(Array(hello.prefix(count))) == nil)
    }
    hello[46] = 0x99
    #expect(ServerHello.suite(hello) == nil)
    hello[43] = 33
    #expect(ServerHello.suite(hello) == nil)
  }
}
