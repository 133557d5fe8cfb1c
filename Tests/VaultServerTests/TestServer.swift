import AccessPolicy
import Cards
import Cryptography
import Glibc
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import SecretMemory
import ServiceLog
import Synchronization
import SystemCalls
import TestNetwork
import TestSupport
import Tokenization

@testable import VaultServer

/// A server on a free port of the loopback, with a fake vault behind it.
final class TestServer: Sendable {
  let server: VaultServer
  let service: FakeCardService
  let pki: TestPKI
  let log: LogLines
  let clock: Clock
  private let group: MultiThreadedEventLoopGroup

  /// Lines that were logged.
  final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])

    func append(_ line: [UInt8]) {
      lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) }
    }

    var all: [String] { lines.withLock { $0 } }
  }

  /// The server's clock, which a test may put forward.
  final class Clock: Sendable {
    private let ahead = Atomic<Int64>(0)

    var unixSeconds: Int64 { Int64(time(nil)) + ahead.load(ordering: .relaxed) }

    func advance(to unixSeconds: Int64) {
      ahead.store(unixSeconds - Int64(time(nil)), ordering: .relaxed)
    }
  }

  init(
    limits: ServerLimits = .patient, policy: Policy = makePolicy(), list: String = "one",
    loops: Int = 2
  ) async throws {
    pki = try TestPKI.shared.get()
    let pool = try SecretPool(slots: 64, slotSize: 32)
    service = FakeCardService(pool: pool)
    group = MultiThreadedEventLoopGroup(numberOfThreads: loops)
    let log = LogLines()
    self.log = log
    let clock = Clock()
    self.clock = clock
    var settings = VaultServer.Settings(
      host: "127.0.0.1", port: 0, certificate: Self.certificate(pki),
      pool: pool, unixSeconds: { clock.unixSeconds })
    settings.limits = limits
    let logger = Logger(label: "test") { _ in JSONLogHandler { log.append($1) } }
    server = try await VaultServer(
      settings, service: service, terms: Terms(policy),
      authorities: try Self.authorities(pki, policy, list: list), group: group, logger: logger)
  }

  static func certificate(_ pki: TestPKI) -> ServerCertificate {
    ServerCertificate(chainPath: pki.path("server.pem"), privateKeyPath: pki.path("server.key"))
  }

  /// The authorities of `policy`, each the file of that name, with the revocation list `list` of the
  /// shop's.
  static func authorities(
    _ pki: TestPKI, _ policy: Policy, list: String
  ) throws -> TrustedAuthorities {
    var anchors: [AuthorityReference: [AuthorityCertificate]] = [:]
    for reference in policy.authorities {
      anchors[reference] = try reference.certificatePaths.flatMap {
        try AuthorityCertificate.read(pki.read(String($0.dropFirst())))
      }
    }
    return try TrustedAuthorities(
      anchors: anchors,
      lists: ["/shop-ca.crl": try RevocationList.read(pki.read("\(list).crl"))])
  }

  /// A new connection as the client `name`.
  func connect(_ name: String = "shop", tls: NIOSSLContext? = nil) async throws -> RawClient {
    let context = try tls ?? RawClient.tls(name, pki: pki)
    return try await RawClient(.init(port: server.port, tls: context, group: group))
  }

  /// Replaces policy and revocation list.
  func update(policy: Policy = makePolicy(generation: 2), list: String = "one") throws {
    try server.update(
      terms: Terms(policy), authorities: Self.authorities(pki, policy, list: list),
      certificate: Self.certificate(pki))
  }

  /// Replaces the revocation list alone and keeps the TLS context, whose tickets stay good.
  func replaceTrust(list: String) throws {
    let state = server.core.state
    let trust = TrustSnapshot(
      generation: state.generation + 1, terms: Terms(makePolicy()),
      authorities: try Self.authorities(pki, makePolicy(), list: list))
    state.replace(trust: trust, tls: state.tls)
  }

  /// Waits until `event` has happened `times` times.
  func counted(_ event: ServerCounters.Event, _ times: UInt64) async {
    await become { server.counters.count(event) >= times }
  }

  /// Waits until `condition` holds, which nobody tells, so that it is looked at again and again.
  func become(_ condition: () -> Bool) async {
    while !condition() {
      try? await group.any().scheduleTask(in: .milliseconds(5)) {}.futureResult.get()
    }
  }

  /// Runs `body` while the server's loops do nothing, so that what is sent meanwhile waits at all
  /// sockets at once. Not for the clients of ``connect(_:tls:)``, which live on the same loops.
  func holdingLoops(_ body: () async throws -> Void) async rethrows {
    let gate = Monitor(false)
    for loop in group.makeIterator() {
      await withCheckedContinuation { held in
        loop.execute {
          held.resume()
          gate.waitUntil { $0 ? () : nil }
        }
      }
    }
    defer {
      gate.withLock { $0 = true }
      gate.broadcast()
    }
    try await body()
  }

  /// Ends everything.
  func end() async {
    await server.stop(within: .seconds(1))
    try? await group.shutdownGracefully()
  }
}

/// Runs `body` with a server that is ended afterwards.
func withServer(
  limits: ServerLimits = .patient, policy: Policy = makePolicy(), list: String = "one",
  loops: Int = 2, _ body: (TestServer) async throws -> Void
) async throws {
  let server = try await TestServer(limits: limits, policy: policy, list: list, loops: loops)
  do {
    try await body(server)
  } catch {
    await server.end()
    throw error
  }
  await server.end()
}

/// A request with a body and what belongs to it.
func request(
  _ line: String, _ body: String = "", fields: String = "", type: String = "application/json"
) -> String {
  "\(line) HTTP/1.1\r\nHost: localhost\r\nContent-Type: \(type)\r\n"
    + "Content-Length: \(body.utf8.count)\r\n\(fields)\r\n\(body)"
}

/// A good tokenize request.
func tokenizeRequest(_ number: String = "4970105181818183", fields: String = "") -> String {
  request(
    "POST /v1/tokens", #"{"number":"\#(number)","exp_month":12,"exp_year":2028}"#, fields: fields)
}

extension ServerLimits {
  /// Limits that no machine reaches, however busy it is, for what a test does not want to see cut off.
  static var patient: ServerLimits {
    var limits = ServerLimits()
    limits.handshake = .hours(1)
    limits.header = .hours(1)
    limits.body = .hours(1)
    limits.idle = .hours(1)
    return limits
  }
}
