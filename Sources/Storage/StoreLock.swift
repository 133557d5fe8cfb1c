import Glibc

/// The exclusive lock on a store's directory, held while the value lives, and given up by the
/// system when the process ends in whatever way.
///
/// The file `lock` names the process that holds it, for a clear message only; the lock itself is
/// `flock`, which tells two opens of one process apart too.
final class StoreLock: Sendable {
  private let descriptor: Int32

  /// - Parameter isReadOnly: whether the directory is on a file system that can only be read. The file is
  ///   not written then, and where there is none, nobody holds it: the descriptor is that of nothing.
  /// - Throws: ``StorageError/locked(byProcess:)``.
  init(directory: String, isReadOnly: Bool = false) throws(StorageError) {
    let path = "\(directory)/lock"
    let flags = (isReadOnly ? O_RDONLY : O_RDWR | O_CREAT) | O_CLOEXEC
    descriptor = unsafe open(path, flags, 0o600)
    guard descriptor >= 0 else {
      if isReadOnly, errno == ENOENT { return }
      throw .system(call: "open", path: path, errno: errno)
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let reason = errno
      let holder = Self.holder(in: descriptor)
      close(descriptor)
      guard reason == EWOULDBLOCK else { throw .system(call: "flock", path: path, errno: reason) }
      throw .locked(byProcess: holder)
    }
    guard !isReadOnly else { return }
    let text = Array("\(getpid())\n".utf8)
    let isWritten = unsafe text.withUnsafeBytes {
      unsafe ftruncate(descriptor, 0) == 0
        && pwrite(descriptor, $0.baseAddress, $0.count, 0) == $0.count
    }
    guard isWritten else {
      let reason = errno
      close(descriptor)
      throw .system(call: "write", path: path, errno: reason)
    }
  }

  deinit {
    guard descriptor >= 0 else { return }
    // Given up by name: a child that is being started may still hold a copy of the descriptor.
    flock(descriptor, LOCK_UN)
    close(descriptor)
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
