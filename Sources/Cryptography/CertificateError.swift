/// Why a certificate, an authority or its revocation list cannot be used.
package enum CertificateError: Error, Equatable {
  /// It is not a certificate: neither PEM nor DER that can be read.
  case malformedCertificate

  /// The file of an authority holds more than one certificate, and one of them has to be named.
  case severalCertificates

  /// The certificate has a critical extension that is not understood, or one that is malformed.
  case unsupportedExtension

  /// The certificate has no subject alternative name that can be read, though it has the extension.
  case malformedAlternativeName

  /// The certificate of the authority may not issue certificates.
  case notAnAuthority

  /// A key or signature offers less than 112 bits of security.
  case weakKey

  /// It is not a revocation list: neither PEM nor DER that can be read, or without next update.
  case malformedRevocationList

  /// The revocation list was not issued by the authority that it was given for.
  case foreignRevocationList

  /// The revocation list has a critical extension: it covers a part of the certificates only, or
  /// changes another list.
  case partialRevocationList

  /// The library reported a failure of its own, such as a lack of memory.
  case library
}
