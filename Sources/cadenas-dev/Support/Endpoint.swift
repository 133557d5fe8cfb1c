/// Where a server listens: a numeric IPv4 address and a port.
struct Endpoint: Equatable, Sendable, CustomStringConvertible {
  let host: String
  let port: Int

  /// `ADDRESS:PORT`.
  var description: String { "\(host):\(port)" }

  /// `https://ADDRESS:PORT`.
  var url: String { "https://\(self)" }
}

extension Endpoint {
  /// Reads `ADDRESS:PORT`, with `https://` before it or not.
  init(_ text: String) throws(DevelopmentError) {
    var rest = Substring(text)
    if rest.hasPrefix("https://") { rest.removeFirst("https://".count) }
    if rest.hasSuffix("/") { rest.removeLast() }
    let parts = rest.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, let port = UInt16(parts[1]) else {
      throw .invalid("'\(text)' is not an address and a port, like 127.0.0.1:8443")
    }
    self.init(host: String(parts[0]), port: Int(port))
  }
}
