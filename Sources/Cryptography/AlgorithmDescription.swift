import COpenSSL
import CSodium

/// A cryptographic algorithm as the program uses it: for an inventory.
///
/// Lengths are those that the code itself works with, or that the library's object tells.
package struct AlgorithmDescription: Equatable, Sendable {
  /// The name in its standard.
  package let name: String
  /// Bits of the key; nil where there is none.
  package let keyBits: Int?
  /// The other lengths.
  package let parameters: String
  /// What the program does with it.
  package let purpose: String
  /// What does the work: for libcrypto the name and the provider of what was fetched.
  package let implementation: String
  /// Where it is defined.
  package let standard: String

  /// Every algorithm of this target.
  ///
  /// - Throws: ``CryptographyError/library`` where libcrypto has no default provider.
  package static func all() throws(CryptographyError) -> [AlgorithmDescription] {
    let algorithms = try Algorithms.loaded()
    return [
      XAES256GCM.algorithm(algorithms), AES256GCM.algorithm(algorithms),
      MessageAuthenticator.algorithm(algorithms), Digest256.algorithm(algorithms),
      Ed25519PublicKey.algorithm, CMAC.algorithm, RandomPool.algorithm,
    ]
  }
}

extension XAES256GCM {
  fileprivate static func algorithm(_ algorithms: Algorithms) -> AlgorithmDescription {
    AlgorithmDescription(
      name: "XAES-256-GCM", keyBits: keySize * 8,
      parameters: "nonce \(nonceSize * 8) bits, random; tag \(tagSize * 8) bits",
      purpose: "seals card records, kept answers and the keyring",
      implementation: "\(AES256GCM.implementation(algorithms)), \(implementation(algorithms))",
      standard: "C2SP XAES-256-GCM; NIST SP 800-108r1, SP 800-38B, SP 800-38D")
  }

  private static func implementation(_ algorithms: Algorithms) -> String {
    unsafe algorithms.name(ofCipher: algorithms.aes256ECB)
  }
}

extension AES256GCM {
  fileprivate static func algorithm(_ algorithms: Algorithms) -> AlgorithmDescription {
    AlgorithmDescription(
      name: "AES-256-GCM", keyBits: Int(unsafe EVP_CIPHER_get_key_length(algorithms.aes256GCM)) * 8,
      parameters: "nonce \(nonceSize * 8) bits; tag \(tagSize * 8) bits",
      purpose: "seals under the key that XAES-256-GCM derives for each message",
      implementation: implementation(algorithms), standard: "NIST SP 800-38D, FIPS 197")
  }

  fileprivate static func implementation(_ algorithms: Algorithms) -> String {
    unsafe algorithms.name(ofCipher: algorithms.aes256GCM)
  }
}

extension MessageAuthenticator {
  fileprivate static func algorithm(_ algorithms: Algorithms) -> AlgorithmDescription {
    AlgorithmDescription(
      // As long as the digest, which RFC 2104 recommends: the keyring's keys are.
      name: "HMAC-SHA-256", keyBits: Digest256.byteCount * 8,
      parameters: "digest \(Digest256.byteCount * 8) bits",
      purpose: "fingerprints of cards, digests of requests and idempotency keys",
      implementation: algorithms.nameOfHMAC, standard: "FIPS 198-1")
  }
}

extension Digest256 {
  fileprivate static func algorithm(_ algorithms: Algorithms) -> AlgorithmDescription {
    AlgorithmDescription(
      name: "SHA-256", keyBits: nil,
      parameters: "digest \(Int(unsafe EVP_MD_get_size(algorithms.sha256)) * 8) bits",
      purpose: "the audit log's Merkle tree, hashes of keys and notes",
      implementation: algorithms.nameOfSHA256, standard: "FIPS 180-4, RFC 6962")
  }
}

extension Ed25519PublicKey {
  fileprivate static var algorithm: AlgorithmDescription {
    AlgorithmDescription(
      name: "Ed25519", keyBits: byteCount * 8,
      parameters:
        "seed \(Ed25519PrivateKey.seedSize * 8) bits; signature \(signatureSize * 8) bits",
      purpose: "signs rotation certificates and successions of audit keys",
      implementation: "libsodium", standard: "RFC 8032, FIPS 186-5")
  }
}

extension CMAC {
  fileprivate static var algorithm: AlgorithmDescription {
    AlgorithmDescription(
      name: "AES-256-CMAC", keyBits: keySize * 8, parameters: "code \(codeSize * 8) bits",
      purpose: "key check values (first \(KeyCheckValue.byteCount * 8) bits)",
      implementation: implementation, standard: "NIST SP 800-38B")
  }

  private static var implementation: String {
    guard let code = unsafe EVP_MAC_fetch(nil, "CMAC", nil) else { return "unknown" }
    defer { unsafe EVP_MAC_free(code) }
    return unsafe Algorithms.text(EVP_MAC_get0_provider(code), EVP_MAC_get0_name(code))
  }
}

extension RandomPool {
  fileprivate static var algorithm: AlgorithmDescription {
    let generator = unsafe RAND_get0_public(nil).map { unsafe EVP_RAND_CTX_get0_rand($0) }
    let name = unsafe generator.flatMap { unsafe EVP_RAND_get0_name($0) }
    return AlgorithmDescription(
      name: "random bits", keyBits: nil, parameters: "seeded by the kernel",
      purpose: "keys (kernel), nonces, tokens and identifiers (generator of libcrypto)",
      implementation: "libsodium randombytes; libcrypto "
        + (unsafe name.map { unsafe String(cString: $0) } ?? "RAND_bytes"),
      standard: "NIST SP 800-90A, getrandom(2)")
  }
}

extension Algorithms {
  fileprivate func name(ofCipher cipher: OpaquePointer) -> String {
    unsafe Self.text(EVP_CIPHER_get0_provider(cipher), EVP_CIPHER_get0_name(cipher))
  }

  fileprivate var nameOfHMAC: String {
    unsafe Self.text(EVP_MAC_get0_provider(hmac), EVP_MAC_get0_name(hmac))
  }

  fileprivate var nameOfSHA256: String {
    unsafe Self.text(EVP_MD_get0_provider(sha256), EVP_MD_get0_name(sha256))
  }

  /// `NAME (libcrypto, PROVIDER)`.
  fileprivate static func text(
    _ provider: OpaquePointer?, _ name: UnsafePointer<CChar>?
  ) -> String {
    let provider = unsafe provider.flatMap { unsafe OSSL_PROVIDER_get0_name($0) }
    let providerText = unsafe provider.map { unsafe String(cString: $0) } ?? "unknown"
    let nameText = unsafe name.map { unsafe String(cString: $0) } ?? "unknown"
    return "\(nameText) (libcrypto, \(providerText))"
  }
}

/// A library that does cryptography, as it names itself while the program runs.
package struct CryptographicLibrary: Equatable, Sendable {
  package let name: String
  package let version: String

  /// Those of this target.
  package static var all: [CryptographicLibrary] {
    [
      CryptographicLibrary(
        name: "libcrypto", version: unsafe String(cString: OpenSSL_version(OPENSSL_VERSION))),
      CryptographicLibrary(
        name: "libsodium", version: unsafe String(cString: sodium_version_string())),
    ]
  }
}
