import Glibc

/// An address of the internet, one value however it was written.
struct PeerAddress: Hashable, Sendable {
  /// 4 or 16; none where the connection has no address.
  private let bytes: [UInt8]

  static let none = PeerAddress(bytes: [])

  private init(bytes: [UInt8]) { self.bytes = bytes }

  /// Reads an address, also with a port, in brackets, or with a zone. An IPv4 address within an IPv6 one
  /// (`::ffff:0:0/96`) is that.
  init?(_ text: String) {
    var rest = text.filter { $0 != " " }[...]
    if rest.first == "[" {
      rest = rest.dropFirst().prefix { $0 != "]" }
    } else if rest.count(where: { $0 == ":" }) == 1 {
      rest = rest.prefix { $0 != ":" }
    }
    rest = rest.prefix { $0 != "%" }
    if let four = Self.read(String(rest), AF_INET, count: 4) {
      bytes = four
    } else if let sixteen = Self.read(String(rest), AF_INET6, count: 16) {
      let isMapped = sixteen.prefix(12) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
      bytes = isMapped ? Array(sixteen.suffix(4)) : sixteen
    } else {
      return nil
    }
  }

  private static func read(_ text: String, _ family: Int32, count: Int) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: count)
    let isRead = unsafe bytes.withUnsafeMutableBytes {
      unsafe inet_pton(family, text, $0.baseAddress)
    }
    return isRead == 1 ? bytes : nil
  }

  /// As it is usually written; empty where there is none.
  var text: String {
    guard !bytes.isEmpty else { return "" }
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    let family = bytes.count == 4 ? AF_INET : AF_INET6
    let isWritten = unsafe bytes.withUnsafeBytes { bytes in
      unsafe text.withUnsafeMutableBufferPointer { text in
        unsafe inet_ntop(family, bytes.baseAddress, text.baseAddress, socklen_t(text.count)) != nil
      }
    }
    guard isWritten else { return "" }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// What one customer of a provider has: an IPv4 address, or 64 bits of an IPv6 one.
  var network: PeerAddress { bytes.count == 16 ? PeerAddress(bytes: Array(bytes.prefix(8))) : self }
}
