import Administration
import Glibc

/// A file that a command writes whole, or not at all.
enum OutputFile {
  /// Puts `bytes` in the place of the file at `path`, durable, with mode 0640. After an error the
  /// file before is still there.
  static func replace(_ path: String, with bytes: [UInt8]) throws(CommandFailure) {
    let draft = path + ".draft"
    let flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW
    let descriptor = unsafe open(draft, flags, 0o640)
    guard descriptor >= 0 else { throw failure(draft) }
    var rest = bytes[...]
    var isWritten = true
    while isWritten, !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes {
        unsafe write(descriptor, $0.baseAddress, $0.count)
      }
      if count < 0, errno == EINTR { continue }
      isWritten = count > 0
      if isWritten { rest = rest.dropFirst(count) }
    }
    isWritten = isWritten && fsync(descriptor) == 0
    let cause = failure(path)
    close(descriptor)
    guard isWritten, unsafe rename(draft, path) == 0 else {
      let reason = isWritten ? failure(path) : cause
      unsafe unlink(draft)
      throw reason
    }
  }

  private static func failure(_ path: String) -> CommandFailure {
    CommandFailure(.unavailable, "\(path): \(systemMessage(errno))")
  }
}
