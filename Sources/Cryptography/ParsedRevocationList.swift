import COpenSSL

/// The one owner of a certificate revocation list of libcrypto.
///
/// libcrypto sorts the revoked serial numbers at the first lookup, under a lock; ``parse(_:)`` makes
/// one, and afterwards the object is only read, which several threads may do.
@safe
struct ParsedRevocationList: ~Copyable, @unchecked Sendable {
  let pointer: OpaquePointer

  /// First and last second at which the list is current, in seconds since 1970.
  let validity: ClosedRange<Int64>

  /// Which certificates it is about.
  let scope: RevocationScope

  /// Reads one list in DER, and refuses bytes after it, and a list that cannot be for clients.
  static func parse(der: RawSpan) throws(CertificateError) -> ParsedRevocationList {
    let list = unsafe readDER(
      der, { unsafe d2i_X509_CRL(nil, $0, $1) }, free: { unsafe X509_CRL_free($0) })
    guard let list = unsafe list else { throw .malformedRevocationList }
    let validity = unsafe validity(of: list)
    let scope: RevocationScope
    do throws(CertificateError) {
      scope = try unsafe RevocationScope(of: list)
    } catch {
      unsafe X509_CRL_free(list)
      throw error
    }
    guard let validity else {
      unsafe X509_CRL_free(list)
      throw .malformedRevocationList
    }
    let parsed = unsafe ParsedRevocationList(pointer: list, validity: validity, scope: scope)
    guard !parsed.hasUnknownCriticalExtension else { throw .partialRevocationList }
    parsed.sort()
    return parsed
  }

  deinit {
    unsafe X509_CRL_free(pointer)
  }

  private static func validity(of list: OpaquePointer) -> ClosedRange<Int64>? {
    guard let from = unsafe unixSeconds(of: X509_CRL_get0_lastUpdate(list)),
      let until = unsafe unixSeconds(of: X509_CRL_get0_nextUpdate(list)), from <= until
    else { return nil }
    return from...until
  }

  /// Looks a serial number up, so that libcrypto sorts the entries now.
  private borrowing func sort() {
    guard let number = unsafe ASN1_INTEGER_new() else { return }
    var entry: OpaquePointer?
    _ = unsafe X509_CRL_get0_by_serial(pointer, &entry, number)
    unsafe ASN1_INTEGER_free(number)
    ERR_clear_error()
  }

  /// Every extension that changes what a list means is critical (RFC 5280, section 5.2), as that of a
  /// delta is. The issuing distribution point is understood.
  private var hasUnknownCriticalExtension: Bool {
    for index in 0..<max(0, unsafe X509_CRL_get_ext_count(pointer)) {
      let one = unsafe X509_CRL_get_ext(pointer, index)
      guard
        unsafe X509_EXTENSION_get_critical(one) == 0
          || OBJ_obj2nid(X509_EXTENSION_get_object(one)) == NID_issuing_distribution_point
      else { return true }
    }
    return false
  }

  /// Whether the issuer's name is that of `authority`.
  borrowing func bearsName(of authority: borrowing ParsedCertificate) -> Bool {
    unsafe X509_NAME_cmp(
      X509_CRL_get_issuer(pointer), X509_get_subject_name(authority.pointer)) == 0
  }

  /// Whether `authority` issued the list: its name, and its signature.
  borrowing func isIssued(by authority: borrowing ParsedCertificate) -> Bool {
    defer { ERR_clear_error() }
    guard let key = unsafe X509_get0_pubkey(authority.pointer), bearsName(of: authority)
    else { return false }
    return unsafe X509_CRL_verify(pointer, key) == 1
  }

  /// Whether the list names the serial number of `certificate`. A lookup that fails counts as named.
  borrowing func names(_ certificate: borrowing ParsedCertificate) -> Bool {
    var entry: OpaquePointer?
    return unsafe X509_CRL_get0_by_cert(pointer, &entry, certificate.pointer) != 0
  }
}
