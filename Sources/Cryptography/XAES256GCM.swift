import COpenSSL
package import SecretMemory

/// XAES-256-GCM: AES-256-GCM with nonces of 192 bits, which may be random without a limit that a
/// vault could reach. For one thread at a time.
///
/// Half of the nonce and the key give a key for the message; the other half is the nonce under it.
/// libcrypto keeps the key schedules of the key and of the last message's key in ordinary heap
/// memory, outside of guarded memory, as long as this value lives; it clears them when it ends.
/// - Source: C2SP XAES-256-GCM (a key derivation of NIST SP 800-108r1 with CMAC, SP 800-38B).
@safe
package struct XAES256GCM: ~Copyable, @unchecked Sendable {
  // Sendable holds: contexts and memory have this one owner, which cannot be copied, and they are
  // used through `mutating` access only.
  private let block: CipherContext
  private var message: AES256GCM

  /// Where the key of a message is derived: `subkey(16) ‖ input blocks(32) ‖ message key(32)`, in
  /// guarded memory.
  private var work: SecretBytes

  /// How many bytes a key has.
  package static let keySize = 32

  /// How many bytes a nonce has.
  package static let nonceSize = 24

  /// How many bytes are added to the plaintext.
  package static let tagSize = AES256GCM.tagSize

  private static let blockSize = 16

  /// Sets up the cipher under `key`.
  ///
  /// - Throws: ``CryptographyError/malformedInput`` unless `key` has 32 bytes;
  ///   ``CryptographyError/memoryUnavailable``; ``CryptographyError/library``.
  package init(key: RawSpan) throws(CryptographyError) {
    guard key.byteCount == Self.keySize else { throw .malformedInput }
    let algorithms = try Algorithms.loaded()
    let block = try CipherContext.make()
    let result = unsafe key.withUnsafeBytes {
      unsafe EVP_EncryptInit_ex2(block.pointer, algorithms.aes256ECB, $0.octets, nil, nil)
    }
    try check(result)
    try check(unsafe EVP_CIPHER_CTX_set_padding(block.pointer, 0))
    let message = try AES256GCM()
    var work = try SecretBytes.forCryptography(count: 5 * Self.blockSize)
    try Self.deriveSubkey(in: &work, with: block)
    self.block = block
    self.message = message
    self.work = work
  }

  /// Encrypts `plaintext` and appends `ciphertext(n) ‖ tag(16)` to `output`, bound to
  /// `associatedData`. Neither the nonce nor the associated data is part of the output.
  ///
  /// - Throws: ``CryptographyError/malformedInput`` unless `nonce` has 24 bytes;
  ///   ``CryptographyError/library``. `output` is then as it was.
  package mutating func seal(
    _ plaintext: RawSpan, nonce: RawSpan, associatedData: RawSpan,
    appendingTo output: inout [UInt8]
  ) throws(CryptographyError) {
    try prepare(nonce: nonce)
    try message.seal(
      plaintext, nonce: nonce.extracting(last: AES256GCM.nonceSize),
      associatedData: associatedData, appendingTo: &output)
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
      try prepare(nonce: nonce)
    } catch {
      unsafe wipe(plaintext)
      throw error
    }
    try unsafe message.open(
      sealed, nonce: nonce.extracting(last: AES256GCM.nonceSize),
      associatedData: associatedData, into: plaintext)
  }

  /// K1 of CMAC: the encrypted zero block, doubled in GF(2^128).
  private static func deriveSubkey(
    in work: inout SecretBytes, with block: borrowing CipherContext
  ) throws(CryptographyError) {
    let context = unsafe block.pointer
    let result = unsafe work.withMutableBytes { bytes in
      let subkey = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[..<Self.blockSize])
      let result = unsafe Self.encryptBlocks(subkey, into: subkey, with: context)
      let carry = unsafe subkey[0] >> 7
      for index in 0..<(Self.blockSize - 1) {
        unsafe subkey[index] = subkey[index] << 1 | subkey[index + 1] >> 7
      }
      // Without a branch on a bit of the key: 0x87 where a bit was carried out, 0 otherwise.
      let last = Self.blockSize - 1
      unsafe subkey[last] = subkey[last] << 1 ^ (0x87 & (0 &- carry))
      return result
    }
    try check(result)
  }

  /// Keys `message` with `E(M1 ⊕ K1) ‖ E(M2 ⊕ K1)`, where Mi is `0x00 ‖ i ‖ "X" ‖ 0x00 ‖
  /// nonce[0..<12]`: two CMACs of one block each.
  private mutating func prepare(nonce: RawSpan) throws(CryptographyError) {
    guard nonce.byteCount == Self.nonceSize else { throw .malformedInput }
    let context = unsafe block.pointer
    let result = unsafe work.withMutableBytes { bytes in
      for counter in 1...2 {
        let start = counter * Self.blockSize
        unsafe bytes[start] = bytes[0]
        unsafe bytes[start + 1] = bytes[1] ^ UInt8(counter)
        unsafe bytes[start + 2] = bytes[2] ^ UInt8(ascii: "X")
        unsafe bytes[start + 3] = bytes[3]
        for index in 0..<12 {
          unsafe bytes[start + 4 + index] =
            bytes[4 + index] ^ nonce.unsafeLoad(fromByteOffset: index, as: UInt8.self)
        }
      }
      let input = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[16..<48])
      let output = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[48..<80])
      return unsafe Self.encryptBlocks(input, into: output, with: context)
    }
    try check(result)
    try message.setKey(from: work, in: 48..<80)
  }

  /// Encrypts whole blocks, each on its own. Returns 1 on success, as libcrypto does.
  private static func encryptBlocks(
    _ input: UnsafeMutableRawBufferPointer, into output: UnsafeMutableRawBufferPointer,
    with context: OpaquePointer
  ) -> Int32 {
    var length: Int32 = 0
    return unsafe EVP_EncryptUpdate(
      context, output.octets, &length, input.octets, Int32(input.count))
  }
}

extension SecretBytes {
  /// Zeroed secret memory, with the error of this target.
  package static func forCryptography(count: Int) throws(CryptographyError) -> SecretBytes {
    try onMemory(SecretBytes(count: count))
  }
}

/// The memory that `body` makes, with the error of this target.
func onMemory(
  _ body: @autoclosure () throws(SecretMemoryError) -> SecretBytes
) throws(CryptographyError) -> SecretBytes {
  do throws(SecretMemoryError) { return try body() } catch { throw .memoryUnavailable }
}
