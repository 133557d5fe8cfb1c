import AccessPolicy
import Bytes
import ConfigurationReading
import SecretMemory

/// Reads the secret of an `Authorization` header and writes its value into secret memory.
struct AuthorizationLoader {
  typealias Failure = SecretFile.Failure

  /// `Basic …` of RFC 7617: user and password in UTF-8, joined by a colon, in base 64.
  static func basic(_ credentials: BasicCredentials) throws(Failure) -> SecretHeader {
    guard !credentials.user.utf8.contains(where: { $0 == UInt8(ascii: ":") || $0 < 0x20 }) else {
      throw Failure(message: "the user's name may not hold a colon")
    }
    let password = try SecretFile.read(credentials.passwordFile)
    let pair = try SecretFile.joined(Array("\(credentials.user):".utf8).rawSpan, password.bytes)
    for offset in password.bytes.byteOffsets where password.bytes.byte(offset) < 0x20 {
      throw Failure(message: "the password holds a control character")
    }
    return try header("Basic ", base64(pair.bytes))
  }

  /// `Bearer …` of RFC 6750.
  static func bearer(_ path: String) throws(Failure) -> SecretHeader {
    let token = try SecretFile.read(path)
    for offset in token.bytes.byteOffsets {
      let byte = token.bytes.byte(offset)
      guard isLetterOrDigit(byte) || "-._~+/=".utf8.contains(byte) else {
        throw Failure(message: "is not a bearer token")
      }
    }
    return try header("Bearer ", token)
  }

  private static func header(
    _ scheme: String, _ value: borrowing SecretBytes
  ) throws(Failure) -> SecretHeader {
    SecretHeader(try SecretFile.joined(Array(scheme.utf8).rawSpan, value.bytes))
  }

  /// Base 64 with padding (RFC 4648, 4).
  private static func base64(_ source: RawSpan) throws(Failure) -> SecretBytes {
    let groups = (source.byteCount + 2) / 3
    var encoded = try SecretFile.allocate(groups * 4)
    unsafe encoded.withMutableBytes { target in
      for group in 0..<groups {
        var bits: UInt32 = 0
        let count = min(3, source.byteCount - group * 3)
        for index in 0..<3 {
          bits = bits << 8 | (index < count ? UInt32(source.byte(group * 3 + index)) : 0)
        }
        for index in 0..<4 {
          let sextet = UInt8(truncatingIfNeeded: bits >> UInt32(18 - index * 6)) & 0x3F
          unsafe target[group * 4 + index] = index <= count ? character(sextet) : UInt8(ascii: "=")
        }
      }
    }
    return encoded
  }

  private static func character(_ sextet: UInt8) -> UInt8 {
    switch sextet {
    case 0..<26: UInt8(ascii: "A") + sextet
    case 26..<52: UInt8(ascii: "a") + sextet - 26
    case 52..<62: UInt8(ascii: "0") + sextet - 52
    case 62: UInt8(ascii: "+")
    default: UInt8(ascii: "/")
    }
  }
}
