import COpenSSL
import Glibc

/// The one owner of an X.509 certificate of libcrypto.
///
/// libcrypto fills in what it derives from the extensions at the first question that needs it, under
/// a lock; ``parse(der:)`` asks it, and afterwards the object is only read. Reading needs no lock:
/// libcrypto documents that objects which are not modified may be used by several threads.
@safe
struct ParsedCertificate: ~Copyable, @unchecked Sendable {
  let pointer: OpaquePointer

  /// Reads one certificate, and refuses bytes after it.
  static func parse(der: RawSpan) throws(CertificateError) -> ParsedCertificate {
    let certificate = unsafe readDER(
      der, { unsafe d2i_X509(nil, $0, $1) }, free: { unsafe X509_free($0) })
    guard let certificate = unsafe certificate else { throw .malformedCertificate }
    let parsed = unsafe ParsedCertificate(pointer: certificate)
    try parsed.checkExtensions()
    return parsed
  }

  deinit {
    unsafe X509_free(pointer)
  }

  /// Makes libcrypto derive its flags now, and refuses what they call invalid.
  private borrowing func checkExtensions() throws(CertificateError) {
    let flags = unsafe X509_get_extension_flags(pointer)
    ERR_clear_error()
    guard flags & UInt32(EXFLAG_INVALID) == 0, flags & UInt32(EXFLAG_CRITICAL) == 0
    else { throw .unsupportedExtension }
  }

  /// First and last second at which the certificate is valid, in seconds since 1970.
  var validity: ClosedRange<Int64> {
    get throws(CertificateError) {
      guard let from = unsafe unixSeconds(of: X509_get0_notBefore(pointer)),
        let until = unsafe unixSeconds(of: X509_get0_notAfter(pointer)), from <= until
      else { throw .malformedCertificate }
      return from...until
    }
  }

  /// Whether the certificate may issue others, by basic constraints and key usage.
  var isAuthority: Bool {
    unsafe X509_check_ca(pointer) == 1
      && X509_get_key_usage(pointer) & UInt32(KU_KEY_CERT_SIGN) != 0
  }

  /// Whether anything in it is a sign of an authority: basic constraints that say so, a key usage
  /// that lets the key sign certificates or revocation lists, or what stood for these before.
  /// - Source: SPIFFE X509-SVID, sections 4.1, 4.3 and 5.2.
  var hasSignOfAuthority: Bool {
    let flags = unsafe X509_get_extension_flags(pointer)
    if flags & UInt32(EXFLAG_CA) != 0 { return true }
    if flags & UInt32(EXFLAG_KUSAGE) != 0,
      unsafe X509_get_key_usage(pointer) & UInt32(KU_KEY_CERT_SIGN | KU_CRL_SIGN) != 0
    {
      return true
    }
    return unsafe X509_check_ca(pointer) != 0
  }

  /// Whether the key of this certificate made the signature of `other`.
  borrowing func hasSigned(_ other: borrowing ParsedCertificate) -> Bool {
    defer { ERR_clear_error() }
    guard let key = unsafe X509_get0_pubkey(pointer) else { return false }
    return unsafe X509_verify(other.pointer, key) == 1
  }

  /// Whether the public key offers 112 bits of security, which RSA of 2048 bits does.
  var hasStrongKey: Bool {
    let key = unsafe X509_get0_pubkey(pointer)
    defer { ERR_clear_error() }
    return unsafe key != nil && EVP_PKEY_get_security_bits(key) >= 112
  }

  /// Whether its signature offers 112 bits of security, which SHA-224 does and SHA-1 does not.
  var hasStrongSignature: Bool {
    var bits: Int32 = 0
    defer { ERR_clear_error() }
    return unsafe X509_get_signature_info(pointer, nil, nil, &bits, nil) == 1 && bits >= 112
  }
}

/// A libcrypto input stream over a copy of some bytes.
@safe
struct MemoryInput: ~Copyable {
  let pointer: OpaquePointer

  init?(_ bytes: [UInt8]) {
    guard let pointer = unsafe BIO_new(BIO_s_mem()) else { return nil }
    guard let count = Int32(exactly: bytes.count), unsafe BIO_write(pointer, bytes, count) == count
    else {
      unsafe BIO_free_all(pointer)
      ERR_clear_error()
      return nil
    }
    unsafe self.pointer = pointer
  }

  deinit {
    unsafe BIO_free_all(pointer)
  }
}

/// The object of libcrypto that `decode` makes of `der`; nil where it makes none, or bytes are left.
func readDER(
  _ der: RawSpan, _ decode: (UnsafeMutablePointer<UnsafePointer<UInt8>?>, Int) -> OpaquePointer?,
  free: (OpaquePointer) -> Void
) -> OpaquePointer? {
  defer { ERR_clear_error() }
  return unsafe der.withUnsafeBytes { bytes in
    var position = unsafe bytes.octets
    guard let end = unsafe position?.advanced(by: bytes.count),
      let object = unsafe decode(&position, bytes.count)
    else { return nil }
    if unsafe position == UnsafePointer(end) { return unsafe object }
    unsafe free(object)
    return nil
  }
}

/// Whether `bytes` start as every DER certificate and list does, and no PEM file.
func looksLikeDER(_ bytes: [UInt8]) -> Bool {
  bytes.first == 0x30
}

/// Seconds since 1970 of a time in ASN.1; nil if it cannot be read.
func unixSeconds(of time: UnsafePointer<ASN1_TIME>?) -> Int64? {
  var fields = unsafe tm()
  guard let time = unsafe time, unsafe ASN1_TIME_to_tm(time, &fields) == 1 else {
    ERR_clear_error()
    return nil
  }
  return Int64(unsafe timegm(&fields))
}
