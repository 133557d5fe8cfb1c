import Glibc
package import RecordFormat
import SecretMemory
import SystemCalls

/// A directory of key-encryption keys: one file `KEYID.kek` each, of 32 random bytes.
///
/// A file must be the process's own or root's, and nobody else may read it (mode 0600 or 0400). A
/// directory of systemd credentials is such a directory, read-only.
package struct FileKeySource: KeyEncryptionKeySource {
  package let directory: String

  /// A source over `directory`, which ``make(besides:)`` makes for the first key of a store.
  package init(directory: String) { self.directory = directory }

  package var directoryOfNewKeys: String? { directory }

  /// The path of one key's file.
  package func place(of identifier: KeyIdentifier) -> String {
    directory + "/" + identifier.text + ".kek"
  }

  /// Reads a key straight into secret memory.
  package func load(_ identifier: KeyIdentifier) throws(KeyringError) -> KeyEncryptionKey {
    KeyEncryptionKey(identifier, try read(identifier))
  }

  private func read(_ identifier: KeyIdentifier) throws(KeyringError) -> SecretBytes {
    let path = place(of: identifier)
    // Without O_NONBLOCK, a pipe in the file's place would stop the start without a word.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
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
    guard status.st_mode & S_IFMT == S_IFREG else { throw .keySource(path: path, errno: EINVAL) }
    let access = KeyFileAccess(
      mode: status.st_mode & 0o7777, owner: status.st_uid, group: status.st_gid)
    guard access.isTrusted(byProcessOf: geteuid()) else {
      throw .keyFileOwner(path: path, owner: status.st_uid)
    }
    guard access.isPrivate else { throw .keyFileMode(path: path, mode: access.mode) }
    guard Int(status.st_size) == Keyring.keySize else {
      throw .keyFileSize(path: path, size: Int(status.st_size))
    }
    var key = try onSystem(SecretBytes(count: Keyring.keySize))
    let received = unsafe key.withMutableBytes { buffer in
      unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
    }
    guard received == Keyring.keySize else {
      throw .keySource(path: path, errno: received < 0 ? errno : EIO)
    }
    return key
  }

  /// Writes a new key, makes file and directory durable, and reads the key back.
  ///
  /// - Throws: ``KeyringError/keyFileExists(path:)`` rather than replace a key.
  func create(
    _ identifier: KeyIdentifier, _ key: borrowing SecretBytes
  ) throws(KeyringError) {
    let path = place(of: identifier)
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw errno == EEXIST
        ? .keyFileExists(path: path) : .keySource(path: path, errno: errno)
    }
    let written = unsafe key.bytes.withUnsafeBytes { buffer in
      unsafe write(descriptor, buffer.baseAddress, buffer.count)
    }
    var failure: Int32 = 0
    if written != Keyring.keySize { failure = written < 0 ? errno : EIO }
    if failure == 0, fsync(descriptor) != 0 { failure = errno }
    close(descriptor)
    guard failure == 0 else {
      unsafe unlink(path)
      throw .keySource(path: path, errno: failure)
    }
    try synchronize(directory)
    let readBack = try read(identifier)
    guard readBack.isEqual(to: key.bytes) else { throw .keySource(path: path, errno: EIO) }
  }

  /// Makes a new KEK, and its file, durable, for a store that has `known` keys.
  ///
  /// For the first key of a store, the directory is made where it is not there. A later one goes to where
  /// the others are: a directory that is gone by then is one that is not mounted.
  /// - Throws: ``KeyringError``.
  package func make(besides known: [KeyIdentifier]) throws(KeyringError) -> KeyEncryptionKey {
    let identifier = try KeyIdentifier.fresh(besides: known)
    let secret = try KeyEncryptionKey.makeSecret()
    if known.isEmpty { try makeDirectory() }
    try create(identifier, secret)
    return KeyEncryptionKey(identifier, secret)
  }

  /// Overwrites and removes a key's file, and makes both durable. One that is gone already is fine, unless
  /// its directory is gone too: it may lie on a disk that is not mounted.
  ///
  /// Overwriting reaches the blocks of a file system that writes in place; what another kind, or the
  /// disk itself, keeps elsewhere is out of reach.
  package func destroy(_ identifier: KeyIdentifier) throws(KeyringError) {
    let path = place(of: identifier)
    let flags = O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
    var descriptor = unsafe open(path, flags)
    if descriptor < 0, errno == EACCES, unsafe chmod(path, 0o600) == 0 {
      // Its owner may not write a file of mode 0400 either.
      descriptor = unsafe open(path, flags)
    }
    guard descriptor >= 0 else {
      let failure = errno
      if failure == ENOENT {
        guard unsafe access(directory, F_OK) == 0 else {
          throw .keySource(path: directory, errno: errno)
        }
        return
      }
      throw .keySource(path: path, errno: failure)
    }
    defer { close(descriptor) }
    let zeros = [UInt8](repeating: 0, count: Keyring.keySize)
    let written = unsafe zeros.withUnsafeBytes {
      unsafe pwrite(descriptor, $0.baseAddress, $0.count, 0)
    }
    guard written == Keyring.keySize, fsync(descriptor) == 0, unsafe unlink(path) == 0 else {
      throw .keySource(path: path, errno: written < 0 || errno != 0 ? errno : EIO)
    }
    try synchronize(directory)
  }

  /// Makes the directory, with a durable name, where it is not there yet.
  private func makeDirectory() throws(KeyringError) {
    guard unsafe mkdir(directory, 0o700) == 0 else {
      if errno == EEXIST { return }
      throw .keySource(path: directory, errno: errno)
    }
    try synchronize(directory + "/..")
  }

  private func synchronize(_ directory: String) throws(KeyringError) {
    do throws(SystemFailure) { try Directory.synchronize(directory) } catch {
      throw .keySource(path: directory, errno: error.errno)
    }
  }
}

/// Who may use a key file.
struct KeyFileAccess {
  /// The permission bits.
  let mode: UInt32
  let owner: UInt32
  let group: UInt32

  /// Whether the file is that of the process's user, or root's.
  func isTrusted(byProcessOf user: UInt32) -> Bool { owner == user || owner == 0 }

  /// Whether nobody but its owner may read or write it.
  ///
  /// systemd gives a service its credential by an entry of an access control list, whose mask shows as
  /// the bits of the group: root's file, which root's group may read.
  var isPrivate: Bool { mode & 0o177 == 0 || mode == 0o440 && owner == 0 && group == 0 }
}
