import Bytes
import COpenSSL

/// CMAC with AES-256.
/// - Source: NIST SP 800-38B.
package enum CMAC {
  /// How many bytes a key has.
  package static let keySize = 32

  /// How many bytes a code has.
  package static let codeSize = 16

  /// The 16 bytes of the CMAC of `message` under `key`. Sets a context up for each call: for check
  /// values, not for the path of a request.
  ///
  /// - Throws: ``CryptographyError/malformedInput`` unless `key` has 32 bytes;
  ///   ``CryptographyError/library``.
  package static func authenticationCode(
    for message: RawSpan, key: RawSpan
  ) throws(CryptographyError) -> [UInt8] {
    guard key.byteCount == keySize else { throw .malformedInput }
    var code = [UInt8](repeating: 0, count: codeSize)
    var length = 0
    let result = unsafe code.withUnsafeMutableBytes { codeBytes in
      unsafe message.withUnsafeBytes { messageBytes in
        unsafe key.withUnsafeBytes { keyBytes in
          unsafe EVP_Q_mac(
            nil, "CMAC", nil, "AES-256-CBC", nil, keyBytes.baseAddress, keyBytes.count,
            messageBytes.octets, messageBytes.count, codeBytes.octets, codeBytes.count, &length)
        }
      }
    }
    guard unsafe result != nil, length == code.count else {
      ERR_clear_error()
      throw .library
    }
    return code
  }
}

/// Five bytes by which people compare a key without seeing it.
package enum KeyCheckValue {
  /// How many bytes a check value has.
  package static let byteCount = 5

  /// The check value of a symmetric key: the first 5 bytes of the CMAC of a zero block.
  ///
  /// - Throws: ``CryptographyError/malformedInput`` unless `key` has 32 bytes;
  ///   ``CryptographyError/library``.
  /// - Source: ASC X9.24-1, annex A.
  package static func ofSymmetricKey(_ key: RawSpan) throws(CryptographyError) -> [UInt8] {
    let zeroBlock = [UInt8](repeating: 0, count: 16)
    let code = try CMAC.authenticationCode(for: zeroBlock.rawSpan, key: key)
    return [UInt8](code.prefix(byteCount))
  }

  /// The check value of a signing key: the first 5 bytes of the SHA-256 of its public key.
  package static func ofSigningKey(_ publicKey: Ed25519PublicKey) -> [UInt8] {
    let digest = Digest256.sha256(publicKey.bytes.rawSpan)
    return [UInt8](digest.bytes.prefix(byteCount))
  }

  /// A check value as people read it: ten upper-case hexadecimal digits.
  package static func text(_ bytes: [UInt8]) -> String { bytes.hexadecimal.uppercased() }
}
