import Glibc
import Synchronization

/// Something that a test needs is not there.
package struct Missing: Error {
  let what: String
  package init(what: String) { self.what = what }
}

/// A fresh directory that goes with the value.
package final class TemporaryDirectory: Sendable {
  package let path: String
  private let isKept: Bool

  /// - Parameters:
  ///   - untilExit: whether it goes when the process does: a static value never ends.
  ///   - inMemory: whether it need not be on a disk: for files that are synced often and for nothing.
  package init(untilExit: Bool = false, inMemory: Bool = false) throws {
    let memory = "/dev/shm"
    let parent = unsafe inMemory && access(memory, W_OK) == 0 ? memory : "/tmp"
    var template = Array("\(parent)/cadenas-test-XXXXXX".utf8CString)
    guard unsafe mkdtemp(&template) != nil else { throw Missing(what: "a directory") }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    isKept = untilExit
    if untilExit {
      Self.leftAtExit.withLock { $0.append(path) }
      atexit {
        for path in TemporaryDirectory.leftAtExit.withLock({ $0 }) {
          TemporaryDirectory.removeAll(path)
        }
      }
    }
  }

  private static let leftAtExit = Mutex<[String]>([])

  deinit { if !isKept { Self.removeAll(path) } }

  /// The names of the files in `directory`.
  package static func files(in directory: String) -> [String] {
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

  /// Removes a directory and what is in it, or a file.
  package static func removeAll(_ path: String) {
    // A link is removed, not followed.
    if unsafe unlink(path) == 0 { return }
    for name in files(in: path) { removeAll("\(path)/\(name)") }
    unsafe rmdir(path)
  }
}
