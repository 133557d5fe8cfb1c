/// The cipher suite that a TLS server has chosen, which NIOSSL does not tell: read from its first
/// message, which is not encrypted.
///
/// - Source: RFC 8446, 4.1.3 and 5.1; the same in TLS 1.2.
enum ServerHello {
  /// The names of the suites that the vault offers.
  private static let names: [UInt16: String] = [
    0x1301: "TLS_AES_128_GCM_SHA256", 0x1302: "TLS_AES_256_GCM_SHA384",
    0x1303: "TLS_CHACHA20_POLY1305_SHA256",
    0xC02B: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    0xC02C: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    0xC02F: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    0xC030: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    0xCCA8: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    0xCCA9: "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
  ]

  /// How many bytes are enough: record and message headers, version, random, a session id of 32
  /// bytes, and the suite.
  static let longest = 5 + 4 + 2 + 32 + 1 + 32 + 2

  /// The suite in the first bytes that a server sent; nil where they are no whole ServerHello, or name a
  /// suite that was not offered.
  static func suite(_ bytes: [UInt8]) -> String? {
    let session = 5 + 4 + 2 + 32
    guard bytes.count > session, bytes[0] == 22, bytes[5] == 2, bytes[session] <= 32 else {
      return nil
    }
    let place = session + 1 + Int(bytes[session])
    guard bytes.count >= place + 2 else { return nil }
    return names[UInt16(bytes[place]) << 8 | UInt16(bytes[place + 1])]
  }
}
