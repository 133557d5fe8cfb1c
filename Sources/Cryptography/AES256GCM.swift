import COpenSSL
import SecretMemory

/// AES-256-GCM with nonces of 96 bits, for one thread at a time.
///
/// A nonce must never be used twice under one key. Where nonces are random use ``XAES256GCM``.
///
/// libcrypto keeps the key schedule in ordinary heap memory, outside of guarded memory, as long as
/// this value lives; it clears it when the value ends.
/// - Source: NIST SP 800-38D.
@safe
package struct AES256GCM: ~Copyable, @unchecked Sendable {
  // Sendable holds: the context has this one owner, which cannot be copied, and it is used through
  // `mutating` access only.
  private let context: CipherContext

  /// How many bytes a key has.
  package static let keySize = 32

  /// How many bytes a nonce has.
  package static let nonceSize = 12

  /// How many bytes are added to the plaintext.
  package static let tagSize = 16

  /// Sets up the cipher under `key`.
  ///
  /// - Throws: ``CryptographyError/malformedInput`` unless `key` has 32 bytes;
  ///   ``CryptographyError/library``.
  package init(key: RawSpan) throws(CryptographyError) {
    var cipher = try AES256GCM()
    try cipher.setKey(key)
    self = cipher
  }

  /// Makes a cipher that has no key yet, for ``XAES256GCM``, which derives one for each message.
  init() throws(CryptographyError) {
    let algorithms = try Algorithms.loaded()
    let context = try CipherContext.make()
    // Direction 1 is for now: each message sets its own.
    try check(unsafe EVP_CipherInit_ex2(context.pointer, algorithms.aes256GCM, nil, nil, 1, nil))
    self.context = context
  }

  /// Replaces the key by the bytes of `secret` in `range`.
  mutating func setKey(
    from secret: borrowing SecretBytes, in range: Range<Int>
  ) throws(CryptographyError) {
    try setKey(secret.bytes.extracting(range))
  }

  /// Replaces the key.
  mutating func setKey(_ key: RawSpan) throws(CryptographyError) {
    guard key.byteCount == Self.keySize else { throw .malformedInput }
    let result = unsafe key.withUnsafeBytes {
      unsafe EVP_CipherInit_ex2(context.pointer, nil, $0.octets, nil, -1, nil)
    }
    try check(result)
  }

  /// Encrypts `plaintext` and appends `ciphertext(n) ‖ tag(16)` to `output`, bound to
  /// `associatedData`, which is not part of the output.
  ///
  /// - Throws: ``CryptographyError/malformedInput`` unless `nonce` has 12 bytes;
  ///   ``CryptographyError/library``. `output` is then as it was.
  package mutating func seal(
    _ plaintext: RawSpan, nonce: RawSpan, associatedData: RawSpan,
    appendingTo output: inout [UInt8]
  ) throws(CryptographyError) {
    try begin(nonce: nonce, associatedData: associatedData, direction: 1)
    let isSealed = unsafe withUnsafeTemporaryAllocation(
      byteCount: plaintext.byteCount + Self.tagSize, alignment: 1
    ) { sealed in
      let isSealed = unsafe plaintext.withUnsafeBytes { unsafe encrypt($0, into: sealed) }
      if isSealed { unsafe output.append(contentsOf: sealed) }
      return isSealed
    }
    guard isSealed else {
      ERR_clear_error()
      throw .library
    }
  }

  /// Checks and decrypts `sealed`, which is `ciphertext(n) ‖ tag(16)`, into the `n` bytes of
  /// `plaintext`, which should be secret memory. Where it throws, `plaintext` is wiped.
  ///
  /// - Throws: ``CryptographyError/authenticationFailed``; ``CryptographyError/malformedInput`` if
  ///   `nonce`, `sealed` or `plaintext` has a wrong length; ``CryptographyError/library``.
  package mutating func open(
    _ sealed: RawSpan, nonce: RawSpan, associatedData: RawSpan,
    into plaintext: UnsafeMutableRawBufferPointer
  ) throws(CryptographyError) {
    do throws(CryptographyError) {
      guard sealed.byteCount - Self.tagSize == plaintext.count else { throw .malformedInput }
      try begin(nonce: nonce, associatedData: associatedData, direction: 0)
      let result = unsafe sealed.withUnsafeBytes { unsafe decrypt($0, into: plaintext) }
      try check(result, orThrow: .authenticationFailed)
    } catch {
      unsafe wipe(plaintext)
      throw error
    }
  }

  private mutating func begin(
    nonce: RawSpan, associatedData: RawSpan, direction: Int32
  ) throws(CryptographyError) {
    guard nonce.byteCount == Self.nonceSize else { throw .malformedInput }
    guard associatedData.byteCount <= Int(Int32.max) else { throw .malformedInput }
    var result = unsafe nonce.withUnsafeBytes {
      unsafe EVP_CipherInit_ex2(context.pointer, nil, nil, $0.octets, direction, nil)
    }
    try check(result)
    guard associatedData.byteCount > 0 else { return }
    var length: Int32 = 0
    result = unsafe associatedData.withUnsafeBytes {
      unsafe EVP_CipherUpdate(context.pointer, nil, &length, $0.octets, Int32($0.count))
    }
    try check(result)
  }

  /// Writes ciphertext and tag to `sealed`, which has room for exactly both.
  private mutating func encrypt(
    _ plaintext: UnsafeRawBufferPointer, into sealed: UnsafeMutableRawBufferPointer
  ) -> Bool {
    guard let count = Int32(exactly: plaintext.count), let output = unsafe sealed.octets
    else { return false }
    var length: Int32 = 0
    if count > 0 {
      guard unsafe EVP_CipherUpdate(context.pointer, output, &length, plaintext.octets, count) == 1
      else { return false }
    }
    guard unsafe EVP_CipherFinal_ex(context.pointer, output + plaintext.count, &length) == 1
    else { return false }
    return unsafe EVP_CIPHER_CTX_ctrl(
      context.pointer, EVP_CTRL_AEAD_GET_TAG, Int32(Self.tagSize), output + plaintext.count) == 1
  }

  /// Returns 1 where the tag fits, as libcrypto does.
  private mutating func decrypt(
    _ sealed: UnsafeRawBufferPointer, into plaintext: UnsafeMutableRawBufferPointer
  ) -> Int32 {
    guard let count = Int32(exactly: plaintext.count), let input = unsafe sealed.octets
    else { return 0 }
    var length: Int32 = 0
    if count > 0 {
      guard unsafe EVP_CipherUpdate(context.pointer, plaintext.octets, &length, input, count) == 1
      else { return 0 }
    }
    // libcrypto takes the expected tag through a pointer that it does not write to.
    let tag = unsafe UnsafeMutableRawPointer(mutating: input + plaintext.count)
    guard
      unsafe EVP_CIPHER_CTX_ctrl(context.pointer, EVP_CTRL_AEAD_SET_TAG, Int32(Self.tagSize), tag)
        == 1
    else { return 0 }
    return unsafe withUnsafeTemporaryAllocation(byteCount: Self.tagSize, alignment: 16) { rest in
      // GCM holds nothing back: no byte is written here. libcrypto wants a place all the same.
      unsafe EVP_CipherFinal_ex(context.pointer, rest.octets, &length)
    }
  }
}

extension UnsafeRawBufferPointer {
  /// The start as libcrypto wants it.
  var octets: UnsafePointer<UInt8>? {
    unsafe baseAddress?.assumingMemoryBound(to: UInt8.self)
  }
}

extension UnsafeMutableRawBufferPointer {
  /// The start as libcrypto wants it.
  var octets: UnsafeMutablePointer<UInt8>? {
    unsafe baseAddress?.assumingMemoryBound(to: UInt8.self)
  }
}
