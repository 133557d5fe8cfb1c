import NIOCore
import NIOPosix
import NIOSSL
import TestNetwork
import TestSupport

extension RawAnswer {
  /// The name of the problem, or nil for another body.
  var problem: String? {
    guard let start = body.firstRange(of: "urn:cadenas:problem:")?.upperBound else { return nil }
    return String(body[start...].prefix { $0 != "\"" })
  }
}

extension RawClient {
  /// How to reach a server.
  struct Target {
    let port: Int
    let tls: NIOSSLContext
    let group: any EventLoopGroup
  }

  convenience init(_ target: Target) async throws {
    try await self.init(port: target.port, context: target.tls, group: target.group)
  }

  /// A context for the client `name`, which offers its certificate.
  static func tls(_ name: String, pki: TestPKI) throws -> NIOSSLContext {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.trustRoots = .file(pki.path("shop-ca.pem"))
    configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(pki.path("\(name).pem"))
      .map { .certificate($0) }
    configuration.privateKey = .privateKey(
      try NIOSSLPrivateKey(file: pki.path("\(name).key"), format: .pem))
    return try NIOSSLContext(configuration: configuration)
  }

  /// Sends each byte in a segment of its own.
  func sendByteByByte(_ text: String) async throws {
    for byte in text.utf8 { try await send([byte]) }
  }

  /// Sends a request and waits for its answer.
  func exchange(_ text: String) async throws -> RawAnswer {
    try await send(text)
    return try await answer()
  }
}

/// A client that connects and says nothing.
final class PlainClient: Sendable {
  private let channel: any Channel
  private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

  init(port: Int) async throws {
    channel = try await ClientBootstrap(group: group).connect(host: "127.0.0.1", port: port).get()
  }

  func closed() async { try? await channel.closeFuture.get() }

  func end() async { try? await group.shutdownGracefully() }
}
