import AccessPolicy
import Cards
import ConfigurationReading
import NIOCore
import NIOPosix
import NIOSSL
import TestSupport
import Testing
import Tokenization
import VaultCore

@testable import AcquirerGateway

@Suite struct GatewayTests {
  static let approved = answer(#"{"status":"APPROVED","id":"T1"}"#)
  let certificates: TestCertificates
  let directory: TemporaryDirectory

  init() throws {
    certificates = try TestCertificates.shared.get()
    directory = try TemporaryDirectory()
  }

  static func answer(_ body: String, status: String = "200 OK") -> String {
    "HTTP/1.1 \(status)\r\nContent-Type: application/json\r\n"
      + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
  }

  /// Limits that no test of an answer that comes can reach, however long others keep the machine.
  static var generous: GatewayLimits {
    var limits = GatewayLimits()
    limits.connectTime = .hours(1)
    limits.answerTime = .hours(1)
    limits.connectionBounds = .init(age: 3_600_000_000_000, idle: 3_600_000_000_000)
    return limits
  }

  func gateway(
    port: Int, authority: String = "bank-ca", serverName: String = "bank.example",
    showsCertificate: Bool = false, isIdempotent: Bool = false,
    limits: GatewayLimits = GatewayTests.generous,
    group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
  ) throws -> AcquirerRoutes {
    let template = try directory.write(
      """
      \(isIdempotent ? "idempotent_by: payment_id" : "")
      operations:
        authorize:
          path: /v1/payments
          body:
            id: {var: payment_id}
            pan: {var: card.number}
            cvc: {var: card.cvc, optional: true}
      answer:
        rules:
          - when: {/status: APPROVED}
            outcome: approved
          - when: {status: 422}
            outcome: rejected
        transaction_id: {field: /id, pattern: "[A-Z0-9]{1,20}"}
      """, to: "bank.yaml")
    let pair = OutboundTLS.ClientCertificate(
      certificatePath: certificates.path("vault.pem"),
      privateKeyPath: certificates.path("vault.key"))
    let settings = PushSettings(
      templatePath: template, url: BaseURL("https://127.0.0.1:\(port)/api"),
      tls: OutboundTLS(
        caPath: certificates.path("\(authority).pem"), serverName: serverName,
        clientCertificate: showsCertificate ? pair : nil))
    return AcquirerRoutes(
      try definitions(settings), over: Gateway(group: group, limits: limits) { Fixture.now })
  }

  private func definitions(_ settings: PushSettings) throws -> [AcquirerDefinition] {
    let diagnostics = Diagnostics()
    let definitions = DefinitionLoader(diagnostics: diagnostics).load(
      push: ["bank": settings], merchants: [Fixture.merchant(constants: [:])])
    #expect(diagnostics.all.map(\.description) == [])
    return definitions
  }

  func send(
    through gateway: AcquirerRoutes, acquirer: String = "bank", merchant: String = "shop"
  ) async throws -> String {
    let payment = try Fixture.payment(amount: nil, reference: nil, cvc: "123")
    let card = try Fixture.card()
    let place: any MessagePlace
    do throws(Problem) {
      place = try gateway.takePlace(at: acquirer, for: Fixture.merchant(merchant))
    } catch { return error.name.rawValue }
    return await withCheckedContinuation { continuation in
      place.send(payment, card: card, identifier: Fixture.identifier) {
        continuation.resume(returning: describe($0))
      }
    }
  }

  @Test func `a message is sent once and its answer read`() async throws {
    let tls = try certificates.server("bank", asksForCertificate: false)
    let acquirer = try await TestAcquirer(.answer(GatewayTests.approved), tls: tls)
    let gateway = try gateway(port: acquirer.port)
    #expect(try await send(through: gateway) == "approved transaction=T1")
    let body =
      #"{"id":"\#(Fixture.identifier.text)","pan":"4970105181818183","cvc":"123"}"#
    #expect(
      acquirer.received == [
        "POST /api/v1/payments HTTP/1.1\r\nHost: 127.0.0.1:\(acquirer.port)\r\n"
          + "Content-Type: application/json\r\nAccept: application/json\r\n"
          + "Accept-Encoding: identity\r\nUser-Agent: cadenas\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
      ])
    #expect(gateway.gateway.counts["bank"]?.answered == 1)
    #expect(gateway.gateway.counts["bank"]?.sent == 1)
    #expect(gateway.gateway.messagesUnderWay == 0)
    try await acquirer.close()
  }

