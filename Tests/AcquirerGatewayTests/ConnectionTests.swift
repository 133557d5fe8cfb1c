import Glibc
import NIOCore
import NIOPosix
import Synchronization
import Testing
import Tokenization
import VaultCore

@testable import AcquirerGateway

/// What stands between the vault and an acquirer before a word is spoken, and codings of what is said.
extension GatewayTests {
  /// What came of one payment, with what the system said.
  private func outcome(through gateway: AcquirerRoutes) async throws -> AcquirerOutcome {
    let payment = try Fixture.payment(amount: nil, reference: nil)
    let card = try Fixture.card()
    let place = try gateway.takePlace(at: "bank", for: Fixture.merchant())
    return await withCheckedContinuation { continuation in
      place.send(payment, card: card, identifier: Fixture.identifier) {
        continuation.resume(returning: $0)
      }
    }
  }

  /// `SO_DEBUG` takes `CAP_NET_ADMIN`, the second is no option at all.
  @Test func `a socket option that is refused fails no payment`() async throws {
    let tls = try certificates.server("bank", asksForCertificate: false)
    let acquirer = try await TestAcquirer(.answer(GatewayTests.approved), tls: tls)
    var limits = GatewayTests.generous
    limits.connectionOptions.options = [
      .init(level: .socket, name: .init(rawValue: SO_DEBUG)),
      .init(level: .tcp, name: .init(rawValue: 0x7FFF)),
    ]
    let gateway = try gateway(port: acquirer.port, limits: limits)
    #expect(try await send(through: gateway) == "approved transaction=T1")
    try await acquirer.close()
  }

  @Test func `what is asked of a socket is set, and a refusal is only waited for`() async throws {
    let acquirer = try await TestAcquirer(.neverAnswer, tls: nil)
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelOption(.tcpOption(.tcp_nodelay), value: 0)
      .connect(host: "127.0.0.1", port: acquirer.port).get()
    var wishes = ConnectionOptions()
    #expect(
      wishes.options
        == [.init(level: .tcp, name: .tcp_nodelay), .init(level: .socket, name: .so_keepalive)])
    wishes.options.insert(.init(level: .tcp, name: .init(rawValue: 0x7FFF)), at: 0)
    try await wishes.ask(of: channel).get()
    #expect(try await channel.getOption(.tcpOption(.tcp_nodelay)).get() != 0)
    #expect(try await channel.getOption(.socketOption(.so_keepalive)).get() != 0)
    for time in wishes.times {
      let option = ChannelOptions.Types.SocketOption(
        level: .tcp, name: .init(rawValue: time.name))
      #expect(try await channel.getOption(option).get() == time.value)
    }
    await #expect(throws: IOError.self) {
      try await channel.setOption(wishes.options[0], value: 1).get()
    }
    try await channel.close()
    try await acquirer.close()
  }

  @Test func `a connection that is refused says so`() async throws {
    let silent = try SilentPort()
    let outcome = try await outcome(through: gateway(port: silent.port))
    guard case .notSent(let cause, let error) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(cause == "connect-failed")
    #expect(error == SystemError(number: ECONNREFUSED, words: "Connection refused"))
  }

  /// A name with an empty label, which is looked up without asking anybody.
  @Test func `a name without an address says so`() async throws {
    let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
    let error = try await #require(throws: NIOConnectionError.self) {
      try await bootstrap.connect(host: "no..such", port: 1).get()
    }
    let failure = ConnectionFailure(connecting: error)
    #expect(!failure.isTimeout)
    #expect(failure.systemError == SystemError(number: nil, words: "name lookup failed"))
  }

  @Test func `an error is read for what the system said of it`() {
    let refused = IOError(errnoCode: EHOSTUNREACH, reason: "connect")
    #expect(SystemError(refused)?.words == "No route to host")
    #expect(SystemError(ChannelError.alreadyClosed) == nil)
    #expect(ConnectionFailure(connecting: refused).systemError?.number == EHOSTUNREACH)
    let late = ConnectionFailure(connecting: ChannelError.connectTimeout(.seconds(1)))
    #expect(late.isTimeout && late.systemError == nil)
  }

  @Test(
    arguments: [
      ("Content-Encoding: gzip", "unknown content-coding"),
      ("content-encoding: identity, br", "unknown content-coding"),
      ("Content-Encoding: identity\r\nContent-Encoding: x", "unknown content-coding"),
      ("Content-Encoding: Identity", "approved transaction=T1"),
      ("Content-Encoding:", "approved transaction=T1"),
    ])
  func `an answer in a coding is not read`(field: String, expected: String) async throws {
    let answer = GatewayTests.approved.replacing(
      "Content-Type", with: "\(field)\r\nContent-Type", maxReplacements: 1)
    let tls = try certificates.server("bank", asksForCertificate: false)
    let acquirer = try await TestAcquirer(.answer(answer), tls: tls)
    #expect(try await send(through: gateway(port: acquirer.port)) == expected)
    #expect(acquirer.received.count == 1)
    try await acquirer.close()
  }

  @Test(arguments: [
    ("\u{FEFF}", "approved transaction=T1"), ("\u{FEFF}\u{FEFF}", "unknown not-json"),
  ])
  func `one byte order mark is skipped`(mark: String, expected: String) async throws {
    let answer = GatewayTests.answer(mark + #"{"status":"APPROVED","id":"T1"}"#)
    let tls = try certificates.server("bank", asksForCertificate: false)
    let acquirer = try await TestAcquirer(.answer(answer), tls: tls)
    #expect(try await send(through: gateway(port: acquirer.port)) == expected)
    try await acquirer.close()
  }

  @Test func `what was found in answers is counted`() async throws {
    let answer = GatewayTests.answer(
      #"{"status":"APPROVED","id":"4970105181818183"}"#)
    let tls = try certificates.server("bank", asksForCertificate: false)
    let acquirer = try await TestAcquirer(.answer(answer), tls: tls)
    let gateway = try gateway(port: acquirer.port)
    #expect(try await send(through: gateway) == "approved held")
    #expect(gateway.gateway.counts["bank"]?.heldCardNumber == 1)
    try await acquirer.close()
    var counts = GatewayCounts()
    counts.add(.unknown(cause: GatewayCause.cardNumberInAnswer), nanoseconds: 0)
    counts.add(.unknown(cause: GatewayCause.unmapped), nanoseconds: 0)
    counts.add(.rejected(code: nil, heldCardNumber: true), nanoseconds: 0)
    counts.add(.answered(PaymentAnswer(outcome: .approved, heldSecurityCode: true)), nanoseconds: 0)
    #expect(counts.heldCardNumber == 2 && counts.heldSecurityCode == 1)
    #expect(counts.unknown == 2 && counts.rejected == 1 && counts.answered == 1)
  }
}
