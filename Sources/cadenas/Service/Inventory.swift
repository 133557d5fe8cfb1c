import AcquirerGateway
import Administration
import Bytes
import ConfigurationReading
import Cryptography
import Glibc
import JSON
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

  /// Writes libraries, algorithms, handshakes, certificates and revocation lists in use.
  ///
  /// Ages and what is left are whole days, a negative number where an end has passed.
  /// - Throws: `CryptographyError`, `CertificateError`.
  func write(to json: inout JSONWriter, atMilliseconds now: Int64) throws {
    json.member("algorithms", objects: try AlgorithmDescription.all()) { json, algorithm in
      json.member("name", string: algorithm.name)
      json.member("key_bits", integer: algorithm.keyBits)
      json.member("parameters", string: algorithm.parameters)
      json.member("purpose", string: algorithm.purpose)
      json.member("implementation", string: algorithm.implementation)
      json.member("standard", string: algorithm.standard)
    }
    json.member("protocols", objects: handshakes) { json, handshake in
      let settings = handshake.settings
      json.member("name", string: "TLS")
      json.member("use", string: handshake.use)
      json.member("address", string: handshake.address)
      json.member("minimum", string: settings.minimumTLSVersion.text)
      json.member("maximum", string: (settings.maximumTLSVersion ?? .tlsv13).text)
      json.member("cipher_suites", strings: settings.suiteNames)
      json.member("authentication", string: handshake.authentication)
    }
    json.member("certificates", objects: try certificates()) { json, certificate in
      let description = certificate.description
      let begin = Self.milliseconds(description.notBefore)
      let end = Self.milliseconds(description.notAfter)
      json.member("use", string: certificate.use)
      json.member("subject", string: description.subject)
      json.member("serial", string: description.serial)
      json.member("key_type", string: description.keyType)
      json.member("key_bits", integer: description.keyBits)
      json.member("signature_algorithm", string: description.signatureAlgorithm)
      json.member("not_before", unixMilliseconds: begin)
      json.member("not_after", unixMilliseconds: end)
      json.member("age_days", integer: now.days(since: begin))
      json.member("days_left", integer: -now.days(since: end))
      json.member("sha256", string: description.fingerprint.hex)
    }
    let lists = authorities.lists.sorted { $0.key < $1.key }.flatMap { path, lists in
      lists.map { (path: path, list: $0) }
    }
    json.member("revocation_lists", objects: lists) { json, each in
      let end = Self.milliseconds(each.list.nextUpdate)
      json.member("path", string: each.path)
      json.member("authority", string: each.list.issuer)
      json.member("next_update", unixMilliseconds: end)
      json.member("days_left", integer: -now.days(since: end))
    }
    json.member("libraries", objects: Self.libraries) { json, library in
      json.member("name", string: library.name)
      json.member("version", string: library.version)
      json.member("purpose", string: library.purpose)
    }
  }

  /// What each library does for the program.
  private static var libraries: [(name: String, version: String?, purpose: String)] {
    let purposes = [
      "libcrypto": "ciphers, hashes, message authentication, certificates and revocation lists",
      "libsodium": "signatures, guarded memory, random bytes for keys",
    ]
    return CryptographicLibrary.all.map { ($0.name, $0.version, purposes[$0.name] ?? "") } + [
      // It has no versions, and is a part of the program.
      ("BoringSSL", SwiftPackages.boringSSL, "TLS"),
      ("LMDB", LMDBLibrary.version, "the store, without cryptography"),
      ("glibc", systemLibraryVersion, "the system's interface"),
    ] + SwiftPackages.all.map { ($0.name, $0.version, $0.purpose) }
  }

  private static var systemLibraryVersion: String? {
    var text = [CChar](repeating: 0, count: 64)
    let count = unsafe confstr(Int32(_CS_GNU_LIBC_VERSION), &text, text.count)
    guard (1...text.count).contains(count) else { return nil }
    let bytes = text[..<(count - 1)].map { UInt8(bitPattern: $0) }
    return String(decoding: bytes, as: UTF8.self).split(separator: " ").last.map(String.init)
  }

  /// Which connections TLS protects, where, and how each side proves who it is.
  private var handshakes:
    [(use: String, address: String, settings: TLSConfiguration, authentication: String)]
  {
    [
      (
        "clients' connections", listen, server.settings,
        "certificates of both sides; of the client's, revocation too"
      )
    ]
      + acquirers.map {
        (
          "connections to the acquirer \($0.acquirer)", $0.url, $0.settings,
          "the acquirer's certificate, pinned to its authority and to the name "
            + $0.serverName + ($0.chain.isEmpty ? "" : "; the vault's certificate")
        )
      }
  }

  /// Every certificate once for each use.
  private func certificates() throws(CertificateError) -> [(
    use: String, description: CertificateDescription
  )] {
    var found: [(use: String, description: CertificateDescription)] = []
    func add(_ use: String, _ chain: [[UInt8]]) throws(CertificateError) {
      for der in chain {
        let description = try CertificateDescription(der: der.rawSpan)
        let isKnown = found.contains { $0.use == use && $0.description == description }
        if !isKnown { found.append((use, description)) }
      }
    }
    try add("shown to clients", server.chain)
    try add("authority of clients", authorities.all.anchors.map(\.der))
    for acquirer in acquirers {
      try add("authority of the acquirer \(acquirer.acquirer)", acquirer.authorities)
      try add("shown to the acquirer \(acquirer.acquirer)", acquirer.chain)
    }
    return found
  }

  private static func milliseconds(_ seconds: Int64) -> Int64 {
    let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000)
    return overflow ? (seconds < 0 ? .min : .max) : product
  }
}

extension Inventory {
  /// The inventory of a service that would start with `configuration`.
  ///
  /// - Throws: `ConfigurationError`, `VaultServerError`.
  init(_ configuration: ServiceConfiguration) throws {
    let parts = try ServiceParts(configuration, generation: 0)
    server = try VaultServer.tls(showing: parts.certificate, trusting: parts.authorities)
    listen = "\(configuration.listen.host):\(configuration.listen.port)"
    authorities = parts.authorities
    acquirers = AcquirerRoutes.connections(of: parts.definitions)
  }
}

extension TLSConfiguration {
  /// The suites of TLS 1.3 that BoringSSL offers and takes; it lets nobody choose among them.
  private static let suitesOfTLS13: [NIOTLSCipher] = [
    .TLS_AES_128_GCM_SHA256, .TLS_AES_256_GCM_SHA384, .TLS_CHACHA20_POLY1305_SHA256,
  ]

  /// The suites that a handshake may come to, by their IANA names.
  fileprivate var suiteNames: [String] {
    var suites: [NIOTLSCipher] = []
    if maximumTLSVersion ?? .tlsv13 == .tlsv13 { suites += Self.suitesOfTLS13 }
    if minimumTLSVersion != .tlsv13 { suites += cipherSuiteValues }
    // NIOSSL gives names to the suites that it is told to use.
    var named = self
    named.cipherSuiteValues = suites
    return named.cipherSuites.split(separator: ":").map(String.init)
  }
}

extension TLSVersion {
  /// The name as TLS libraries write it.
  fileprivate var text: String {
    switch self {
    case .tlsv1: "TLSv1"
    case .tlsv11: "TLSv1.1"
    case .tlsv12: "TLSv1.2"
    case .tlsv13: "TLSv1.3"
    }
  }
}
