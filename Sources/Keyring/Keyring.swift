import Cryptography
package import RecordFormat
import SecretMemory
import Storage

/// An open keyring: every key of the store, as it was when the keyring was read.
///
/// A value that is only read. Whoever changes keys makes another keyring of it, writes that, and puts
/// it in this one's place.
package final class Keyring: Sendable {
  package let activeDataKey: DataKey
  package let activeFingerprintKey: FingerprintKey

  /// The KEK that the keyring is wrapped under.
  package var keyEncryptionKeyIdentifier: KeyIdentifier { keyEncryptionKey.identifier }
  /// Rises with each change of the keyring.
  package let generation: UInt64

  /// Bytes of every key: of AES-256, of HMAC-SHA-256, and of an Ed25519 seed.
  private static let keySize = 32

  let entries: [KeyringEntry]
  private let keyEncryptionKey: KeyEncryptionKey
  private let dataKeys: [KeyIdentifier: DataKey]

  init(
    entries: [KeyringEntry], keyEncryptionKey: KeyEncryptionKey, generation: UInt64
  ) throws(KeyringError) {
    self.entries = entries
    self.keyEncryptionKey = keyEncryptionKey
    self.generation = generation
    let wrapping = entries.filter { $0.role == .kek && $0.state == .active }
    guard wrapping.map(\.identifier) == [keyEncryptionKey.identifier],
      entries.allSatisfy({ ($0.material?.count ?? Self.keySize) == Self.keySize })
    else { throw .malformedKeyring }
    var dataKeys: [KeyIdentifier: DataKey] = [:]
    for entry in entries where entry.role == .data {
      if let material = entry.material {
        dataKeys[entry.identifier] = DataKey(entry.identifier, material)
      }
    }
    self.dataKeys = dataKeys
    let (data, _) = try Self.active(.data, in: entries)
    guard let activeDataKey = dataKeys[data.identifier] else { throw .malformedKeyring }
    self.activeDataKey = activeDataKey
    let (fingerprint, material) = try Self.active(.fingerprint, in: entries)
    activeFingerprintKey = FingerprintKey(fingerprint.identifier, material)
    _ = try Self.active(.audit, in: entries)
  }

  /// The data key of this identifier that still opens records, whatever its state.
  package func dataKey(_ identifier: KeyIdentifier) -> DataKey? {
    dataKeys[identifier]
  }

  /// What may be told of every key, in the order of their creation.
  ///
  /// - Parameter cards: how many cards stand under each data key.
  package func status(cards: [KeyIdentifier: UInt64]) throws(KeyringError) -> [KeyStatus] {
    var found: [KeyStatus] = []
    for entry in entries {
      found.append(
        KeyStatus(
          identifier: entry.identifier, role: entry.role, state: entry.state,
          checkValue: try checkValue(entry), createdMilliseconds: entry.createdMilliseconds,
          cryptoperiodEndMilliseconds: entry.createdMilliseconds
            + entry.cryptoperiodSeconds * 1_000,
          cards: entry.role == .data ? cards[entry.identifier] ?? 0 : nil))
    }
    return found
  }

  /// The keyring as it is stored: wrapped under its KEK, with a new nonce.
  func seal(store: StoreIdentifier) throws(KeyringError) -> [UInt8] {
    do {
      var random = try RandomPool()
      let nonce = try random.bytes(count: XAES256GCM.nonceSize)
      var cipher = try keyEncryptionKey.makeCipher()
      return try KeyringBlob.seal(
        entries,
        header: KeyringHeader(
          kekIdentifier: keyEncryptionKey.identifier, generation: generation),
        store: store.bytes.rawSpan, nonce: nonce.rawSpan, cipher: &cipher)
    } catch let error as RecordError where error == .tooLarge || error == .invalidContent {
      throw .malformedKeyring
    } catch {
      throw .systemUnavailable
    }
  }

  private func checkValue(_ entry: KeyringEntry) throws(KeyringError) -> String? {
    do throws(CryptographyError) {
      if entry.role == .kek {
        return entry.identifier == keyEncryptionKey.identifier
          ? try keyEncryptionKey.checkValue() : nil
      }
      guard let material = entry.material else { return nil }
      return try material.withBytes { bytes throws(CryptographyError) in
        entry.role == .audit
          ? KeyCheckValue.ofSigningKey(try Ed25519PrivateKey(seed: bytes).publicKey)
          : try KeyCheckValue.ofSymmetricKey(bytes)
      }
    } catch {
      throw .systemUnavailable
    }
  }

  private static func active(
    _ role: KeyRole, in entries: [KeyringEntry]
  ) throws(KeyringError) -> (KeyringEntry, KeyMaterial) {
    let active = entries.filter { $0.role == role && $0.state == .active }
    guard let entry = active.first else { throw .noActiveKey(role) }
    guard active.count == 1, let material = entry.material else { throw .malformedKeyring }
    return (entry, material)
  }
}
