import COpenSSL

/// The name constraints of an authority, of which the object of libcrypto is only read.
@safe
struct NameConstraints: ~Copyable, @unchecked Sendable {
  let pointer: UnsafeMutablePointer<NAME_CONSTRAINTS>

  static func read(
    from certificate: borrowing ParsedCertificate
  ) throws(CertificateError) -> NameConstraints? {
    var criticality: Int32 = 0
    let value = unsafe X509_get_ext_d2i(
      certificate.pointer, NID_name_constraints, &criticality, nil)
    guard let value = unsafe value else {
      ERR_clear_error()
      // -1: there is none. Anything else: it is malformed, or there are several.
      guard criticality == -1 else { throw .unsupportedExtension }
      return nil
    }
    return unsafe NameConstraints(pointer: value.assumingMemoryBound(to: NAME_CONSTRAINTS.self))
  }

  private init(pointer: UnsafeMutablePointer<NAME_CONSTRAINTS>) {
    unsafe self.pointer = pointer
  }

  deinit {
    unsafe NAME_CONSTRAINTS_free(pointer)
  }

  /// Whether every name of `certificate` is one that the authority may vouch for.
  borrowing func allow(_ certificate: borrowing ParsedCertificate) -> Bool {
    defer { ERR_clear_error() }
    return unsafe NAME_CONSTRAINTS_check(certificate.pointer, pointer) == X509_V_OK
  }
}
