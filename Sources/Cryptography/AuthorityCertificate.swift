import Bytes
import COpenSSL

/// The certificate of an authority: one that a configuration trusts, or an intermediate one that a
/// client sends.
///
/// Only one that may issue the certificates of clients and has a key that is good enough can be
/// made. Reading it proves nothing else: see ``ClientAuthorities``.
package final class AuthorityCertificate: Sendable {
  let parsed: ParsedCertificate

  /// The certificate in DER.
  package let der: [UInt8]
  /// SHA-256 of ``der``.
  package let fingerprint: Digest256
  /// The subject for people: one line of printable ASCII, at most 256 characters.
  package let subject: String
  /// First and last second of validity, since 1970.
  package let validity: ClosedRange<Int64>
  /// Whether subject and issuer are the same name: a root, as a rule.
  package let isSelfIssued: Bool

  /// Reads a certificate in DER.
  ///
  /// - Throws: ``CertificateError/malformedCertificate``,
  ///   ``CertificateError/unsupportedExtension``, ``CertificateError/notAnAuthority``,
  ///   ``CertificateError/weakKey``.
  package init(der: [UInt8]) throws(CertificateError) {
    let parsed = try ParsedCertificate.parse(der: der.rawSpan)
    guard parsed.isAuthority, parsed.mayVouchForClients else { throw .notAnAuthority }
    guard parsed.hasAcceptedKey else { throw .weakKey }
    validity = try parsed.validity
    subject = displayedSubject(of: parsed)
    isSelfIssued =
      unsafe X509_NAME_cmp(
        X509_get_subject_name(parsed.pointer), X509_get_issuer_name(parsed.pointer)) == 0
    fingerprint = Digest256.sha256(der.rawSpan)
    self.der = der
    self.parsed = parsed
  }

  /// Reads every certificate of a file in PEM, or the one of a file in DER; at least one.
  ///
  /// - Throws: as ``init(der:)``; ``CertificateError/malformedCertificate`` also where the file
  ///   holds anything else than certificates.
  package static func read(_ file: [UInt8]) throws(CertificateError) -> [AuthorityCertificate] {
    guard let blocks = PEM.wholeFile(file, labels: PEM.certificateLabels)
    else { throw .malformedCertificate }
    var certificates: [AuthorityCertificate] = []
    for block in blocks { certificates.append(try AuthorityCertificate(der: block)) }
    return certificates
  }

  /// Whether the names and identifiers of `certificate` say that this authority issued it. Costs
  /// nothing, and proves nothing.
  func claims(_ certificate: borrowing ParsedCertificate) -> Bool {
    defer { ERR_clear_error() }
    return unsafe X509_check_issued(parsed.pointer, certificate.pointer) == X509_V_OK
  }

  /// The same of a client's certificate.
  package func claims(_ leaf: LeafCertificate) -> Bool { claims(leaf.parsed) }

  /// Whether `other` is the same certificate or another one of the same name and key.
  package func isSameAuthority(as other: AuthorityCertificate) -> Bool {
    parsed.hasNameAndKey(of: other.parsed)
  }

  /// Whether this authority issued `other`, by name and signature.
  package func hasIssued(_ other: AuthorityCertificate) -> Bool {
    claims(other.parsed) && parsed.hasSigned(other.parsed)
  }
}

// MARK: - What it costs

extension AuthorityCertificate {
  /// The longest that one may be which a client sends, in bytes of DER.
  private static let longest = 8_192
  private static let mostKeyBits: Int32 = 4_096
  private static let mostExponentBits: Int32 = 33
  private static let mostConstraints: Int32 = 64

  /// Whether it can be checked while others wait: its size, the work with its key, and the name
  /// constraints that each name below is held against, are bounded. For one that a client sends, which
  /// chooses all of these; what an operator configures may be as large as it likes.
  package var isModest: Bool {
    der.count <= Self.longest && parsed.constraintCount <= Self.mostConstraints
      && parsed.hasKey(ofAtMost: Self.mostKeyBits, exponentOfAtMost: Self.mostExponentBits)
  }
}

extension ParsedCertificate {
  /// How many names its name constraints permit and exclude.
  fileprivate var constraintCount: Int32 {
    defer { ERR_clear_error() }
    guard let value = unsafe X509_get_ext_d2i(pointer, NID_name_constraints, nil, nil) else {
      return 0
    }
    let constraints = unsafe value.assumingMemoryBound(to: NAME_CONSTRAINTS.self)
    defer { unsafe NAME_CONSTRAINTS_free(constraints) }
    return unsafe [constraints.pointee.permittedSubtrees, constraints.pointee.excludedSubtrees]
      .reduce(0) { unsafe $0 + max(0, OPENSSL_sk_num($1)) }
  }

  /// Whether a key of RSA has a modulus and an exponent of at most so many bits; any other is of one of
  /// the few sizes that are accepted.
  fileprivate func hasKey(ofAtMost bits: Int32, exponentOfAtMost exponentBits: Int32) -> Bool {
    defer { ERR_clear_error() }
    guard let key = unsafe X509_get0_pubkey(pointer) else { return false }
    guard unsafe EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA else { return true }
    var exponent: OpaquePointer?
    guard unsafe EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1 else {
      return false
    }
    defer { unsafe BN_free(exponent) }
    return unsafe EVP_PKEY_get_bits(key) <= bits && BN_num_bits(exponent) <= exponentBits
  }

  /// Whether it is another certificate of the same authority: one name, one key.
  borrowing func hasNameAndKey(of other: borrowing ParsedCertificate) -> Bool {
    defer { ERR_clear_error() }
    guard
      unsafe X509_NAME_cmp(
        X509_get_subject_name(pointer), X509_get_subject_name(other.pointer)) == 0,
      let key = unsafe X509_get0_pubkey(pointer),
      let otherKey = unsafe X509_get0_pubkey(other.pointer)
    else { return false }
    return unsafe EVP_PKEY_eq(key, otherKey) == 1
  }

  /// Whether an extended key usage, where there is one, lets it vouch for clients.
  var mayVouchForClients: Bool {
    guard unsafe X509_get_extension_flags(pointer) & UInt32(EXFLAG_XKUSAGE) != 0 else {
      return true
    }
    return unsafe X509_get_extended_key_usage(pointer) & UInt32(XKU_SSL_CLIENT | XKU_ANYEKU) != 0
  }

  /// Whether the key is one of those that are accepted: RSA of 2,048 to 16,384 bits, P-256, P-384,
  /// P-521, Ed25519.
  var hasAcceptedKey: Bool {
    defer { ERR_clear_error() }
    guard let key = unsafe X509_get0_pubkey(pointer) else { return false }
    switch unsafe EVP_PKEY_get_base_id(key) {
    case EVP_PKEY_RSA: return (2_048...16_384).contains(unsafe EVP_PKEY_get_bits(key))
    case EVP_PKEY_ED25519: return true
    case EVP_PKEY_EC:
      var name = [CChar](repeating: 0, count: 64)
      guard unsafe EVP_PKEY_get_group_name(key, &name, name.count, nil) == 1 else { return false }
      let curve = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
      return ["prime256v1", "secp384r1", "secp521r1"]
        .contains(String(decoding: curve, as: UTF8.self))
    default: return false
    }
  }
}
