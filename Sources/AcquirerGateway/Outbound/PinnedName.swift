import Bytes
import Cryptography
import NIOSSL

extension AcquirerEndpoint {
  /// Whether the certificate that the other side showed carries the name to which the connection is
  /// pinned, among its DNS names.
  ///
  /// NIOSSL compares names as well, but is content where the certificate carries the connection's
  /// IP address instead. Whoever diverts a connection could then do with a certificate for an
  /// address of their own, which public authorities give. Here only the name counts.
  /// - Source: RFC 9525, 6.3, with wildcards for the whole first label.
  func isNamed(by certificate: NIOSSLCertificate?) -> Bool {
    guard let bytes = try? certificate?.toDERBytes(),
      let leaf = try? LeafCertificate(der: bytes.rawSpan)
    else { return false }
    return leaf.dnsNames.contains { Self.matches(listing.serverName, pattern: $0) }
  }

  static func matches(_ name: String, pattern: String) -> Bool {
    let name = name.lowercased()
    let pattern = pattern.lowercased()
    guard pattern.hasPrefix("*.") else { return name == pattern }
    guard let dot = name.firstIndex(of: "."), dot > name.startIndex else { return false }
    return name[dot...] == pattern.dropFirst() && pattern.dropFirst(2).contains(".")
  }
}
