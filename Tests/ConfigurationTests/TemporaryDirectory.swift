import Glibc

/// A fresh directory that ends with the value.
final class TemporaryDirectory {
  let path: String

  init() throws {
    var template = Array("/tmp/cadenas-configuration-XXXXXX".utf8CString)
    guard unsafe mkdtemp(&template) != nil else { throw Failure(text: "mkdtemp: \(errno)") }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

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
    guard descriptor >= 0 else { throw Failure(text: "open \(file): \(errno)") }
    defer { close(descriptor) }
    fchmod(descriptor, mode)
    var bytes = content[...]
    while !bytes.isEmpty {
      let count = unsafe bytes.withUnsafeBytes { buffer in
        unsafe Glibc.write(descriptor, buffer.baseAddress, buffer.count)
      }
      guard count > 0 else { throw Failure(text: "write \(file): \(errno)") }
      bytes = bytes.dropFirst(count)
    }
    return file
  }

  deinit {
    remove(path)
  }

  private func remove(_ path: String) {
    guard unsafe Glibc.rmdir(path) != 0, errno == ENOTEMPTY, let listing = unsafe opendir(path)
    else {
      unsafe unlink(path)
      return
    }
    while let entry = unsafe readdir(listing) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
          unsafe String(cString: $0)
        }
      }
      if name != ".", name != ".." { remove(path + "/" + name) }
    }
    unsafe closedir(listing)
    unsafe rmdir(path)
  }

  struct Failure: Error { let text: String }
}
