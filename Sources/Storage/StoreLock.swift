import Glibc
import SystemCalls

/// The exclusive lock on a store's directory, held while the value lives, and given up by the
/// system when the process ends in whatever way.
///
/// The file `lock` names the process that holds it, for a clear message only; the lock itself is
/// `flock`, which tells two opens of one process apart too.
final class StoreLock: Sendable {
  private let path: String
  private let descriptor: Int32
  /// Whether there was no such file before.
  private let isNew: Bool

  /// - Parameter isReadOnly: whether the directory is on a file system that can only be read. The file is
  ///   not written then, and where there is none, nobody holds it: the descriptor is that of nothing.
  /// - Throws: ``StorageError/locked(byProcess:)``. A file that was not there before is not there then.
  init(directory: String, isReadOnly: Bool = false) throws(StorageError) {
    path = "\(directory)/lock"
    (descriptor, isNew) = try Self.take(path, isReadOnly: isReadOnly)
    guard !isReadOnly else { return }
    // Over what is there, which takes no room; a file that is empty may find none, and names nobody then.
    let text = Array("\(getpid())\n".utf8)
    let isWritten = unsafe text.withUnsafeBytes {
      unsafe pwrite(descriptor, $0.baseAddress, $0.count, 0) == $0.count
    }
    guard ftruncate(descriptor, isWritten ? text.count : 0) == 0 else {
      let reason = errno
      removeIfNew()
      throw .system(call: "ftruncate", path: path, errno: reason)
    }
  }

  deinit {
    guard descriptor >= 0 else { return }
    // Given up by name: a child that is being started may still hold a copy of the descriptor.
    flock(descriptor, LOCK_UN)
    close(descriptor)
  }

  /// Takes the file away where it was made for this lock, which is held all the same.
  func removeIfNew() { if isNew { unsafe unlink(path) } }

  /// Opens the file and locks it.
  private static func take(
    _ path: String, isReadOnly: Bool
  ) throws(StorageError) -> (descriptor: Int32, isNew: Bool) {
    while true {
      var descriptor = unsafe open(path, (isReadOnly ? O_RDONLY : O_RDWR) | O_CLOEXEC)
      if descriptor < 0, errno == ENOENT, isReadOnly { return (-1, false) }
      var isNew = false
      if descriptor < 0, errno == ENOENT {
        descriptor = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if descriptor < 0, errno == EEXIST { continue }
        isNew = true
      }
      guard descriptor >= 0 else { throw .system(call: "open", path: path, errno: errno) }
      guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
        let reason = errno
        let holder = holder(in: descriptor)
        close(descriptor)
        guard reason == EWOULDBLOCK else { throw .system(call: "flock", path: path, errno: reason) }
        throw .locked(byProcess: holder)
      }
      if Drafts.isNamed(descriptor) { return (descriptor, isNew) }
      // Whoever had made it has taken it away, in the moment before it was held.
      close(descriptor)
    }
  }

  private static func holder(in descriptor: Int32) -> Int32? {
    var bytes = [UInt8](repeating: 0, count: 16)
    let count = unsafe bytes.withUnsafeMutableBytes {
      unsafe pread(descriptor, $0.baseAddress, $0.count, 0)
    }
    guard count > 0 else { return nil }
    return Int32(String(decoding: bytes.prefix(count).prefix { $0 != 0x0A }, as: UTF8.self))
  }
}
