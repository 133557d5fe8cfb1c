import Bytes
import Cryptography
import RecordFormat

/// What a key-encryption key has to be before a keyring is wrapped under it.
enum KeyEncryptionKeyRules {
  /// Refuses a key that the keyring was wrapped under before, whatever its name is now, and one that
  /// nobody drew at random.
  ///
  /// Keys are compared by their check values, which are left of a key that is destroyed too. A new key
  /// that is refused though it is another one comes once in 2^40 for each KEK before it.
  /// - Parameter entries: those of the keyring.
  /// - Throws: ``KeyringError/keyKnownAlready(_:)`` with the identifier that it had,
  ///   ``KeyringError/keyNotRandom(_:)``, ``KeyringError/systemUnavailable``.
  static func check(
    _ key: KeyEncryptionKey, against entries: [KeyringEntry]
  ) throws(KeyringError) {
    guard !key.withUnprotectedKeyBytes({ isConstant($0) }) else {
      throw .keyNotRandom(key.identifier)
    }
    let checkValue = try key.checkValue()
    let known = entries.first { $0.role.wrapsKeyring && $0.checkValue == checkValue }
    if let known { throw .keyKnownAlready(known.identifier) }
  }

  /// Whether all bytes are the same, in a time that does not depend on them.
  private static func isConstant(_ bytes: RawSpan) -> Bool {
    var difference: UInt8 = 0
    for offset in bytes.byteOffsets { difference |= bytes.byte(offset) ^ bytes.byte(0) }
    return difference == 0
  }
}
