import Bytes
import COpenSSL

/// What a certificate says of itself, whoever issued it: for an inventory. Reading it proves nothing.
package struct CertificateDescription: Equatable, Sendable {
  /// One line of printable ASCII, at most 256 characters.
  package let subject: String
  /// Who issued it, in the same form.
  package let issuer: String
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
    issuer = displayedIssuer(of: parsed)
    serial = serialNumber(of: parsed)
    keyType = unsafe String(cString: type)
    keyBits = Int(unsafe EVP_PKEY_get_bits(key))
    signatureAlgorithm = unsafe String(cString: signature)
    notBefore = validity.lowerBound
    notAfter = validity.upperBound
    fingerprint = Digest256.sha256(der)
  }
  /// Reads every certificate of a file in PEM, which may hold other blocks too, or the one of a file in DER.
  ///
  /// - Throws: As ``init(der:)``.
  package static func read(pem file: [UInt8]) throws(CertificateError) -> [CertificateDescription] {
    // What it gives back as it is, is DER.
    let isWhole = PEM.firstCertificate(in: file) == file
    guard let blocks = isWhole ? [file] : PEM.certificates(in: file), !blocks.isEmpty else {
      throw .malformedCertificate
    }
    var certificates: [CertificateDescription] = []
    for block in blocks { certificates.append(try CertificateDescription(der: block.rawSpan)) }
    return certificates
  }
}
