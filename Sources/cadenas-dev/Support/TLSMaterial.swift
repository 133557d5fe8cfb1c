import NIOSSL

/// Certificates of a development PKI, as TLS contexts.
struct TLSMaterial {
  /// The directory that `cadenas-dev pki` made.
  let directory: String

  /// The context of a client that shows the pair `name` and trusts the authority `trust` alone.
  func client(
    _ name: String, trusting trust: String
  ) throws(DevelopmentError) -> NIOSSLContext {
    try context(name, try clientConfiguration(name, trusting: trust))
  }

  /// What ``client(_:trusting:)`` is made of, for a library that makes contexts itself.
  func clientConfiguration(
    _ name: String, trusting trust: String
  ) throws(DevelopmentError) -> TLSConfiguration {
    try configuration(name, trusting: trust) { _ in
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
    let configuration = try configuration(name, trusting: trust) { key in
      var configuration = TLSConfiguration.makeServerConfigurationWithMTLS(
        certificateChain: [], privateKey: key, trustRoots: .certificates([]))
      configuration.minimumTLSVersion = .tlsv12
      return configuration
    }
    return try context(name, configuration)
  }

  /// The context of a server that shows the pair `name` and asks its clients for nothing.
  func publicServer(_ name: String) throws(DevelopmentError) -> NIOSSLContext {
    try context(name, try publicServerConfiguration(name))
  }

  /// What ``publicServer(_:)`` is made of, for a library that makes contexts itself.
  func publicServerConfiguration(_ name: String) throws(DevelopmentError) -> TLSConfiguration {
    try configuration(name, trusting: "ca") { key in
      var configuration = TLSConfiguration.makeServerConfiguration(
        certificateChain: [], privateKey: key)
      configuration.minimumTLSVersion = .tlsv12
      return configuration
    }
  }

  private func configuration(
    _ name: String, trusting trust: String,
    _ make: (NIOSSLPrivateKeySource) -> TLSConfiguration
  ) throws(DevelopmentError) -> TLSConfiguration {
    do {
      let key = try NIOSSLPrivateKey(file: "\(directory)/\(name).key", format: .pem)
      var configuration = make(.privateKey(key))
      configuration.certificateChain = try NIOSSLCertificate.fromPEMFile("\(directory)/\(name).pem")
        .map { .certificate($0) }
      configuration.privateKey = .privateKey(key)
      configuration.trustRoots = .certificates(
        try NIOSSLCertificate.fromPEMFile("\(directory)/\(trust).pem"))
      return configuration
    } catch { throw unusable(name, error) }
  }

  private func context(
    _ name: String, _ configuration: TLSConfiguration
  ) throws(DevelopmentError) -> NIOSSLContext {
    do { return try NIOSSLContext(configuration: configuration) } catch {
      throw unusable(name, error)
    }
  }

  private func unusable(_ name: String, _ error: any Error) -> DevelopmentError {
    .unsuitableDirectory(
      path: directory, reason: "cannot use the certificate '\(name)' (\(error))")
  }
}
