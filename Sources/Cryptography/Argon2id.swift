import CSodium
package import SecretMemory

/// Argon2id, version 1.3: a key from a passphrase, at a cost in time and memory that whoever guesses
/// has to pay for each guess.
/// - Source: RFC 9106. One lane, which is all that libsodium computes.
package enum Argon2id {
  /// What a derivation costs.
  package struct Parameters: Equatable, Sendable {
    /// How often the memory is passed over.
    package let passes: UInt32
    /// How much memory is filled, in KiB.
    package let memoryKibibytes: UInt32

    /// Names a cost; the bounds are those of ``Argon2id/deriveKey(from:salt:_:count:)``.
    package init(passes: UInt32, memoryKibibytes: UInt32) {
      self.passes = passes
      self.memoryKibibytes = memoryKibibytes
    }
  }

  /// How many bytes a salt has.
  package static let saltSize = 16

  /// The `count` bytes (16 or more) that `passphrase` and `salt` give.
  ///
  /// The memory that it fills is not locked: it holds nothing but hashes, and is given back to the
  /// kernel at the end.
  /// - Throws: ``CryptographyError/malformedInput`` for an empty passphrase, and unless `salt` has 16
  ///   bytes and there is at least one pass and 8 KiB; ``CryptographyError/memoryUnavailable`` where the system does not give
  ///   that much memory.
  package static func deriveKey(
    from passphrase: RawSpan, salt: RawSpan, _ parameters: Parameters, count: Int = 32
  ) throws(CryptographyError) -> SecretBytes {
    guard salt.byteCount == saltSize, count >= Int(crypto_pwhash_argon2id_bytes_min()),
      (1...Int(UInt32.max)).contains(passphrase.byteCount), parameters.passes >= 1,
      parameters.memoryKibibytes >= 8
    else { throw .malformedInput }
    var key = try SecretBytes.forCryptography(count: count)
    let result = unsafe key.withMutableBytes { output in
      unsafe passphrase.withUnsafeBytes { passphraseBytes in
        unsafe salt.withUnsafeBytes { saltBytes in
          guard let outputBase = unsafe output.octets, let saltBase = unsafe saltBytes.octets,
            let text = unsafe passphraseBytes.baseAddress?.assumingMemoryBound(to: CChar.self)
          else { return -1 as Int32 }
          return unsafe crypto_pwhash_argon2id(
            outputBase, UInt64(output.count), text, UInt64(passphraseBytes.count), saltBase,
            UInt64(parameters.passes),
            Int(parameters.memoryKibibytes) * 1_024, crypto_pwhash_argon2id_alg_argon2id13())
        }
      }
    }
    // With the bounds above, libsodium has no other reason to fail.
    guard result == 0 else { throw .memoryUnavailable }
    return key
  }
}