  @Test(
    arguments: [
      (
        .answer(
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "8\r\n{\"status\r\nd\r\n\":\"APPROVED\"}\r\n0\r\n\r\n"), "approved"
      ),
      (.closeAfter("HTTP/1.1 200 OK\r\n\r\n{\"status\":\"APPROVED\"}"), "approved"),
      (
        .answer("HTTP/1.1 100 Continue\r\n\r\n" + GatewayTests.approved),
        "approved transaction=T1"
      ),
      (.answer(GatewayTests.answer("{}", status: "422 No")), "rejected -"),
      (.answer(GatewayTests.answer("{}")), "unknown unmapped"),
      (.answer(GatewayTests.answer("<html>")), "unknown not-json"),
      (.answer("SSH-2.0-OpenSSH\r\n\r\n"), "unknown not-http"),
      (.closeAfter(""), "unknown connection-closed"),
      (.closeAfter("HTTP/1.1 200 OK\r\nContent-Le"), "unknown connection-closed"),
      (
        .closeAfter("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"status\":\"APPROVED\"}"),
        "unknown connection-closed"
      ),
      (.closeAfter("HTTP/1.1 200 OK\r\n\r\n{\"status\":\"APPRO"), "unknown not-json"),
      (.saySoMuch(bytes: 65_536), "unknown answer-too-large"),
      (.saySoMuch(bytes: 1_000_000), "unknown answer-too-large"),
    ] as [(TestAcquirer.Manner, String)])
  func `an acquirer's manners decide what is known`(
    manner: TestAcquirer.Manner, expected: String
  ) async throws {
    let tls = try certificates.server("bank", asksForCertificate: false)
    let acquirer = try await TestAcquirer(manner, tls: tls)
    #expect(try await send(through: gateway(port: acquirer.port)) == expected)
    #expect(acquirer.received.count == 1)
    try await acquirer.close()
  }

  @Test func `an answer that does not come leaves it open`() async throws {
    let tls = try certificates.server("bank", asksForCertificate: false)
    let acquirer = try await TestAcquirer(.neverAnswer, tls: tls)
    var limits = GatewayTests.generous
    limits.answerTime = .milliseconds(50)
    let gateway = try gateway(port: acquirer.port, limits: limits)
    #expect(try await send(through: gateway) == "unknown answer-timeout")
    #expect(acquirer.received.count <= 1)
    try await acquirer.close()
  }

  @Test func `bytes that trickle do not move the deadline`() async throws {
    let tls = try certificates.server("bank", asksForCertificate: false)
    let acquirer = try await TestAcquirer(.answer("HTTP/1.1 200 OK\r\nX: "), tls: tls)
    var limits = GatewayTests.generous
    limits.answerTime = .milliseconds(50)
    let gateway = try gateway(port: acquirer.port, limits: limits)
    #expect(try await send(through: gateway) == "unknown answer-timeout")
    try await acquirer.close()
  }

  @Test func `a server that never shakes hands gets nothing`() async throws {
    let acquirer = try await TestAcquirer(.neverAnswer, tls: nil)
    var limits = GatewayTests.generous
    limits.connectTime = .milliseconds(50)
    let gateway = try gateway(port: acquirer.port, limits: limits)
    #expect(try await send(through: gateway) == "not-sent connect-timeout")
    try await acquirer.close()
  }

  @Test func `where nobody listens nothing is sent`() async throws {
    let silent = try SilentPort()
    let gateway = try gateway(port: silent.port)
    #expect(try await send(through: gateway) == "not-sent connect-failed")
    #expect(gateway.gateway.counts["bank"]?.notSent == 1)
    #expect(gateway.gateway.counts["bank"]?.sent == 0)
  }

  @Test(arguments: ["impostor"])
  func `a certificate of another authority gets nothing`(name: String) async throws {
    let tls = try certificates.server(name, asksForCertificate: false)
    let acquirer = try await TestAcquirer(.answer(GatewayTests.approved), tls: tls)
    #expect(try await send(through: gateway(port: acquirer.port)) == "not-sent tls")
    #expect(acquirer.received == [])
    try await acquirer.close()
  }

