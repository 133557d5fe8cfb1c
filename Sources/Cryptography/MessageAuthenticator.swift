import COpenSSL

/// HMAC-SHA-256, keyed once and used many times, by one thread at a time.
///
/// libcrypto keeps the padded key and the states derived from it in ordinary heap memory, outside
/// of guarded memory, as long as this value lives; it clears them when the value ends.
/// - Source: RFC 2104, FIPS 198-1.
@safe
package struct MessageAuthenticator: ~Copyable, @unchecked Sendable {
  // Sendable holds: the context has this one owner, which cannot be copied, and it is used through
  // `mutating` access only.
  private let context: AuthenticationContext

  /// Keys an authenticator with `key`, which may have any length.
  ///
  /// - Throws: ``CryptographyError/library``, or ``CryptographyError/malformedInput`` for an empty
  ///   key.
  package init(key: RawSpan) throws(CryptographyError) {
    guard key.byteCount > 0 else { throw .malformedInput }
    let context = try AuthenticationContext.makeHMAC()
    var result: Int32 = 0
    // A parameter keeps the pointers to its name and its value, so both live until it was read.
    unsafe OSSL_MAC_PARAM_DIGEST.withCString { parameter in
      unsafe "SHA256".withCString { name in
        let parameters = unsafe [
          OSSL_PARAM_construct_utf8_string(parameter, UnsafeMutablePointer(mutating: name), 0),
          OSSL_PARAM_construct_end(),
        ]
        unsafe key.withUnsafeBytes { bytes in
          result = unsafe EVP_MAC_init(
            context.pointer, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count,
            parameters)
        }
      }
    }
    try check(result)
    self.context = context
  }

  /// Starts a message, forgetting one that was not finished.
  package mutating func begin() {
    // Without a key libcrypto starts again from the state that it keeps of the first one.
    let result = unsafe EVP_MAC_init(context.pointer, nil, 0, nil)
    precondition(result == 1, "libcrypto cannot start a message under a key that it has accepted")
  }

  /// Adds the bytes of `data` to the message.
  package mutating func update(_ data: RawSpan) {
    unsafe data.withUnsafeBytes { unsafe update($0) }
  }

  /// Adds one byte to the message.
  package mutating func update(byte: UInt8) {
    unsafe withUnsafeBytes(of: byte) { unsafe update($0) }
  }

  /// Adds four bytes to the message, the most significant first.
  package mutating func update(bigEndian number: UInt32) {
    unsafe withUnsafeBytes(of: number.bigEndian) { unsafe update($0) }
  }

  /// Adds eight bytes to the message, the most significant first.
  package mutating func update(bigEndian number: UInt64) {
    unsafe withUnsafeBytes(of: number.bigEndian) { unsafe update($0) }
  }

  /// Adds the bytes of a text that is known when the program is compiled.
  package mutating func update(_ text: StaticString) {
    unsafe update(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  private mutating func update(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress else { return }
    let result = unsafe EVP_MAC_update(
      context.pointer, base.assumingMemoryBound(to: UInt8.self), bytes.count)
    precondition(result == 1, "libcrypto cannot continue a message")
  }

  /// Ends the message and returns its authentication code.
  package mutating func finish() -> Digest256 {
    unsafe withUnsafeTemporaryAllocation(byteCount: Digest256.byteCount, alignment: 8) { output in
      var length = 0
      let result = unsafe EVP_MAC_final(
        context.pointer, output.baseAddress?.assumingMemoryBound(to: UInt8.self), &length,
        output.count)
      precondition(result == 1 && length == output.count, "libcrypto cannot finish a message")
      return unsafe Digest256(unchecked: UnsafeRawBufferPointer(output))
    }
  }

  /// The authentication code of `message` alone.
  package mutating func authenticationCode(for message: RawSpan) -> Digest256 {
    begin()
    update(message)
    return finish()
  }
}
