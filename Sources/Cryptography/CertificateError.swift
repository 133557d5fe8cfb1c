/// Why a certificate, an authority or its revocation list cannot be used.
package enum CertificateError: Error, Equatable {
  /// It is not a certificate: neither PEM nor DER that can be read; or a file of certificates holds
  /// something else.
  case malformedCertificate

  /// The certificate has a critical extension that is not understood, or one that is malformed.
  case unsupportedExtension

  /// The certificate has no subject alternative name that can be read, though it has the extension.
  case malformedAlternativeName

  /// The certificate of the authority may not issue certificates of clients.
  case notAnAuthority

  /// A key or signature offers less than 112 bits of security; or the key of an authority is none
  /// of RSA, P-256, P-384, P-521 and Ed25519.
  case weakKey

  /// It is not a revocation list: neither PEM nor DER that can be read, or without next update; or
  /// a file of lists holds something else.
  case malformedRevocationList

  /// The revocation list bears the name of an authority whose key did not sign it.
  case foreignRevocationList

  /// The revocation list is of no authority that is trusted by itself, and longer than
  /// ``RevocationList/mostBytesOfOthers``.
  case largeRevocationList

  /// The revocation list cannot be for clients: it is for authorities, for attribute certificates or for
  /// some reasons only, changes another list, or has another critical extension.
  case partialRevocationList

  /// The library reported a failure of its own, such as a lack of memory.
  case library
}

/// Which revocation lists cannot be used beside the authorities that are trusted.
package struct UnusableRevocationLists: Error {
  /// Each with the reason: ``CertificateError/foreignRevocationList`` or
  /// ``CertificateError/largeRevocationList``; at least one.
  package let lists: [(list: RevocationList, reason: CertificateError)]
}
