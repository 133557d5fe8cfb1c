import COpenSSL

extension Digest256 {
  /// The SHA-256 of `data`.
  ///
  /// Has no error to give: it stops the process where libcrypto cannot hash at all, which means
  /// that it is broken or that there is no memory left for a hundred bytes.
  /// - Source: FIPS 180-4.
  package static func sha256(_ data: RawSpan) -> Digest256 {
    var hasher = SHA256Hasher()
    hasher.update(data)
    return hasher.finish()
  }

  /// The SHA-256 of `prefix ‖ first`, which is an RFC 6962 leaf's hash with `prefix` 0.
  package static func sha256(prefix: UInt8, _ first: RawSpan) -> Digest256 {
    var hasher = SHA256Hasher()
    hasher.update(byte: prefix)
    hasher.update(first)
    return hasher.finish()
  }

  /// The SHA-256 of `prefix ‖ first ‖ second`, which is an RFC 6962 node's hash with `prefix` 1.
  package static func sha256(prefix: UInt8, _ first: RawSpan, _ second: RawSpan) -> Digest256 {
    var hasher = SHA256Hasher()
    hasher.update(byte: prefix)
    hasher.update(first)
    hasher.update(second)
    return hasher.finish()
  }

  /// The SHA-256 of `prefix ‖ left ‖ right`, without a detour over arrays.
  package static func sha256(
    prefix: UInt8, _ left: Digest256, _ right: Digest256
  ) -> Digest256 {
    left.withBytes { leftBytes in
      right.withBytes { rightBytes in sha256(prefix: prefix, leftBytes, rightBytes) }
    }
  }
}

/// A SHA-256 in parts. A failure of libcrypto stops the process: see ``Digest256/sha256(_:)``.
@safe
package struct SHA256Hasher: ~Copyable {
  private let context: OpaquePointer

  /// Starts a hash.
  package init() {
    guard let algorithms = Algorithms.shared, let context = unsafe EVP_MD_CTX_new(),
      unsafe EVP_DigestInit_ex2(context, algorithms.sha256, nil) == 1
    else { preconditionFailure("libcrypto cannot start a SHA-256") }
    unsafe self.context = context
  }

  deinit {
    unsafe EVP_MD_CTX_free(context)
  }

  /// Adds the bytes of `data`.
  package mutating func update(_ data: RawSpan) {
    let result = unsafe data.withUnsafeBytes {
      unsafe EVP_DigestUpdate(context, $0.baseAddress, $0.count)
    }
    precondition(result == 1, "libcrypto cannot continue a SHA-256")
  }

  /// Adds one byte.
  package mutating func update(byte: UInt8) {
    let result = unsafe withUnsafeBytes(of: byte) {
      unsafe EVP_DigestUpdate(context, $0.baseAddress, $0.count)
    }
    precondition(result == 1, "libcrypto cannot continue a SHA-256")
  }

  /// The digest of all that was added.
  package consuming func finish() -> Digest256 {
    unsafe withUnsafeTemporaryAllocation(byteCount: Digest256.byteCount, alignment: 8) { output in
      let result = unsafe EVP_DigestFinal_ex(context, output.baseAddress, nil)
      precondition(result == 1, "libcrypto cannot finish a SHA-256")
      return unsafe Digest256(unchecked: UnsafeRawBufferPointer(output))
    }
  }
}
