import COpenSSL

/// Certificates in files as operators have them.
package enum PEM {
  /// The DER form of every certificate in `bytes`, which are PEM blocks with anything between them,
  /// or one certificate in DER. Empty where there is none.
  ///
  /// - Throws: ``CertificateError/malformedCertificate`` if a block cannot be read.
  package static func certificates(in bytes: [UInt8]) throws(CertificateError) -> [[UInt8]] {
    if looksLikeDER(bytes) { return [bytes] }
    guard let input = MemoryInput(bytes) else { throw .library }
    var certificates: [[UInt8]] = []
    while let certificate = unsafe PEM_read_bio_X509(input.pointer, nil, refusePassphrase, nil) {
      defer { unsafe X509_free(certificate) }
      certificates.append(try unsafe derForm(of: certificate))
    }
    // The loop ends at the end of the file, or at a block that is damaged.
    let reason = ERR_GET_REASON(ERR_peek_last_error())
    ERR_clear_error()
    guard reason == PEM_R_NO_START_LINE else { throw .malformedCertificate }
    return certificates
  }
}
