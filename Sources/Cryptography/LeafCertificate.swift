import Bytes
import COpenSSL

/// What a certificate of a client or server says, read once.
///
/// Reading it proves nothing: whether it is to be believed is for ``ClientAuthorities``.
package final class LeafCertificate: Sendable {
  let parsed: ParsedCertificate

  /// Every URI of the subject alternative name that begins with `spiffe://`, as it is written.
  package let spiffeURIs: [String]

  /// The other URIs of the subject alternative name.
  package let otherURIs: [String]

  /// The DNS names of the subject alternative name.
  package let dnsNames: [String]

  /// Whether the extended key usage is present and holds clientAuth.
  package let allowsClientAuthentication: Bool

  /// Whether the extended key usage is present and holds serverAuth.
  package let allowsServerAuthentication: Bool

  /// Whether it is the certificate of an authority, by any sign of it.
  package let isAuthority: Bool

  /// The first second of validity, since 1970.
  package let notBefore: Int64

  /// The last second of validity, since 1970.
  package let notAfter: Int64

  /// The serial number in lower-case hexadecimal, as `openssl x509 -serial` shows it but for case.
  package let serial: String

  /// The subject for people: one line of printable ASCII, at most 256 characters.
  package let subject: String

  /// Whether it can be checked while others wait: a client chooses its size, and its names are held
  /// against the name constraints of each authority above.
  package let isModest: Bool

  private static let longest = 6_144
  private static let mostNames = 32

  /// Whether a key usage extension, where there is one, lets the key sign a handshake.
  let maySignHandshakes: Bool

  /// Reads a certificate in DER.
  ///
  /// - Throws: ``CertificateError/malformedCertificate`` also for bytes after its end;
  ///   ``CertificateError/unsupportedExtension``, ``CertificateError/malformedAlternativeName``,
  ///   ``CertificateError/weakKey``.
  package init(der: RawSpan) throws(CertificateError) {
    let parsed = try ParsedCertificate.parse(der: der)
    guard parsed.hasStrongKey, parsed.hasStrongSignature else { throw .weakKey }
    let names = try AlternativeNames(of: parsed)
    let validity = try parsed.validity
    isModest = der.byteCount <= Self.longest && names.count <= Self.mostNames
    spiffeURIs = names.uris.filter { $0.hasPrefix("spiffe://") }
    otherURIs = names.uris.filter { !$0.hasPrefix("spiffe://") }
    dnsNames = names.dnsNames
    // Without the extension the usage is UInt32.max; presence is asked for on its own.
    let hasUsage = unsafe X509_get_extension_flags(parsed.pointer) & UInt32(EXFLAG_XKUSAGE) != 0
    let usage = unsafe X509_get_extended_key_usage(parsed.pointer)
    allowsClientAuthentication = hasUsage && usage & UInt32(XKU_SSL_CLIENT) != 0
    allowsServerAuthentication = hasUsage && usage & UInt32(XKU_SSL_SERVER) != 0
    isAuthority = parsed.hasSignOfAuthority
    // UInt32.max where there is no such extension, which allows every usage.
    maySignHandshakes =
      unsafe X509_get_key_usage(parsed.pointer) & UInt32(KU_DIGITAL_SIGNATURE) != 0
    notBefore = validity.lowerBound
    notAfter = validity.upperBound
    serial = serialNumber(of: parsed)
    subject = displayedSubject(of: parsed)
    self.parsed = parsed
  }

  /// Reads the first certificate of a PEM file, which may go on with others.
  ///
  /// - Throws: As ``init(der:)``.
  package convenience init(pem: [UInt8]) throws(CertificateError) {
    guard let first = PEM.firstCertificate(in: pem) else { throw .malformedCertificate }
    try self.init(der: first.rawSpan)
  }

  /// Whether the certificate is within its validity at `unixSeconds`.
  package func isCurrent(at unixSeconds: Int64) -> Bool {
    (notBefore...notAfter).contains(unixSeconds)
  }
}
