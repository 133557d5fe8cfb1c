import AsyncHTTPClient
import Bytes
import ConfigurationReading
import NIOCore
import NIOSSL
import SecretMemory

/// How the page asks others: HTTP/1.1 over TLS, no redirection followed, nothing unpacked, and five seconds to
/// be connected.
extension HTTPClient {
  /// For an address whose authority is in a file, or, without one, among the system's.
  static func page(trusting authorityPath: String?, on group: any EventLoopGroup) -> HTTPClient {
    var tls = TLSConfiguration.makeClientConfiguration()
    if let path = authorityPath { tls.trustRoots = .file(path) }
    return HTTPClient(eventLoopGroupProvider: .shared(group), configuration: plain(tls))
  }

  /// For the vault, which is shown the merchant's pair.
  static func page(
    toVault place: VaultClient.Place, on group: any EventLoopGroup
  ) throws -> HTTPClient {
    var tls = TLSConfiguration.makeClientConfiguration()
    tls.minimumTLSVersion = .tlsv13
    tls.trustRoots = .file(place.authorityPath)
    tls.certificateChain = try NIOSSLCertificate.fromPEMFile(place.certificatePath)
      .map { .certificate($0) }
    tls.privateKey = .privateKey(try NIOSSLPrivateKey(file: place.privateKeyPath, format: .pem))
    var configuration = plain(tls)
    configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 64
    configuration.connectionPool.retryConnectionEstablishment = false
    if place.serverName != place.host {
      configuration.dnsOverride = [place.serverName: place.host]
    }
    return HTTPClient(eventLoopGroupProvider: .shared(group), configuration: configuration)
  }

  private static func plain(_ tls: TLSConfiguration) -> Configuration {
    var configuration = Configuration(
      tlsConfiguration: tls, redirectConfiguration: .disallow,
      timeout: .init(connect: .seconds(5)), decompression: .disabled)
    configuration.httpVersion = .http1Only
    return configuration
  }
}

/// A secret in a file: its bytes without the end of line.
enum SecretFile {
  private static let mostBytes = 4_096

  static func read(_ path: String) throws -> SecretBytes {
    var bytes = try ConfigurationFiles.read(path, maximumBytes: mostBytes)
    defer { for index in bytes.indices { bytes[index] = 0 } }
    while bytes.last == UInt8(ascii: "\n") || bytes.last == UInt8(ascii: "\r") {
      bytes.removeLast()
    }
    return try SecretBytes(copying: bytes.rawSpan)
  }
}
