import Bytes

/// Where an acquirer listens: `https://host[:port][/path]`, and nothing else a URL could carry.
///
/// No user, query, fragment or escape: what is sent is what a reviewer reads.
package struct BaseURL: Equatable, Sendable, CustomStringConvertible {
  /// A host name or IPv4 address in lower case, or an IPv6 address without its brackets.
  package let host: String
  /// The port; 443 where the URL names none.
  package let port: UInt16
  /// The path before every path of a template: empty, or `/…` without a slash at its end.
  package let path: String

  /// Reads a URL; nil for anything that is not of the form.
  package init?(_ text: String) {
    let scheme = "https://"
    guard text.utf8.count <= 2_048, text.utf8.starts(with: scheme.utf8) else { return nil }
    let rest = text.dropFirst(scheme.count)
    let slash = rest.firstIndex(of: "/") ?? rest.endIndex
    guard let authority = HostAndPort(String(rest[..<slash]), defaultPort: 443),
      authority.port != 0, authority.host.utf8.allSatisfy({ !(0x41...0x5A).contains($0) })
    else { return nil }
    var path = rest[slash...]
    while path.hasSuffix("/") { path = path.dropLast() }
    for segment in path.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
      guard !segment.isEmpty, segment != ".", segment != "..",
        segment.utf8.allSatisfy(isUnreserved)
      else { return nil }
    }
    host = authority.host
    port = authority.port
    self.path = String(path)
  }

  package var description: String {
    let name = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
    return "https://\(name)\(port == 443 ? "" : ":\(port)")\(path)"
  }
}

/// `host:port`, where the host is a name, an IPv4 address, or an IPv6 address in brackets.
struct HostAndPort {
  let host: String
  let port: UInt16

  /// Reads text; nil for another form, and for a missing port where there is no default.
  init?(_ text: String, defaultPort: UInt16? = nil) {
    var host = text[...]
    var rest = text[text.endIndex...]
    let isBracketed = text.hasPrefix("[")
    if isBracketed {
      guard let end = text.firstIndex(of: "]") else { return nil }
      host = text[..<end].dropFirst()
      rest = text[end...].dropFirst()
    } else if let colon = text.firstIndex(of: ":") {
      host = text[..<colon]
      rest = text[colon...]
    }
    if rest.isEmpty, let defaultPort {
      port = defaultPort
    } else {
      guard rest.first == ":", let port = UInt16(rest.dropFirst()),
        String(port) == rest.dropFirst()
      else { return nil }
      self.port = port
    }
    guard isBracketed ? isIPv6Like(host) : isHostName(host) else { return nil }
    self.host = String(host)
  }
}

/// Labels of letters, digits and hyphens, separated by dots; an IPv4 address is one of these.
func isHostName(_ text: Substring) -> Bool {
  guard (1...253).contains(text.utf8.count) else { return false }
  return text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    .allSatisfy { label in
      (1...63).contains(label.count) && label.first != UInt8(ascii: "-")
        && label.last != UInt8(ascii: "-")
        && label.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "-") }
    }
}

/// The characters of an IPv6 address; whether it is one is the resolver's to say.
private func isIPv6Like(_ text: Substring) -> Bool {
  (2...45).contains(text.utf8.count) && text.contains(":")
    && text.utf8.allSatisfy { "0123456789abcdefABCDEF:.".utf8.contains($0) }
}

/// RFC 3986's unreserved characters.
private func isUnreserved(_ byte: UInt8) -> Bool {
  isLetterOrDigit(byte) || "-._~".utf8.contains(byte)
}
