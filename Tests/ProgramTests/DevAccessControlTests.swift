import Bytes
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import cadenas_dev

/// The issuer's page of the simulator, without a network.
@Suite struct DevAccessControlTests {
  private let desk = AuthenticationDesk()

  /// Begins a challenge of an amount and opens its page.
  private func open(_ amount: Int64) throws -> (status: HTTPResponseStatus, page: String)? {
    let message = try Self.message(amount)
    guard case .challenge(_, _, let request) = desk.authenticate(message, card: "c") else {
      Issue.record("no challenge")
      return nil
    }
    return try post("/challenge", "creq=\(request)")
  }

  private func post(
    _ path: String, _ body: String
  ) throws -> (status: HTTPResponseStatus, page: String)? {
    let channel = EmbeddedChannel(handler: AccessControlHandler(desk: desk, log: { _ in }))
    let head = HTTPRequestHead(version: .http1_1, method: .POST, uri: path)
    try channel.writeInbound(HTTPServerRequestPart.head(head))
    try channel.writeInbound(HTTPServerRequestPart.body(ByteBuffer(string: body)))
    try channel.writeInbound(HTTPServerRequestPart.end(nil))
    guard case .head(let answer)? = try channel.readOutbound(as: HTTPServerResponsePart.self),
      case .body(.byteBuffer(let page))? = try channel.readOutbound(
        as: HTTPServerResponsePart.self)
    else { return nil }
    return (answer.status, String(buffer: page))
  }

  private static func message(_ amount: Int64) throws -> SimulatorMessage {
    let text = """
      {"payment_id":"pay_a","merchant_id":"1","amount":{"value":\(amount),"currency":"EUR"},\
      "card":{"pan":"4970105181818183","expiry_month":"12","expiry_year":"2035"}}
      """
    let bytes = Array(text.utf8)
    return try SimulatorMessage(bytes.rawSpan, operation: .authenticate)
  }

  @Test func theAmountDecidesWhatTheIssuersServerDoes() throws {
    let page = try #require(try open(200_002))
    #expect(page.status == .ok && page.page.contains("2000.02 EUR"))
    #expect(try #require(try open(200_005)).status == .internalServerError)
    #expect(try open(200_007) == nil, "it never answers")
  }

  @Test(arguments: ["creq=x", "creq=", "", "creq=eyJhIjoxfQ", "%zz=1&creq"])
  func whatIsNoChallengeIsRefused(body: String) throws {
    #expect(try #require(try post("/challenge", body)).status == .badRequest)
    #expect(try #require(try post("/answer", body)).status == .badRequest)
  }

  @Test func aChallengeIsAnsweredOnce() throws {
    guard
      case .challenge(let transaction, _, _) = desk.authenticate(
        try Self.message(200_002), card: "c")
    else { throw Stage.Failed("no challenge") }
    let name = "transaction=\(transaction.uppercased())"
    let failed = try #require(try post("/answer", "\(name)&code=1234&cancel=1"))
    #expect(failed.page.contains("could not identify"))
    let later = try #require(try post("/answer", "\(name)&code=1234&confirm=1"))
    #expect(later.page.contains("could not identify"), "a second try changes nothing")
    guard case .notAuthenticated = desk.result(of: transaction) else {
      throw Stage.Failed("authenticated")
    }
  }
}
