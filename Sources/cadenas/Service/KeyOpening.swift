import Administration
import Bytes
import Configuration
import Cryptography
import Glibc
import Keyring
import RecordFormat
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
        .refused,
        "custodians hold the key in shares: it is opened with cadenas unseal --share FILE, and "
          + "replaced with cadenas keys ceremony replace")
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

  /// Opens the keyring of a store that is to be served; nil where custodians have to.
  ///
  /// What the configuration says has to fit the store: otherwise it would wait for shares that nobody
  /// has, or look for a file that nobody wrote.
  static func keyringAtStart(
    of store: Store, _ configuration: ServiceConfiguration
  ) throws -> Keyring? {
    let holders = try CustodianSet.read(in: store)
    let kek = try KeyringStore.keyEncryptionKeyIdentifier(of: store)
    let isShared = holders?.keyIdentifier == kek
    guard case .custodians = configuration.keys else {
      if isShared {
        throw CommandFailure(
          .invalid,
          "custodians hold the key \(kek.text) of this store: set \"keys: {source: custodians}\"")
      }
      return try keyring(of: store, configuration)
    }
    guard isShared else {
      throw CommandFailure(
        .invalid,
        "keys.source is \"custodians\", and nobody holds a share of the key \(kek.text) of this "
          + "store: start it with the source that has the key, and hold the ceremony with "
          + "cadenas keys ceremony create")
    }
    return nil
  }

  /// Removes a KEK that is being destroyed from where it was kept. One that custodians held is gone
  /// with their shares, which are theirs to destroy; a credential is root's, and has to be gone.
  static func erase(_ key: KeyringEntry, _ configuration: ServiceConfiguration) throws {
    if key.origin == .ceremony { return }
    let name = "\(key.identifier.text).kek"
    switch configuration.keys {
    case .custodians(_, let path?): try FileKeySource(directory: path).destroy(key.identifier)
    case .custodians(_, nil):
      throw CommandFailure(
        .refused,
        "\(name) lies, or lay, in the key source before the custodians: set \"keys.former_path\" to "
          + "its directory, and restart the service")
    case .directory: try source(configuration.keys).destroy(key.identifier)
    case .credentials:
      guard
        unsafe access(try source(configuration.keys).path(of: key.identifier), F_OK) != 0
      else {
        throw CommandFailure(
          .refused,
          "the service still gets the credential \(name): delete it, remove it from the unit, and "
            + "restart the service")
      }
    }
  }

  /// Has whoever asks through ``Operations`` told what a command would say.
  static func explaining<R>(_ body: () throws -> R) throws -> R {
    do {
      return try body()
    } catch let failure as CommandFailure {
      throw failure.status == .refused
        ? AdministrationError.refused(failure.message) : .unavailable(failure.message)
    }
  }
}

extension KeySource {
  /// For how long entered shares wait.
  var shareMinutes: Int {
    if case .custodians(let minutes, _) = self { minutes } else { Self.standardShareMinutes }
  }
}