  /// The second carries the address that the connection goes to, which is no name.
  @Test(arguments: [("bank", "other.example"), ("address", "bank.example")])
  func `a certificate of another name gets nothing`(shown: String, pinned: String) async throws {
    let tls = try certificates.server(shown, asksForCertificate: false)
    let acquirer = try await TestAcquirer(.answer(GatewayTests.approved), tls: tls)
    let gateway = try gateway(port: acquirer.port, serverName: pinned)
    #expect(try await send(through: gateway) == "not-sent tls")
    #expect(acquirer.received == [])
    try await acquirer.close()
  }

  @Test(arguments: [TLSVersion.tlsv12, .tlsv13])
  func `the vault shows its certificate`(version: TLSVersion) async throws {
    let tls = try certificates.server("bank", asksForCertificate: true, maximum: version)
    let acquirer = try await TestAcquirer(.answer(GatewayTests.approved), tls: tls)
    let gateway = try gateway(port: acquirer.port, showsCertificate: true)
    #expect(try await send(through: gateway) == "approved transaction=T1")
    try await acquirer.close()
  }

  /// In TLS 1.3 the client's handshake is complete before the server has seen its certificate, so
  /// the message may be on its way when the refusal comes.
  @Test(arguments: [
    (TLSVersion.tlsv12, "not-sent tls"), (.tlsv13, "unknown connection-closed"),
  ])
  func `without its certificate the vault gets no answer`(
    version: TLSVersion, expected: String
  ) async throws {
    let tls = try certificates.server("bank", asksForCertificate: true, maximum: version)
    let acquirer = try await TestAcquirer(.answer(GatewayTests.approved), tls: tls)
    #expect(try await send(through: gateway(port: acquirer.port)) == expected)
    #expect(acquirer.received == [])
    try await acquirer.close()
  }

