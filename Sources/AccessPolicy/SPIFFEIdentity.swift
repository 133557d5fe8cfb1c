/// The form of a workload's identity: `spiffe://trust-domain/path`.
///
/// Identities are compared byte by byte, so there must be one way to write each: the form leaves
/// no room for escapes, case or dots in a path that would mean the same.
/// - Source: SPIFFE-ID, sections 2.1 to 2.3; X509-SVID, section 4 (a client has a path).
package enum SPIFFEIdentity {
  /// The bytes that an identity may have.
  package static let maximumBytes = 2_048
  /// The bytes that its trust domain may have.
  package static let maximumTrustDomainBytes = 255

  /// Why `uri` is not a client's identity, as the end of a sentence; nil where it is one.
  package static func mistake(in uri: String) -> String? {
    let scheme = "spiffe://"
    guard uri.utf8.count <= maximumBytes else { return "is longer than \(maximumBytes) bytes" }
    guard uri.utf8.starts(with: scheme.utf8) else { return "does not begin with \(scheme)" }
    let parts = uri.utf8.dropFirst(scheme.utf8.count)
      .split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    guard let trustDomain = parts.first, !trustDomain.isEmpty,
      trustDomain.count <= maximumTrustDomainBytes, trustDomain.allSatisfy(isTrustDomainByte)
    else { return "has no valid trust domain (a-z, 0-9, dot, hyphen and underscore)" }
    let segments = parts.dropFirst()
    guard !segments.isEmpty else { return "has no path after the trust domain" }
    for segment in segments {
      guard !segment.isEmpty else { return "has an empty path segment" }
      guard segment.allSatisfy(isPathByte) else {
        return "has a path with other characters than letters, digits, dot, hyphen, underscore"
      }
      guard !segment.elementsEqual(".".utf8), !segment.elementsEqual("..".utf8) else {
        return "has a path with a . or .. segment"
      }
    }
    return nil
  }

  private static func isTrustDomainByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
      UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
      true
    default: false
    }
  }

  private static func isPathByte(_ byte: UInt8) -> Bool {
    isTrustDomainByte(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
  }
}
