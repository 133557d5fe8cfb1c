import COpenSSL

/// What a certificate says of itself, whoever issued it: for an inventory. Reading it proves nothing.
package struct CertificateDescription: Equatable, Sendable {
  /// One line of printable ASCII, at most 256 characters.
  package let subject: String
  /// In lower-case hexadecimal.
  package let serial: String
  /// The kind of its public key, as libcrypto names it: `EC`, `RSA`, `ED25519`.
  package let keyType: String
  /// Bits of the public key: of the modulus, or of the curve.
  package let keyBits: Int
  /// The algorithm of its signature, as libcrypto names it: `ecdsa-with-SHA256`.
  package let signatureAlgorithm: String
  /// The first second of validity, since 1970.
  package let notBefore: Int64
  /// The last second of validity, since 1970.
  package let notAfter: Int64
  /// SHA-256 of its DER form.
  package let fingerprint: Digest256

  /// Reads a certificate in DER, weak ones included.
  ///
  /// - Throws: ``CertificateError/malformedCertificate``, ``CertificateError/unsupportedExtension``.
  package init(der: RawSpan) throws(CertificateError) {
    let parsed = try ParsedCertificate.parse(der: der)
    let validity = try parsed.validity
    defer { ERR_clear_error() }
    guard let key = unsafe X509_get0_pubkey(parsed.pointer),
      let type = unsafe EVP_PKEY_get0_type_name(key),
      let signature = unsafe OBJ_nid2sn(X509_get_signature_nid(parsed.pointer))
    else { throw .malformedCertificate }
    subject = displayedSubject(of: parsed)
    serial = serialNumber(of: parsed)
    keyType = unsafe String(cString: type)
    keyBits = Int(unsafe EVP_PKEY_get_bits(key))
    signatureAlgorithm = unsafe String(cString: signature)
    notBefore = validity.lowerBound
    notAfter = validity.upperBound
    fingerprint = Digest256.sha256(der)
  }
}
