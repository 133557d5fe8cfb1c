import COpenSSL

/// The one owner of a cipher context of libcrypto, which is cleared and freed with it.
///
/// Confined to one thread at a time by the value that holds it.
@safe
struct CipherContext: ~Copyable {
  let pointer: OpaquePointer

  /// Makes a context without cipher and key.
  static func make() throws(CryptographyError) -> CipherContext {
    unsafe CipherContext(pointer: try check(EVP_CIPHER_CTX_new()))
  }

  deinit {
    unsafe EVP_CIPHER_CTX_free(pointer)
  }
}

/// The one owner of a message authentication context of libcrypto, which is cleared and freed with
/// it.
///
/// Confined to one thread at a time by the value that holds it.
@safe
struct AuthenticationContext: ~Copyable {
  let pointer: OpaquePointer

  /// Makes a context for HMAC without digest and key.
  static func makeHMAC() throws(CryptographyError) -> AuthenticationContext {
    let algorithms = try Algorithms.loaded()
    return unsafe AuthenticationContext(pointer: try check(EVP_MAC_CTX_new(algorithms.hmac)))
  }

  deinit {
    unsafe EVP_MAC_CTX_free(pointer)
  }
}
