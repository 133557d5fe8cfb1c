package import NIOSSL

/// Where the server's certificate chain and private key are, in PEM.
package struct ServerCertificate: Sendable, Equatable {
  /// The file of the chain, the server's own certificate first.
  package let chainPath: String
  /// The file of its private key.
  package let privateKeyPath: String

  /// Names the files.
  package init(chainPath: String, privateKeyPath: String) {
    self.chainPath = chainPath
    self.privateKeyPath = privateKeyPath
  }
}

/// What handshakes use.
package struct ServerTLS: Sendable {
  let context: NIOSSLContext
  /// The settings of the context, without the private key.
  package let settings: TLSConfiguration
  /// The chain that the server shows, in DER, its own certificate first.
  package let chain: [[UInt8]]
}

/// What new handshakes use: TLS 1.3 alone, and a client certificate of one of `roots` required.
///
/// Which client it is, is decided afterwards, by ``ConnectionIdentity``.
func makeTLS(
  _ certificate: ServerCertificate, roots: [[UInt8]]
) throws(VaultServerError) -> ServerTLS {
  let chain: [NIOSSLCertificate]
  let chainBytes: [[UInt8]]
  do {
    chain = try NIOSSLCertificate.fromPEMFile(certificate.chainPath)
    chainBytes = try chain.map { try $0.toDERBytes() }
  } catch {
    throw .unusableCertificate(file: certificate.chainPath, cause: "\(error)")
  }
  let key: NIOSSLPrivateKey
  do {
    key = try NIOSSLPrivateKey(file: certificate.privateKeyPath, format: .pem)
  } catch {
    throw .unusableCertificate(file: certificate.privateKeyPath, cause: "\(error)")
  }
  let trusted: [NIOSSLCertificate]
  do {
    trusted = try roots.map { try NIOSSLCertificate(bytes: $0, format: .der) }
  } catch {
    throw .unusableAuthorities(cause: "\(error)")
  }
  var configuration = TLSConfiguration.makeServerConfiguration(
    certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
  configuration.minimumTLSVersion = .tlsv13
  configuration.maximumTLSVersion = .tlsv13
  configuration.certificateVerification = .noHostnameVerification
  configuration.trustRoots = .certificates(trusted)
  configuration.renegotiationSupport = .none
  do {
    let context = try NIOSSLContext(configuration: configuration)
    configuration.privateKey = nil
    return ServerTLS(context: context, settings: configuration, chain: chainBytes)
  } catch {
    throw .unusableCertificate(file: certificate.chainPath, cause: "\(error)")
  }
}
