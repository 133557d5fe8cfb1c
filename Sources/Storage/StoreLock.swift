import Glibc

/// The exclusive lock on a store's directory, held while the value lives, and given up by the
/// system when the process ends in whatever way.
///
/// The file `lock` names the process that holds it, for a clear message only; the lock itself is
/// `flock`, which tells two opens of one process apart too.
final class StoreLock: Sendable {
  private let descriptor: Int32

  /// - Throws: ``StorageError/locked(byProcess:)``.
  init(directory: String) throws(StorageError) {
    descriptor = unsafe open("\(directory)/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .system(call: "open", errno: errno) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let reason = errno
      let holder = Self.holder(in: descriptor)
      close(descriptor)
      guard reason == EWOULDBLOCK else { throw .system(call: "flock", errno: reason) }
      throw .locked(byProcess: holder)
    }
    let text = Array("\(getpid())\n".utf8)
    let isWritten = unsafe text.withUnsafeBytes {
      unsafe ftruncate(descriptor, 0) == 0
        && pwrite(descriptor, $0.baseAddress, $0.count, 0) == $0.count
    }
    guard isWritten else {
      let reason = errno
      close(descriptor)
      throw .system(call: "write", errno: reason)
    }
  }

  deinit {
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
