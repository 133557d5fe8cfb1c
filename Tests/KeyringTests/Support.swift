import Bytes
import Glibc
import RecordFormat
import Storage
import TestSupport

@testable import Keyring

extension TemporaryDirectory {
  var keys: FileKeySource { FileKeySource(directory: path + "/keys") }

  /// A new store with a new keyring, whose KEK is in ``keys``.
  func newStore(_ name: String = "store", first: UInt8 = 1) throws -> Store {
    guard let identifier = StoreIdentifier(Array(first..<first + 16)) else {
      throw Missing(what: "an identifier")
    }
    let keyring = try KeyringStore.create(
      under: keys.make(besides: []), cryptoperiods: .standard, atMilliseconds: 1_795_459_405_000)
    try Store.create(
      at: "\(path)/\(name)", mapSize: 8 << 20, storeIdentifier: identifier
    ) { transaction in
      try KeyringStore.save(keyring, for: identifier, in: &transaction)
    }
    return try Store.open(at: "\(path)/\(name)", mapSize: 8 << 20)
  }

  /// The path of the only KEK.
  func keyFile() throws -> String {
    let names = Self.files(in: keys.directory)
    guard names.count == 1 else { throw Missing(what: "the only key") }
    return "\(keys.directory)/\(names[0])"
  }

  /// Replaces the file at `path` by `count` bytes of value 7.
  static func replace(_ path: String, count: Int) throws {
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    defer { close(descriptor) }
    let bytes = [UInt8](repeating: 7, count: count)
    let written = unsafe bytes.withUnsafeBytes {
      unsafe write(descriptor, $0.baseAddress, $0.count)
    }
    guard written == count else { throw Missing(what: "a file") }
  }
}
