import NIOSSL

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

/// What new handshakes use: TLS 1.3 alone, and a client certificate of one of `roots` required.
///
/// Which client it is, is decided afterwards, by ``ConnectionIdentity``.
func makeTLS(
  _ certificate: ServerCertificate, roots: [[UInt8]]
) throws(VaultServerError) -> NIOSSLContext {
  let chain: [NIOSSLCertificateSource]
  do {
    chain = try NIOSSLCertificate.fromPEMFile(certificate.chainPath).map { .certificate($0) }
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
    certificateChain: chain, privateKey: .privateKey(key))
  configuration.minimumTLSVersion = .tlsv13
  configuration.maximumTLSVersion = .tlsv13
  configuration.certificateVerification = .noHostnameVerification
  configuration.trustRoots = .certificates(trusted)
  configuration.renegotiationSupport = .none
  do {
    return try NIOSSLContext(configuration: configuration)
  } catch {
    throw .unusableCertificate(file: certificate.chainPath, cause: "\(error)")
  }
}
