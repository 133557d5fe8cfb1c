import NIOSSL
import TestNetwork

@testable import cadenas_dev

/// A connection to the vault as a test that knows the contract alone has it.
typealias Wire = RawClient

extension RawClient {
  /// Connects to `endpoint` with the pair of `context`.
  convenience init(to endpoint: Endpoint, context: NIOSSLContext) async throws {
    try await self.init(host: endpoint.host, port: endpoint.port, context: context)
  }

  /// Sends a request and waits for its answer.
  func ask(_ request: WireRequest) async throws -> WireAnswer {
    try await send(request.text)
    return try await answer(hasBody: request.method != "HEAD")
  }
}
