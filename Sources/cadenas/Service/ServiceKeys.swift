import Administration
import Configuration
import Keyring
import RecordFormat
import Storage
import Vault

extension ServiceStatusSource {
  /// What the administration socket may do with keys.
  var keyHooks: KeyHooks {
    KeyHooks(
      rotate: { [self] role, key, actor in
        let rotation =
          role == .kek
          ? try rotateKeyEncryptionKey(to: key, actor: actor)
          : try vault.rotate(role, actor: actor)
        return KeyHooks.Rotation(
          new: rotation.new, old: rotation.old, checkValue: rotation.checkValue)
      },
      reencrypt: { [vault] rate, actor in
        try vault.beginReencryption(cardsPerSecond: rate, actor: actor)
      },
      stopReencryption: { [vault] actor in try vault.stopReencryption(actor: actor) },
      work: { [vault] in
        let work = vault.keyWork
        return KeyHooks.Work(
          done: work.done, total: work.total, damaged: work.damaged, isRunning: work.isRunning,
          failure: work.failure)
      },
      cardsToMove: { [vault] in try vault.cardsToMove() })
  }

  /// The new KEK is durable in its source before the keyring is wrapped under it; the one before
  /// stays where it is.
  private func rotateKeyEncryptionKey(
    to installed: KeyIdentifier?, actor: String
  ) throws -> KeyRotation {
    let source = try KeyOpening.source(configuration.keys)
    if let installed {
      let key = KeyEncryptionKey(installed, try source.load(installed))
      return try vault.replaceKeyEncryptionKey(by: key, origin: .installed, actor: actor)
    }
    let key = try source.makeKey(besides: vault.keyring.entries.map(\.identifier))
    do {
      return try vault.replaceKeyEncryptionKey(by: key, origin: .rotation, actor: actor)
    } catch StorageError.writingEnded {
      // Either of the two may open the store now.
      throw StorageError.writingEnded
    } catch {
      try? source.destroy(key.identifier)
      throw error
    }
  }
}
