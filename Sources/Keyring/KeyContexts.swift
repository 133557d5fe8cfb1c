package import Cryptography
package import RecordFormat

/// What is set up with a keyring's keys when it is first needed: ciphers of data keys, and
/// authenticators of fingerprint keys. For one thread at a time.
package final class KeyContexts {
  /// One data key's cipher, to be used in place.
  package final class Cipher {
    package var base: XAES256GCM
    init(_ key: DataKey) throws(CryptographyError) { base = try key.makeCipher() }
  }

  /// One fingerprint key's authenticator, to be used in place.
  package final class Authenticator {
    package var base: MessageAuthenticator
    init(_ key: FingerprintKey) throws(CryptographyError) { base = try key.makeAuthenticator() }
  }

  /// The keyring whose keys are used.
  package private(set) var keyring: Keyring
  private var ciphers: [KeyIdentifier: Cipher] = [:]
  private var authenticators: [KeyIdentifier: Authenticator] = [:]

  /// Contexts over the keys of `keyring`.
  package init(_ keyring: Keyring) { self.keyring = keyring }

  /// Goes on with another keyring of the store; contexts of keys that it does not have are wiped.
  package func adopt(_ keyring: Keyring) {
    self.keyring = keyring
    ciphers = ciphers.filter { keyring.dataKey($0.key) != nil }
    authenticators = authenticators.filter { keyring.fingerprintKey($0.key) != nil }
  }

  /// The cipher under a data key; nil where the keyring has no such key any more.
  package func cipher(_ identifier: KeyIdentifier) throws(CryptographyError) -> Cipher? {
    if let known = ciphers[identifier] { return known }
    guard let key = keyring.dataKey(identifier) else { return nil }
    let cipher = try Cipher(key)
    ciphers[identifier] = cipher
    return cipher
  }

  /// The authenticator under a fingerprint key; nil where the keyring has no such key any more.
  package func authenticator(
    _ identifier: KeyIdentifier
  ) throws(CryptographyError) -> Authenticator? {
    if let known = authenticators[identifier] { return known }
    guard let key = keyring.fingerprintKey(identifier) else { return nil }
    let authenticator = try Authenticator(key)
    authenticators[identifier] = authenticator
    return authenticator
  }
}
