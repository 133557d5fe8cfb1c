import Glibc
package import RecordFormat
package import SecretMemory

/// A directory of key-encryption keys: one file `KEYID.kek` each, of 32 random bytes.
///
/// A file must belong to nobody but its owner (mode 0600 or 0400). A directory of systemd credentials
/// is such a directory, read-only.
package struct FileKeySource: Sendable {
  /// The size of a KEK in bytes.
  package static let keySize = 32

  package let directory: String

  /// A source over `directory`, which need not exist before ``create(_:_:)``.
  package init(directory: String) {
    self.directory = directory
  }

  /// The path of one key's file.
  package func path(of identifier: KeyIdentifier) -> String {
    directory + "/" + identifier.text + ".kek"
  }

  /// Reads a key straight into secret memory.
  package func load(_ identifier: KeyIdentifier) throws(KeyringError) -> SecretBytes {
    let path = path(of: identifier)
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else {
      if errno == ENOENT {
        throw .keyEncryptionKeyMissing(identifier, directory: directory)
      }
      throw .keySource(path: path, errno: errno)
    }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      throw .keySource(path: path, errno: errno)
    }
    guard status.st_mode & 0o177 == 0 else {
      throw .keyFileMode(path: path, mode: status.st_mode & 0o7777)
    }
    guard Int(status.st_size) == Self.keySize else {
      throw .keyFileSize(path: path, size: Int(status.st_size))
    }
    var key: SecretBytes
    do { key = try SecretBytes(count: Self.keySize) } catch { throw .systemUnavailable }
    let received = unsafe key.withMutableBytes { buffer in
      unsafe read(descriptor, buffer.baseAddress, buffer.count)
    }
    guard received == Self.keySize else {
      throw .keySource(path: path, errno: received < 0 ? errno : EIO)
    }
    return key
  }

  /// Writes a new key, makes file and directory durable, and reads the key back.
  ///
  /// - Throws: ``KeyringError/keyFileExists(path:)`` rather than replace a key.
  package func create(
    _ identifier: KeyIdentifier, _ key: borrowing SecretBytes
  ) throws(KeyringError) {
    let path = path(of: identifier)
    if unsafe mkdir(directory, 0o700) != 0 && errno != EEXIST {
      throw .keySource(path: directory, errno: errno)
    }
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw errno == EEXIST
        ? .keyFileExists(path: path) : .keySource(path: path, errno: errno)
    }
    let written = unsafe key.bytes.withUnsafeBytes { buffer in
      unsafe write(descriptor, buffer.baseAddress, buffer.count)
    }
    let failure: Int32 = written == Self.keySize && fsync(descriptor) == 0 ? 0 : errno
    close(descriptor)
    guard failure == 0 else {
      unsafe unlink(path)
      throw .keySource(path: path, errno: failure)
    }
    try synchronizeDirectory()
    let readBack = try load(identifier)
    guard readBack.isEqual(to: key.bytes) else { throw .keySource(path: path, errno: EIO) }
  }

  private func synchronizeDirectory() throws(KeyringError) {
    let descriptor = unsafe open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .keySource(path: directory, errno: errno) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw .keySource(path: directory, errno: errno) }
  }
}