  @Test func `what is not configured is not sent`() async throws {
    let gateway = try gateway(port: 1)
    #expect(try await send(through: gateway, acquirer: "other") == "not-sent configuration")
    #expect(try await send(through: gateway, merchant: "nobody") == "not-sent configuration")
    let none = AcquirerRoutes([], over: gateway.gateway)
    #expect(try await send(through: none) == "not-sent configuration")
    let payment = try Fixture.payment()
    #expect(
      none.check(payment, acquirer: "bank") == Problem(.invalidMember, pointer: "/operation"))
  }

  @Test func `an operation without a template is invalid`() throws {
    let gateway = try gateway(port: 1)
    let problem = gateway.check(try Fixture.payment(.verify), acquirer: "bank")
    #expect(problem == Problem(.invalidMember, pointer: "/operation"))
    let known = try Fixture.payment(amount: nil, reference: nil)
    #expect(gateway.check(known, acquirer: "bank") == nil)
  }

  @Test func `an acquirer that hangs holds its share, and no more`() async throws {
    let tls = try certificates.server("bank", asksForCertificate: false)
    let acquirer = try await TestAcquirer(.neverAnswer, tls: tls)
    var limits = GatewayTests.generous
    limits.messagesUnderWay = 8
    let gateway = try gateway(port: acquirer.port, limits: limits)
    let hanging = (0..<4).map { _ in Task { try await send(through: gateway) } }
    while acquirer.received.count < 4 { await Task.yield() }
    for _ in 0..<4 { #expect(try await send(through: gateway) == "overloaded") }
    // Two more are the merchant's three quarters; others have the rest.
    var others = try (0..<2).map { _ in
      try gateway.takePlace(at: "healthy", for: Fixture.merchant())
    }
    #expect(try await send(through: gateway, acquirer: "healthy") == "overloaded")
    for _ in 0..<2 {
      others.append(try gateway.takePlace(at: "healthy", for: Fixture.merchant("other")))
    }
    #expect(gateway.gateway.messagesUnderWay == 8)
    #expect(throws: Problem(.overloaded)) {
      try gateway.takePlace(at: "third", for: Fixture.merchant("third"))
    }
    #expect(gateway.gateway.counts["bank"]?.refused == [.acquirer: 4])
    #expect(gateway.gateway.counts["healthy"]?.refused == [.merchant: 1])
    #expect(gateway.gateway.counts["third"]?.refused == [.all: 1])
    others.removeAll()
    #expect(gateway.gateway.messagesUnderWay == 4)
    #expect(try await send(through: gateway, acquirer: "healthy") == "not-sent configuration")
    try await gateway.gateway.shutdown(within: .nanoseconds(1)).get()
    for payment in hanging { #expect(try await payment.value == "unknown shutdown") }
    #expect(gateway.gateway.messagesUnderWay == 0)
    try await acquirer.close()
  }

  @Test func `a message that is abandoned ends, and lets its card go`() async throws {
    let tls = try certificates.server("bank", asksForCertificate: false)
    let acquirer = try await TestAcquirer(.neverAnswer, tls: tls)
    let gateway = try gateway(port: acquirer.port)
    let place = try gateway.takePlace(at: "bank", for: Fixture.merchant())
    let payment = try Fixture.payment(amount: nil, reference: nil)
    let outcome = MultiThreadedEventLoopGroup.singleton.any().makePromise(of: String.self)
    weak var released: ReleasedCard?
    do {
      let card = try Fixture.card()
      released = card
      place.send(payment, card: card, identifier: Fixture.identifier) {
        outcome.succeed(describe($0))
      }
    }
    while acquirer.received.isEmpty { await Task.yield() }
    place.abandon()
    #expect(try await outcome.futureResult.get() == "unknown shutdown")
    while gateway.gateway.messagesUnderWay > 0 || released != nil { await Task.yield() }
    try await acquirer.close()
  }

  @Test func `a stop waits for what is under way and takes no more`() async throws {
    let gateway = try gateway(port: 1)
    let place = try gateway.takePlace(at: "bank", for: Fixture.merchant())
    let stopped = gateway.gateway.shutdown(within: .nanoseconds(1))
    #expect(try await send(through: gateway) == "shutting-down")
    // What was admitted before, and is to be sent after the time is over, is not sent.
    while !gateway.gateway.isOver { await Task.yield() }
    let payment = try Fixture.payment(amount: nil, reference: nil)
    let card = try Fixture.card()
    let outcome = await withCheckedContinuation { continuation in
      place.send(payment, card: card, identifier: Fixture.identifier) {
        continuation.resume(returning: describe($0))
      }
    }
    #expect(outcome == "not-sent shutting-down")
    try await stopped.get()
  }

  @Test func `a stop does not wait for places at which nothing was sent`() async throws {
    let gateway = try gateway(port: 1)
    var place: (any MessagePlace)? = try gateway.takePlace(at: "bank", for: Fixture.merchant())
    #expect(place != nil)
    let stopped = gateway.gateway.shutdown(within: .minutes(5))
    place = nil
    try await stopped.get()
  }

  @Test func `event loops that go away leave no message without an outcome`() async throws {
    let tls = try certificates.server("bank", asksForCertificate: false)
    let acquirer = try await TestAcquirer(.neverAnswer, tls: tls)
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let gateway = try gateway(port: acquirer.port, group: group)
    async let outcome = send(through: gateway)
    while acquirer.received.isEmpty { await Task.yield() }
    try await group.shutdownGracefully()
    #expect(try await outcome.hasPrefix("unknown "))
    try await acquirer.close()
  }

  @Test func `the card is let go when the outcome is known`() async throws {
    let tls = try certificates.server("bank", asksForCertificate: false)
    let acquirer = try await TestAcquirer(.answer(GatewayTests.approved), tls: tls)
    let gateway = try gateway(port: acquirer.port)
    let payment = try Fixture.payment(amount: nil, reference: nil)
    let place = try gateway.takePlace(at: "bank", for: Fixture.merchant())
    weak var released: ReleasedCard?
    await withCheckedContinuation { continuation in
      guard let card = try? Fixture.card() else { return continuation.resume() }
      released = card
      place.send(payment, card: card, identifier: Fixture.identifier) { _ in
        continuation.resume()
      }
    }
    // The connection is still being closed for a moment, with the exchange in its pipeline.
    while released != nil { await Task.yield() }
    try await acquirer.close()
  }
}

extension GatewayCounts {
  /// Handed to TLS.
  fileprivate var sent: Int { answered + rejected + unknown }
}
