import NIOSSL

/// Certificates of a development PKI, as TLS contexts.
struct TLSMaterial {
  /// The directory that `cadenas-dev pki` made.
  let directory: String

  /// The context of a client that shows the pair `name` and trusts the authority `trust` alone.
  func client(
    _ name: String, trusting trust: String
  ) throws(DevelopmentError) -> NIOSSLContext {
    try context(name, trusting: trust) { _ in
      var configuration = TLSConfiguration.makeClientConfiguration()
      configuration.minimumTLSVersion = .tlsv13
      configuration.certificateVerification = .fullVerification
      return configuration
    }
  }

  /// The context of a server that shows the pair `name` and asks its clients for a certificate of
  /// the authority `trust`.
  func server(
    _ name: String, trusting trust: String
  ) throws(DevelopmentError) -> NIOSSLContext {
    try context(name, trusting: trust) { key in
      var configuration = TLSConfiguration.makeServerConfigurationWithMTLS(
        certificateChain: [], privateKey: key, trustRoots: .certificates([]))
      configuration.minimumTLSVersion = .tlsv12
      return configuration
    }
  }

  /// The context of a server that shows the pair `name` and asks its clients for nothing.
  func publicServer(_ name: String) throws(DevelopmentError) -> NIOSSLContext {
    try context(name, trusting: "ca") { key in
      var configuration = TLSConfiguration.makeServerConfiguration(
        certificateChain: [], privateKey: key)
      configuration.minimumTLSVersion = .tlsv12
      return configuration
    }
  }

  private func context(
    _ name: String, trusting trust: String,
    _ configuration: (NIOSSLPrivateKeySource) -> TLSConfiguration
  ) throws(DevelopmentError) -> NIOSSLContext {
    do {
      let key = try NIOSSLPrivateKey(file: "\(directory)/\(name).key", format: .pem)
      var configuration = configuration(.privateKey(key))
      configuration.certificateChain = try NIOSSLCertificate.fromPEMFile("\(directory)/\(name).pem")
        .map { .certificate($0) }
      configuration.privateKey = .privateKey(key)
      configuration.trustRoots = .certificates(
        try NIOSSLCertificate.fromPEMFile("\(directory)/\(trust).pem"))
      return try NIOSSLContext(configuration: configuration)
    } catch {
      throw .unsuitableDirectory(
        path: directory, reason: "cannot use the certificate '\(name)' (\(error))")
    }
  }
}
