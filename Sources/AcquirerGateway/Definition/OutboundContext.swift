import ConfigurationReading
import NIOSSL

/// The TLS of connections to one acquirer: pinned to its authority and its name, with the vault's own
/// certificate where it asks for one.
struct OutboundContext {
  /// Tells a mistake: the file, what is wrong with it, and what helps.
  typealias Report = (_ file: String, _ message: String, _ suggestion: String?) -> Void

  /// The suites of TLS 1.2 that are offered: forward secrecy and authenticated encryption only. Those
  /// of TLS 1.3 all have both.
  /// - Source: RFC 9325, 4.2.
  private static let suites: [NIOTLSCipher] = [
    .TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, .TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    .TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, .TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    .TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, .TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
  ]

  let context: NIOSSLContext
  /// The settings of the context, without the private key.
  let settings: TLSConfiguration
  /// The authorities that are believed, in DER.
  let authorities: [[UInt8]]
  /// The chain that the vault shows, in DER.
  let chain: [[UInt8]]

  /// Reads what `pins` names.
  ///
  /// - Returns: nil after `report` was told of a mistake.
  init?(_ pins: OutboundTLS, _ report: Report) {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.minimumTLSVersion = .tlsv12
    configuration.cipherSuiteValues = Self.suites
    configuration.certificateVerification = .fullVerification
    configuration.applicationProtocols = ["http/1.1"]
    guard let authorities = Self.certificates(pins.caPath, report) else { return nil }
    configuration.trustRoots = .certificates(authorities)
    var chain: [NIOSSLCertificate] = []
    if let client = pins.clientCertificate {
      if let problem = PairFiles.problem(
        certificatePath: client.certificatePath, privateKeyPath: client.privateKeyPath)
      {
        report(problem.file, problem.message, problem.suggestion)
        return nil
      }
      guard let shown = Self.certificates(client.certificatePath, report) else { return nil }
      chain = shown
      configuration.certificateChain = chain.map { .certificate($0) }
      guard let key = try? NIOSSLPrivateKey(file: client.privateKeyPath, format: .pem) else {
        report(client.privateKeyPath, "holds a private key of a kind that TLS does not know", nil)
        return nil
      }
      configuration.privateKey = .privateKey(key)
    }
    guard let context = try? NIOSSLContext(configuration: configuration),
      let authorityBytes = try? authorities.map({ try $0.toDERBytes() }),
      let chainBytes = try? chain.map({ try $0.toDERBytes() })
    else {
      report(
        pins.clientCertificate?.certificatePath ?? pins.caPath, "cannot be used for TLS",
        "the kind of its key may be one that TLS does not know")
      return nil
    }
    // The handler refuses names that no certificate could be compared with, such as addresses.
    guard (try? NIOSSLClientHandler(context: context, serverHostname: pins.serverName)) != nil
    else {
      report(
        pins.caPath, "\(quoted(pins.serverName)) is no name that a certificate can carry",
        "write the host name of the acquirer's certificate as \"server_name\"")
      return nil
    }
    configuration.privateKey = nil
    self.context = context
    settings = configuration
    self.authorities = authorityBytes
    self.chain = chainBytes
  }

  private static func certificates(_ path: String, _ report: Report) -> [NIOSSLCertificate]? {
    if let certificates = try? NIOSSLCertificate.fromPEMFile(path), !certificates.isEmpty {
      return certificates
    }
    report(path, "holds no certificate in PEM", nil)
    return nil
  }
}
