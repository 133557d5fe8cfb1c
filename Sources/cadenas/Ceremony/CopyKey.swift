import Administration
import ConfigurationReading
import Keyring
import RecordFormat
import Storage

/// A key-encryption key for work on a copy of a store: from its source, or from custodians who have come
/// to one terminal.
struct CopyKey {
  /// The files of the shares, in the order in which their passphrases are asked for.
  let sharePaths: [String]
  let passphrases: PassphraseOption
  let configuration: ServiceConfiguration

  /// The KEK that the keyring of `copy` names, and the custodians whose shares have rebuilt it.
  ///
  /// - Throws: ``CommandFailure``, `KeyringError`, `StorageError`.
  func load(_ header: KeyringHeader, of copy: Store) throws -> Restoration.Key {
    let identifier = header.kekIdentifier
    guard let set = try CustodianSet.read(in: copy), set.keyIdentifier == identifier else {
      return Restoration.Key(try configuration.keys.source.load(identifier))
    }
    guard sharePaths.count >= set.threshold else {
      throw CommandFailure(
        .refused,
        "custodians hold the key \(identifier.text) of the backup: name the shares of \(set.threshold) "
          + "of them, each with --share FILE")
    }
    var collection = ShareCollection(for: set)
    let reader = try passphrases.reader()
    for path in sharePaths where !collection.progress.isComplete {
      let share = try CeremonyFiles.readShare(path)
      try collection.check(share)
      let passphrase = try reader.existing(of: share.header.custodian)
      try collection.add(share, passphrase: passphrase)
    }
    reader.end()
    return Restoration.Key(
      try collection.keyEncryptionKey(), custodians: collection.progress.entered.map(\.text))
  }
}
