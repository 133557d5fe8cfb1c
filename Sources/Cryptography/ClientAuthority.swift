import COpenSSL
import SecretMemory

/// What an authority's view of a client certificate comes to.
package enum ClientVerdict: Sendable, Equatable {
  /// The certificate is good, and stays so up to and including the second `until`: the end of its
  /// own validity, of the authority's, or the revocation list's next update, whichever is first.
  case valid(until: Int64)

  /// Another authority issued it: the name, the key or a name constraint does not fit.
  case notIssuedHere

  /// The certificate, or its authority's, is not valid yet.
  case notYetValid

  /// The certificate, or its authority's, is not valid any more.
  case expired

  /// The revocation list names it.
  case revoked

  /// The revocation list is past its next update, or not current yet: nobody can be judged by it.
  case staleRevocationList

  /// It is not the certificate of a client: an authority's, without clientAuth in its extended key
  /// usage, or with a key usage that leaves out digitalSignature.
  case wrongKeyUsage
}

/// One authority that issues client certificates directly, with its revocation list.
///
/// It judges by itself and does not rely on what the TLS library verified: that trusts the
/// authorities of all merchants and acquirers alike, and does not say which one vouched.
package final class ClientAuthority: Sendable {
  private let certificate: ParsedCertificate
  private let revocationList: ParsedRevocationList?
  private let constraints: NameConstraints?

  private let validity: ClosedRange<Int64>

  /// The certificate, for the trust store of the TLS library.
  package let certificateDER: [UInt8]

  /// The last second at which the authority's own certificate is valid, since 1970.
  package var notAfter: Int64 { validity.upperBound }

  /// When the revocation list has to be replaced by the next, in seconds since 1970; nil where the
  /// authority has none.
  package let revocationListNextUpdate: Int64?

  /// Reads an authority's certificate and its revocation list, each in PEM or DER.
  ///
  /// Without a list nobody counts as revoked. That list and authority are past their validity is no
  /// error here: it shows in ``judge(_:at:)``.
  /// - Throws: ``CertificateError``.
  package init(
    certificatePEM: [UInt8], revocationListPEM: [UInt8]?
  ) throws(CertificateError) {
    let certificates = try PEM.certificates(in: certificatePEM)
    guard let der = certificates.first else { throw .malformedCertificate }
    guard certificates.count == 1 else { throw .severalCertificates }
    let certificate = try ParsedCertificate.parse(der: der.rawSpan)
    guard certificate.isAuthority else { throw .notAnAuthority }
    guard certificate.hasStrongKey else { throw .weakKey }
    validity = try certificate.validity
    constraints = try NameConstraints.read(from: certificate)
    if let revocationListPEM {
      let list = try ParsedRevocationList.parse(revocationListPEM)
      guard list.isIssued(by: certificate) else { throw .foreignRevocationList }
      revocationListNextUpdate = list.validity.upperBound
      revocationList = consume list
    } else {
      revocationListNextUpdate = nil
      revocationList = nil
    }
    certificateDER = der
    self.certificate = certificate
  }

  /// Judges the certificate of a client at the time `unixSeconds`. Costs the verification of a
  /// signature, some 100 µs. May be called by any thread.
  package func judge(_ leaf: LeafCertificate, at unixSeconds: Int64) -> ClientVerdict {
    guard hasIssued(leaf) else { return .notIssuedHere }
    guard !leaf.isAuthority, leaf.allowsClientAuthentication, leaf.maySignHandshakes
    else { return .wrongKeyUsage }
    guard unixSeconds >= max(leaf.notBefore, validity.lowerBound) else { return .notYetValid }
    let until = min(leaf.notAfter, validity.upperBound)
    guard unixSeconds <= until else { return .expired }
    switch revocationList {
    case .none:
      return .valid(until: until)
    case .some(let list):
      // A stale list is believed in what it says, and in nothing that it leaves out.
      if list.names(leaf.parsed) { return .revoked }
      guard list.validity.contains(unixSeconds) else { return .staleRevocationList }
      return .valid(until: min(until, list.validity.upperBound))
    }
  }

  private func hasIssued(_ leaf: LeafCertificate) -> Bool {
    // The names first, since they cost nothing. Equal names prove nothing without the signature.
    guard unsafe X509_check_issued(certificate.pointer, leaf.parsed.pointer) == X509_V_OK,
      certificate.hasSigned(leaf.parsed)
    else { return false }
    switch constraints {
    case .none: return true
    case .some(let constraints): return constraints.allow(leaf.parsed)
    }
  }
}
