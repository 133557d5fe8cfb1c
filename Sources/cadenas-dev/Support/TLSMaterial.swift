import NIOSSL

/// Certificates of a development PKI, as TLS contexts.
struct TLSMaterial {
  /// The directory that `cadenas-dev pki` made.
  let directory: String

  /// The context of a client that shows the pair `name` and trusts the authority `trust` alone.
  func client(
    _ name: String, trusting trust: String
  ) throws(DevelopmentError) -> NIOSSLContext {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.minimumTLSVersion = .tlsv13
    configuration.certificateVerification = .fullVerification
    return try context(&configuration, pair: name, trusting: trust)
  }

  /// The context of a server that shows the pair `name` and asks its clients for a certificate of
  /// the authority `trust`.
  func server(
    _ name: String, trusting trust: String
  ) throws(DevelopmentError) -> NIOSSLContext {
    do {
      var configuration = TLSConfiguration.makeServerConfigurationWithMTLS(
        certificateChain: [], privateKey: try key(name), trustRoots: .certificates([]))
      configuration.minimumTLSVersion = .tlsv12
      return try context(&configuration, pair: name, trusting: trust)
    } catch let error as DevelopmentError {
      throw error
    } catch {
      throw unreadable(name, error)
    }
  }

  private func context(
    _ configuration: inout TLSConfiguration, pair name: String, trusting trust: String
  ) throws(DevelopmentError) -> NIOSSLContext {
    do {
      configuration.certificateChain = try NIOSSLCertificate.fromPEMFile("\(directory)/\(name).pem")
        .map { .certificate($0) }
      configuration.privateKey = try key(name)
      configuration.trustRoots = .certificates(
        try NIOSSLCertificate.fromPEMFile("\(directory)/\(trust).pem"))
      return try NIOSSLContext(configuration: configuration)
    } catch {
      throw unreadable(name, error)
    }
  }

  private func key(_ name: String) throws -> NIOSSLPrivateKeySource {
    .privateKey(try NIOSSLPrivateKey(file: "\(directory)/\(name).key", format: .pem))
  }

  private func unreadable(_ name: String, _ error: any Error) -> DevelopmentError {
    .unsuitableDirectory(
      path: directory, reason: "cannot use the certificate '\(name)' (\(error))")
  }
}
