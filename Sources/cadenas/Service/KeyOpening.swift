import Configuration
import Cryptography
import Glibc
import Keyring
import SecretMemory
import Storage

/// From the configuration to the key source and the open keyring.
enum KeyOpening {
  /// The row of `meta` that says that a store was made for development.
  private static let developmentRow = Array("development".utf8)

  /// Where the key-encryption key lies.
  static func source(_ keys: KeySource) throws(CommandFailure) -> FileKeySource {
    switch keys {
    case .directory(let path): return FileKeySource(directory: path)
    case .credentials:
      guard let directory = unsafe getenv("CREDENTIALS_DIRECTORY") else {
        throw CommandFailure(
          .invalid,
          "keys.source is \"credential\", and CREDENTIALS_DIRECTORY is not set: start the service "
            + "from its systemd unit, which loads the credential")
      }
      return FileKeySource(directory: unsafe String(cString: directory))
    case .custodians:
      throw CommandFailure(
        .invalid,
        "keys.source is \"custodians\": the key-encryption key lies nowhere; its custodians enter "
          + "their shares")
    }
  }

  /// Notes in a new store that its keys are for development.
  static func markDevelopment(in transaction: inout StoreWriteTransaction) throws {
    let row = developmentRow
    try transaction.put(key: row.rawSpan, value: [UInt8]([1]).rawSpan, in: .meta)
  }

  /// Refuses keys that were made for development where the configuration does not allow them.
  static func checkDevelopment(
    _ store: Store, _ configuration: ServiceConfiguration
  ) throws {
    if configuration.development { return }
    let row = developmentRow
    let isDevelopment = try store.read { try $0.contains(row.rawSpan, in: .meta) }
    guard isDevelopment else { return }
    throw CommandFailure(
      .invalid,
      "the store \(store.directory) was made with \"development: true\": its keys are not for real "
        + "cards; make a store of its own for production")
  }
}

extension KeyOpening {
  /// Opens the keyring of a store.
  static func keyring(of store: Store, _ configuration: ServiceConfiguration) throws -> Keyring {
    try KeyringStore.open(in: store, source: source(configuration.keys))
  }
}
