import NIOCore

/// Where a connection comes from, as handshakes are counted: an IPv4 address, or the first 64 bits of an
/// IPv6 one, since a single host has all addresses that begin so.
/// - Source: RFC 4291, section 2.5.4; of IPv4 addresses in IPv6 form, section 2.5.5.2.
enum PeerAddress: Hashable {
  case v4(UInt32)
  case v6(UInt64)
  /// The peer had gone before it could be asked.
  case unknown

  /// Takes the address of `socket`.
  init(_ socket: SocketAddress?) {
    switch socket {
    case .v4: self = .v4(Self.word(0, of: socket, at: 4))
    case .v6:
      let words = (0..<4).map { Self.word($0, of: socket, at: 8) }
      // On a socket of both families the peers of the older one would all be one host otherwise.
      self =
        words[0] == 0 && words[1] == 0 && words[2] == 0xFFFF
        ? .v4(words[3]) : .v6(UInt64(words[0]) << 32 | UInt64(words[1]))
    case .unixDomainSocket, nil: self = .unknown
    }
  }

  /// The host or the network, for people.
  var text: String {
    switch self {
    case .v4(let word):
      stride(from: 24, through: 0, by: -8).map { "\(word >> UInt32($0) & 0xFF)" }
        .joined(separator: ".")
    case .v6(let prefix):
      stride(from: 48, through: 0, by: -16)
        .map { String(prefix >> UInt64($0) & 0xFFFF, radix: 16) }.joined(separator: ":") + "::/64"
    case .unknown: ""
    }
  }

  /// An address and a port as entries and people write them: `192.0.2.1:443`, `[2001:db8::1]:443`; an
  /// IPv4 address in IPv6 form is written as one.
  static func text(of socket: SocketAddress) -> String? {
    guard let address = socket.ipAddress, let port = socket.port else { return nil }
    guard case .v6 = socket else { return "\(address):\(port)" }
    let mapped = "::ffff:"
    if address.hasPrefix(mapped), address.contains(".") {
      return "\(address.dropFirst(mapped.count)):\(port)"
    }
    return "[\(address)]:\(port)"
  }

  /// A word of 32 bits of an address, which begins at `offset` of the system's structure.
  private static func word(_ index: Int, of socket: SocketAddress?, at offset: Int) -> UInt32 {
    unsafe socket?.withSockAddr { address, size in
      let bytes = unsafe UnsafeRawBufferPointer(start: address, count: size)
      return unsafe UInt32(
        bigEndian: bytes.loadUnaligned(fromByteOffset: offset + 4 * index, as: UInt32.self))
    } ?? 0
  }
}
