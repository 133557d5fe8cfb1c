package import Cryptography
package import RecordFormat

/// The ciphers of a keyring's data keys, each set up when it is first needed. For one thread at a time.
package final class CipherCache {
  /// One key's cipher, to be used in place.
  package final class Entry {
    package var cipher: XAES256GCM

    init(_ key: DataKey) throws(CryptographyError) { cipher = try key.makeCipher() }
  }

  private let keyring: Keyring
  private var entries: [KeyIdentifier: Entry] = [:]

  /// A cache over the keys of `keyring`.
  package init(_ keyring: Keyring) { self.keyring = keyring }

  /// The cipher under a data key; nil where the keyring has no such key any more.
  package subscript(identifier: KeyIdentifier) -> Entry? {
    get throws(CryptographyError) {
      if let entry = entries[identifier] { return entry }
      guard let key = keyring.dataKey(identifier) else { return nil }
      let entry = try Entry(key)
      entries[identifier] = entry
      return entry
    }
  }
}
