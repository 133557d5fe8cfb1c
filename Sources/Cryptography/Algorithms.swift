import COpenSSL

/// The algorithms of libcrypto that Cadenas uses, fetched once: a fetch for each operation would
/// cost more than the operation.
///
/// They live as long as the process. libcrypto's method objects are constant after the fetch and
/// reference-counted atomically, so every thread may use them.
@safe
struct Algorithms: @unchecked Sendable {
  let sha256: OpaquePointer
  let hmac: OpaquePointer
  let aes256ECB: OpaquePointer
  let aes256GCM: OpaquePointer

  /// The algorithms, or nil where libcrypto is installed without its default provider.
  static let shared = Algorithms()

  private init?() {
    guard let sha256 = unsafe EVP_MD_fetch(nil, "SHA256", nil),
      let hmac = unsafe EVP_MAC_fetch(nil, "HMAC", nil),
      let aes256ECB = unsafe EVP_CIPHER_fetch(nil, "AES-256-ECB", nil),
      let aes256GCM = unsafe EVP_CIPHER_fetch(nil, "AES-256-GCM", nil)
    else { return nil }
    unsafe self.sha256 = sha256
    unsafe self.hmac = hmac
    unsafe self.aes256ECB = aes256ECB
    unsafe self.aes256GCM = aes256GCM
  }

  /// The algorithms.
  /// - Throws: ``CryptographyError/library`` where libcrypto has no default provider.
  static func loaded() throws(CryptographyError) -> Algorithms {
    guard let shared else { throw .library }
    return shared
  }
}
