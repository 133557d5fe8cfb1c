import Administration
import Configuration
import Keyring
import RecordFormat
import Storage
import Ledgers
import VaultCore
import VaultManagement

extension ServiceStatusSource {
  /// What the administration socket may do with the key source.
  var keySourceHooks: KeySourceHooks {
    KeySourceHooks(
      withNextKey: { [self] in try withNextKey($0, $1) },
      openKeyring: { [configuration, vault] in
        try KeyringStore.open(in: vault.store, source: configuration.keys.source)
      },
      personsToDestroy: { [condition] in condition.personsToDestroy })
  }

  /// A new KEK is durable in its source before the keyring is wrapped under it; the one before stays
  /// where it is.
  private func withNextKey(
    _ installed: KeyIdentifier?, _ body: (KeyEncryptionKey, KeyOrigin) throws -> KeyRotation
  ) throws -> KeyRotation {
    let source = configuration.keys.source
    if let installed { return try body(source.load(installed), .installed) }
    let key = try source.make(besides: vault.keyring.entries.map(\.identifier))
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
