import Administration
import Configuration
import Keyring
import RecordFormat
import Storage
import Vault

extension ServiceStatusSource {
  /// What the administration socket may do with the key source.
  var keySourceHooks: KeySourceHooks {
    KeySourceHooks(
      withNextKey: { [self] installed, body in
        try KeyOpening.explaining { try withNextKey(installed, body) }
      },
      openKeyring: { [configuration, vault] in
        try KeyOpening.explaining { try KeyOpening.keyring(of: vault.store, configuration) }
      },
      personsToDestroy: { [condition] in condition.personsToDestroy })
  }

  /// A new KEK is durable in its source before the keyring is wrapped under it; the one before stays
  /// where it is.
  private func withNextKey(
    _ installed: KeyIdentifier?, _ body: (KeyEncryptionKey, KeyOrigin) throws -> KeyRotation
  ) throws -> KeyRotation {
    let source = try KeyOpening.source(configuration.keys)
    if let installed {
      return try body(KeyEncryptionKey(installed, try source.load(installed)), .installed)
    }
    guard configuration.keys != .credentials else {
      throw CommandFailure(
        .refused,
        "the service cannot make a credential: give it one, with 32 random bytes, and name it with "
          + "cadenas keys rotate kek --to ID")
    }
    let key = try source.makeKey(besides: vault.keyring.entries.map(\.identifier))
    do {
      return try body(key, .rotation)
    } catch StorageError.writingEnded {
      // Either of the two may open the store now.
      throw StorageError.writingEnded
    } catch {
      try? source.destroy(key.identifier)
      throw error
    }
  }
}
