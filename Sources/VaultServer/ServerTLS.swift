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

/// The certificate and trust of handshakes.
package struct ServerTLS: Sendable {
  let context: NIOSSLContext
  /// The settings of the context, without the private key.
  package let settings: TLSConfiguration
  /// The chain that the server shows, in DER, its own certificate first.
  package let chain: [[UInt8]]
}

/// What clients may sign with: RSA, P-256, P-384, P-521 and Ed25519. The forms of PKCS #1 are for
/// certificates alone: TLS 1.3 takes none of them in a handshake. BoringSSL's own list has neither
/// P-521 nor Ed25519, and has SHA-1.
private let clientSignatures: [SignatureAlgorithm] = [
  .ed25519, .ecdsaSecp256R1Sha256, .ecdsaSecp384R1Sha384, .ecdsaSecp521R1Sha512,
  .rsaPssRsaeSha256, .rsaPssRsaeSha384, .rsaPssRsaeSha512,
  .rsaPkcs1Sha256, .rsaPkcs1Sha384, .rsaPkcs1Sha512,
]

/// What new handshakes use: TLS 1.3 alone, and a client certificate required.
///
/// BoringSSL checks that the client has the key of its certificate. Who issued it, and which client
/// it is, ``ConnectionIdentity`` decides: NIOSSL gives no way to end a chain at an authority that is
/// not a root. `anchors` are set so that the library never falls back on the system's roots.
func makeTLS(
  _ certificate: ServerCertificate, anchors: [[UInt8]]
) throws(VaultServerError) -> ServerTLS {
  let chain = try using(
    certificate.chainPath, NIOSSLCertificate.fromPEMFile(certificate.chainPath))
  let chainBytes = try using(certificate.chainPath, chain.map { try $0.toDERBytes() })
  let key = try using(
    certificate.privateKeyPath,
    NIOSSLPrivateKey(file: certificate.privateKeyPath, format: .pem))
  let trusted: [NIOSSLCertificate]
  do {
    trusted = try anchors.map { try NIOSSLCertificate(bytes: $0, format: .der) }
  } catch {
    throw .unusableAuthorities(cause: "\(error)")
  }
  var configuration = TLSConfiguration.makeServerConfiguration(
    certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
  configuration.minimumTLSVersion = .tlsv13
  configuration.maximumTLSVersion = .tlsv13
  configuration.certificateVerification = .noHostnameVerification
  configuration.trustRoots = .certificates(trusted)
  configuration.verifySignatureAlgorithms = clientSignatures
  configuration.renegotiationSupport = .none
  let context = try using(
    certificate.chainPath, NIOSSLContext(configuration: configuration))
  configuration.privateKey = nil
  return ServerTLS(context: context, settings: configuration, chain: chainBytes)
}

/// What `make` makes of the file of a certificate or key.
private func using<R>(
  _ file: String, _ make: @autoclosure () throws -> R
) throws(VaultServerError) -> R {
  do { return try make() } catch { throw .unusableCertificate(file: file, cause: "\(error)") }
}
