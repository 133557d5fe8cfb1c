import AccessPolicy
import AcquirerGateway
import Administration
import Bytes
import Configuration
import Cryptography
import LMDB
import NIOSSL
import VaultServer

/// Puts the inventory together from the objects that the program works with: what a configuration
/// file or a document says is not asked.
struct Inventory {
  /// The certificate and trust of handshakes with clients.
  let server: ServerTLS
  /// Where clients connect.
  let listen: String
  /// Who vouches for clients.
  let authorities: TrustedAuthorities
  /// How acquirers are connected to.
  let acquirers: [AcquirerTLS]

  /// The inventory of libraries, algorithms, handshakes and keys in use.
  ///
  /// - Throws: `CryptographyError`, `CertificateError`.
  func make() throws -> CryptographicInventory {
    return CryptographicInventory(
      version: Version.current, libraries: Self.libraries,
      algorithms: try AlgorithmDescription.all(),
      tls: [
        Self.use(
          server.settings, of: "clients' connections", at: listen,
          authentication: "certificates of both sides; of the client's, revocation too")
      ]
        + acquirers.map {
          Self.use(
            $0.settings, of: "connections to the acquirer \($0.acquirer)", at: $0.url,
            authentication: "the acquirer's certificate, pinned to its authority and to the name "
              + $0.serverName + ($0.chain.isEmpty ? "" : "; the vault's certificate"))
        },
      certificates: try certificates(authorities.all.anchors),
      revocationLists: authorities.lists.sorted { $0.key < $1.key }.flatMap { path, lists in
        lists.map { .init(path: path, authority: $0.issuer, nextUpdate: $0.nextUpdate) }
      })
  }

  private static var libraries: [CryptographicInventory.Library] {
    let purposes = [
      "libcrypto": "ciphers, hashes, message authentication, certificates and revocation lists",
      "libsodium": "signatures, guarded memory, random bytes for keys",
    ]
    return CryptographicLibrary.all.map {
      .init(name: $0.name, version: $0.version, purpose: purposes[$0.name] ?? "")
    } + [
      // BoringSSL has no versions; it is a part of the program, and comes with swift-nio-ssl.
      .init(name: "BoringSSL", version: nil, purpose: "TLS"),
      .init(name: "LMDB", version: LMDBLibrary.version, purpose: "the store, without cryptography"),
    ]
  }

  // MARK: - TLS

  private static func use(
    _ settings: TLSConfiguration, of use: String, at address: String, authentication: String
  ) -> CryptographicInventory.TLSUse {
    let maximum = settings.maximumTLSVersion ?? .tlsv13
    var suites: [NIOTLSCipher] = []
    if maximum == .tlsv13 { suites += TLSNames.suitesOfTLS13 }
    if settings.minimumTLSVersion != .tlsv13 { suites += settings.cipherSuiteValues }
    return .init(
      use: use, address: address, minimum: TLSNames.text(settings.minimumTLSVersion),
      maximum: TLSNames.text(maximum), cipherSuites: suites.map(TLSNames.text),
      authentication: authentication)
  }

  // MARK: - Certificates

  private func certificates(
    _ authorities: [AuthorityCertificate]
  ) throws(CertificateError) -> [CryptographicInventory.Certificate] {
    var found: [CryptographicInventory.Certificate] = []
    func add(_ use: String, _ chain: [[UInt8]]) throws(CertificateError) {
      for der in chain {
        let description = try CertificateDescription(der: der.rawSpan)
        let isKnown = found.contains { $0.use == use && $0.description == description }
        if !isKnown { found.append(.init(use: use, description: description)) }
      }
    }
    try add("shown to clients", server.chain)
    try add("authority of clients", authorities.map(\.der))
    for acquirer in acquirers {
      try add("authority of the acquirer \(acquirer.acquirer)", acquirer.authorities)
      try add("shown to the acquirer \(acquirer.acquirer)", acquirer.chain)
    }
    return found
  }
}

extension Inventory {
  /// The inventory of a service that would start with `configuration`.
  ///
  /// - Throws: ``CommandFailure``, `VaultServerError`.
  init(_ configuration: ServiceConfiguration) throws {
    let parts = try ServiceParts(configuration, generation: 0)
    server = try VaultServer.tls(showing: parts.certificate, trusting: parts.authorities)
    listen = "\(configuration.listen.host):\(configuration.listen.port)"
    authorities = parts.authorities
    acquirers = AcquirerRoutes.connections(of: parts.definitions)
  }
}

/// Names of what TLS negotiates.
enum TLSNames {
  /// The suites of TLS 1.3 that BoringSSL offers and takes; it lets nobody choose among them.
  static let suitesOfTLS13: [NIOTLSCipher] = [
    .TLS_AES_128_GCM_SHA256, .TLS_AES_256_GCM_SHA384, .TLS_CHACHA20_POLY1305_SHA256,
  ]

  private static let suites: [NIOTLSCipher: String] = [
    .TLS_AES_128_GCM_SHA256: "TLS_AES_128_GCM_SHA256",
    .TLS_AES_256_GCM_SHA384: "TLS_AES_256_GCM_SHA384",
    .TLS_CHACHA20_POLY1305_SHA256: "TLS_CHACHA20_POLY1305_SHA256",
    .TLS_RSA_WITH_AES_128_CBC_SHA: "TLS_RSA_WITH_AES_128_CBC_SHA",
    .TLS_RSA_WITH_AES_256_CBC_SHA: "TLS_RSA_WITH_AES_256_CBC_SHA",
    .TLS_RSA_WITH_AES_128_GCM_SHA256: "TLS_RSA_WITH_AES_128_GCM_SHA256",
    .TLS_RSA_WITH_AES_256_GCM_SHA384: "TLS_RSA_WITH_AES_256_GCM_SHA384",
    .TLS_PSK_WITH_AES_128_CBC_SHA: "TLS_PSK_WITH_AES_128_CBC_SHA",
    .TLS_PSK_WITH_AES_256_CBC_SHA: "TLS_PSK_WITH_AES_256_CBC_SHA",
    .TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA: "TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA",
    .TLS_ECDHE_PSK_WITH_AES_256_CBC_SHA: "TLS_ECDHE_PSK_WITH_AES_256_CBC_SHA",
    .TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    .TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    .TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    .TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    .TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    .TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    .TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    .TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    .TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    .TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256:
      "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
  ]

  /// The IANA name of a suite; its number where it is none that NIOSSL knows.
  static func text(_ suite: NIOTLSCipher) -> String {
    suites[suite] ?? "0x" + String(suite.rawValue, radix: 16)
  }

  /// The name of a version as TLS libraries write it.
  static func text(_ version: TLSVersion) -> String {
    switch version {
    case .tlsv1: "TLSv1"
    case .tlsv11: "TLSv1.1"
    case .tlsv12: "TLSv1.2"
    case .tlsv13: "TLSv1.3"
    }
  }
}
