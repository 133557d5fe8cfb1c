import AsyncHTTPClient
import Hummingbird
import JSON
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Why the page has not done what it was asked.
enum PaymentPageError: Error, Equatable {
  /// No connection, no answer in time, or one that is too long.
  case unreachable
  /// An answer that is none of the expected ones; `name` is the problem's.
  case refused(status: Int, name: String)
  /// An answer that cannot be read, or whose address is not the page's.
  case malformed
}

/// The shop as a client of the payment page, and of the vault: mutual TLS, one certificate for each.
struct PaymentPageClient: Sendable {
  /// How long an answer may take.
  static let patience = TimeAmount.seconds(10)
  /// The longest answer that is read, in bytes.
  static let answerLimit = 256 << 10
  /// How often a request is sent again while the same one is being answered, and after how many milliseconds.
  static let repetitions = 20
  static let repetitionMilliseconds: Int64 = 150

  /// Of the page's listener for shops.
  let shops: String
  /// What the addresses begin with to which shoppers are sent.
  let publicAddress: String
  private let client: HTTPClient

  /// A client that shows the pair `shop-backend`.
  init(shops: String, publicAddress: String, material: TLSMaterial) throws(DevelopmentError) {
    self.shops = shops
    self.publicAddress = publicAddress
    client = try Self.client("shop-backend", material)
  }

  /// A client that shows the pair `name` of `material`; the authority is `ca`.
  static func client(_ name: String, _ material: TLSMaterial) throws(DevelopmentError) -> HTTPClient
  {
    var configuration = HTTPClient.Configuration(
      tlsConfiguration: try material.clientConfiguration(name, trusting: "ca"),
      redirectConfiguration: .disallow,
      timeout: HTTPClient.Configuration.Timeout(connect: .seconds(5)))
    configuration.httpVersion = .http1Only
    return HTTPClient(
      eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton),
      configuration: configuration)
  }

  /// Opens the payment of an order that is being begun.
  /// - Returns: the page's name for it, and where the shopper pays.
  func open(
    _ order: ShopOrder, key: String, returnTo address: String
  ) async throws(PaymentPageError) -> (payment: String, address: String) {
    let body = Self.request(for: order, returnTo: address)
    for _ in 0..<Self.repetitions {
      let answer = try await send(
        .POST, "/v1/payments", body: body, headers: ["Idempotency-Key": key])
      if answer.status == 409, Self.problem(answer.body) == "request-in-progress" {
        // The same checkout, sent twice: the other one is being answered.
        try? await Task.sleep(for: .milliseconds(Self.repetitionMilliseconds))
        continue
      }
      guard answer.status == 201 || answer.status == 200 else {
        throw .refused(status: answer.status, name: Self.problem(answer.body))
      }
      guard let members = try? JSONMembers(answer.body), let payment = members["payment"],
        let url = members["url"], url.hasPrefix(publicAddress + "/")
      else { throw .malformed }
      return (payment, url)
    }
    throw .unreachable
  }

  /// Asks how a payment stands.
  func payment(_ name: String) async throws(PaymentPageError) -> PaymentDocument {
    guard name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"/?#%".utf8.contains($0) }) else {
      throw .malformed
    }
    let answer = try await send(.GET, "/v1/payments/\(name)", body: nil, headers: [:])
    guard answer.status == 200 else {
      throw .refused(status: answer.status, name: Self.problem(answer.body))
    }
    guard let document = PaymentDocument(answer.body) else { throw .malformed }
    return document
  }

  /// The body of `POST /v1/payments`.
  static func request(for order: ShopOrder, returnTo address: String) -> [UInt8] {
    JSONWriter.document { json in
      json.member("reference", string: order.reference)
      json.name("amount")
      json.object { json in
        json.member("value", integer: order.total.value)
        json.member("currency", string: order.total.currency.rawValue)
      }
      json.member("return_url", string: address)
      json.member("language", string: order.language.rawValue)
      json.member("items", objects: order.lines) { json, line in
        json.member("label", string: line.label)
        json.member("quantity", integer: line.quantity)
        json.member("amount", integer: line.amount.value)
      }
      if let customer = order.customer {
        json.member("customer", string: customer)
        json.member("keep_card", string: "offer")
      }
    }
  }

  private func send(
    _ method: HTTPMethod, _ path: String, body: [UInt8]?, headers: HTTPHeaders
  ) async throws(PaymentPageError) -> (status: Int, body: [UInt8]) {
    do {
      return try await Self.send(client, method, shops + path, body: body, headers: headers)
    } catch { throw .unreachable }
  }

  static func send(
    _ client: HTTPClient, _ method: HTTPMethod, _ address: String, body: [UInt8]?,
    headers: HTTPHeaders
  ) async throws -> (status: Int, body: [UInt8]) {
    var request = HTTPClientRequest(url: address)
    request.method = method
    request.headers = headers
    if let body {
      request.headers.add(name: "Content-Type", value: "application/json")
      request.body = .bytes(ByteBuffer(bytes: body))
    }
    let response = try await client.execute(request, timeout: patience)
    let answer = try await response.body.collect(upTo: answerLimit)
    return (Int(response.status.code), Array(answer.readableBytesView))
  }

  /// NAME of a problem document; empty where the body is none.
  private static func problem(_ body: [UInt8]) -> String {
    let type = (try? JSONMembers(body))?["type"] ?? ""
    return type.split(separator: ":").last.map { String($0) } ?? ""
  }
}

/// The shop as the vault's client, for one thing: to forget a card that a customer takes away.
struct VaultClient: Sendable {
  private let vault: String
  private let client: HTTPClient

  /// A client that shows the pair `shop`.
  init(vault: String, material: TLSMaterial) throws(DevelopmentError) {
    self.vault = vault
    client = try PaymentPageClient.client("shop", material)
  }

  /// Deletes a token; whether it is gone.
  func delete(_ token: String) async -> Bool {
    guard token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"/?#%".utf8.contains($0) }),
      let answer = try? await PaymentPageClient.send(
        client, .DELETE, "\(vault)/v1/tokens/\(token)", body: nil, headers: [:])
    else { return false }
    return answer.status == 204 || answer.status == 404
  }
}
