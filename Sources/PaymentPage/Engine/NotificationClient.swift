import AsyncHTTPClient
import ConfigurationReading
import NIOCore
import NIOHTTP1

/// The address where one shop is told of its payments.
final class NotificationClient: Sendable {
  private let client: HTTPClient
  private let url: String
  static let time = TimeAmount.seconds(10)

  init(_ settings: PageConfiguration.Notify, on group: any EventLoopGroup) {
    client = HTTPClient.page(trusting: settings.authorityPath, on: group)
    url = settings.url.description
  }

  func shutdown() async { try? await client.shutdown() }

  /// Whether the shop has taken it: 2xx.
  func send(_ body: [UInt8], signature: String) async -> Bool {
    var request = HTTPClientRequest(url: url)
    request.method = .POST
    request.headers.add(name: "Content-Type", value: "application/json")
    request.headers.add(name: "Cadenas-Signature", value: signature)
    request.body = .bytes(ByteBuffer(bytes: body))
    guard let response = try? await client.execute(request, timeout: Self.time) else {
      return false
    }
    // What the shop says beside its status is nothing to us; a little of it is read, for the connection's sake.
    _ = try? await response.body.collect(upTo: 16 << 10)
    return (200..<300).contains(Int(response.status.code))
  }
}
