import Bytes
import Glibc
import RecordFormat
import Storage

@testable import Keyring

/// Something that a test needs is not there.
struct Missing: Error {
  let what: String
}

/// A fresh directory that goes with the value.
final class TemporaryDirectory: Sendable {
  let path: String

  init() throws {
    var template = Array("/tmp/cadenas-keyring-XXXXXX".utf8CString)
    let made = unsafe template.withUnsafeMutableBufferPointer {
      unsafe $0.baseAddress.flatMap { unsafe mkdtemp($0) } != nil
    }
    guard made else { throw Missing(what: "a directory") }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { Self.remove(path) }

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

  /// The names of the files in `directory`.
  static func files(in directory: String) -> [String] {
    guard let stream = unsafe opendir(directory) else { return [] }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
        unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names
  }

  private static func remove(_ path: String) {
    for name in files(in: path) { remove("\(path)/\(name)") }
    if unsafe rmdir(path) != 0 { unsafe unlink(path) }
  }
}

/// The bytes of a file.
func fileBytes(of path: String) throws -> [UInt8] {
  let descriptor = unsafe open(path, O_RDONLY)
  guard descriptor >= 0 else { throw Missing(what: path) }
  defer { close(descriptor) }
  var bytes = [UInt8](repeating: 0, count: Int(lseek(descriptor, 0, SEEK_END)))
  lseek(descriptor, 0, SEEK_SET)
  let count = unsafe bytes.withUnsafeMutableBytes {
    unsafe read(descriptor, $0.baseAddress, $0.count)
  }
  guard count == bytes.count else { throw Missing(what: path) }
  return bytes
}
