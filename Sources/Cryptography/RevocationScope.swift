import COpenSSL

/// Which of its issuer's certificates a revocation list is about, by the issuing distribution point
/// that it may have.
/// - Source: RFC 5280, sections 5.2.5 and 6.3.3.
struct RevocationScope: Equatable {
  /// Whether it leaves out the certificates of authorities.
  private(set) var isForLeaves = false
  /// The distribution points that it is published at, each in DER; nil where it is for every one. An
  /// authority that splits its list gives each part a name, and each certificate the name of its part.
  private(set) var points: Set<[UInt8]>?

  /// What `list` says.
  ///
  /// - Throws: ``CertificateError/partialRevocationList`` for one that is for authorities, for attribute
  ///   certificates or for some reasons only, or names other issuers' certificates; and where it
  ///   cannot be read.
  init(of list: OpaquePointer) throws(CertificateError) {
    defer { ERR_clear_error() }
    var criticality: Int32 = 0
    let value = unsafe X509_CRL_get_ext_d2i(
      list, NID_issuing_distribution_point, &criticality, nil)
    guard let value = unsafe value else {
      // -1: there is none. Anything else: it is malformed, or there are several.
      guard criticality == -1 else { throw .partialRevocationList }
      return
    }
    let point = unsafe value.assumingMemoryBound(to: ISSUING_DIST_POINT.self)
    defer { unsafe ISSUING_DIST_POINT_free(point) }
    guard unsafe point.pointee.onlyCA == 0, unsafe point.pointee.onlyattr == 0,
      unsafe point.pointee.indirectCRL == 0, unsafe point.pointee.onlysomereasons == nil
    else { throw .partialRevocationList }
    isForLeaves = unsafe point.pointee.onlyuser != 0
    guard let name = unsafe point.pointee.distpoint else { return }
    guard let points = unsafe Self.names(of: name), !points.isEmpty else {
      throw .partialRevocationList
    }
    self.points = points
  }

  /// Whether `certificate`, which the list's issuer has issued, is one of those that the list is about.
  ///
  /// One that names no distribution point is: its issuer splits no list.
  func covers(_ certificate: borrowing ParsedCertificate) -> Bool {
    if isForLeaves, certificate.hasSignOfAuthority { return false }
    guard let points else { return true }
    let named = Self.points(of: certificate)
    return named.isEmpty || !named.isDisjoint(with: points)
  }

  /// The names of the distribution points of a certificate, each in DER.
  private static func points(of certificate: borrowing ParsedCertificate) -> Set<[UInt8]> {
    defer { ERR_clear_error() }
    guard
      let value = unsafe X509_get_ext_d2i(
        certificate.pointer, NID_crl_distribution_points, nil, nil)
    else { return [] }
    let stack = OpaquePointer(value)
    defer { unsafe CRL_DIST_POINTS_free(stack) }
    var names: Set<[UInt8]> = []
    for index in 0..<max(0, unsafe OPENSSL_sk_num(stack)) {
      guard let point = unsafe OPENSSL_sk_value(stack, index),
        let name = unsafe point.assumingMemoryBound(to: DIST_POINT.self).pointee.distpoint
      else { continue }
      names.formUnion(unsafe Self.names(of: name) ?? [])
    }
    return names
  }

  /// The full names of a distribution point; nil where it has another form.
  private static func names(of point: UnsafeMutablePointer<DIST_POINT_NAME>) -> Set<[UInt8]>? {
    guard unsafe point.pointee.type == 0, let stack = unsafe point.pointee.name.fullname
    else { return nil }
    var names: Set<[UInt8]> = []
    for index in 0..<max(0, unsafe OPENSSL_sk_num(stack)) {
      guard let name = unsafe OPENSSL_sk_value(stack, index) else { return nil }
      var encoded: UnsafeMutablePointer<UInt8>?
      let count = unsafe i2d_GENERAL_NAME(name.assumingMemoryBound(to: GENERAL_NAME.self), &encoded)
      guard count > 0, let encoded = unsafe encoded else { return nil }
      defer { unsafe cadenas_free(encoded) }
      names.insert(unsafe Array(UnsafeBufferPointer(start: encoded, count: Int(count))))
    }
    return names
  }
}
