import Glibc
import TestSupport

extension TemporaryDirectory {
  /// Writes a file of this mode; directories in its name are made.
  @discardableResult
  func write(_ name: String, _ text: String, mode: mode_t = 0o644) throws -> String {
    try write(name, bytes: Array(text.utf8), mode: mode)
  }

  /// Writes a file of any bytes.
  @discardableResult
  func write(_ name: String, bytes content: [UInt8], mode: mode_t = 0o644) throws -> String {
    let file = path + "/" + name
    var directory = path
    for part in name.split(separator: "/").dropLast() {
      directory += "/" + part
      unsafe mkdir(directory, 0o755)
    }
    unsafe unlink(file)
    let descriptor = unsafe open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw Missing(what: "open \(file): \(errno)") }
    defer { close(descriptor) }
    fchmod(descriptor, mode)
    var bytes = content[...]
    while !bytes.isEmpty {
      let count = unsafe bytes.withUnsafeBytes { buffer in
        unsafe Glibc.write(descriptor, buffer.baseAddress, buffer.count)
      }
      guard count > 0 else { throw Missing(what: "write \(file): \(errno)") }
      bytes = bytes.dropFirst(count)
    }
    return file
  }
}
