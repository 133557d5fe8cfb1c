import Glibc

/// The bytes of a file.
package func fileBytes(of path: String) throws -> [UInt8] {
  let descriptor = unsafe open(path, O_RDONLY)
  guard descriptor >= 0 else { throw Missing(what: path) }
  defer { close(descriptor) }
  var bytes = [UInt8](repeating: 0, count: Int(lseek(descriptor, 0, SEEK_END)))
  let count = unsafe bytes.withUnsafeMutableBytes {
    unsafe pread(descriptor, $0.baseAddress, $0.count, 0)
  }
  guard count == bytes.count else { throw Missing(what: path) }
  return bytes
}
