internal import Bytes
internal import Cryptography
internal import Glibc
internal import SystemCalls

/// What is to be known of a file by its name, for who makes or looks at a backup.
enum FileFacts {
  private static let readBytes = 1 << 20

  /// Whether something has the name `path`, if only a link that leads nowhere.
  static func exists(_ path: String) -> Bool {
    var status = stat()
    return unsafe lstat(path, &status) == 0
  }

  /// The SHA-256 of a file.
  ///
  /// - Throws: ``AdministrationError/unavailable(_:)``.
  static func sha256(
    ofFile path: String, progress: (_ done: Int, _ total: Int) -> Void
  ) throws(AdministrationError) -> Digest256 {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { throw unreadable(path) }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw unreadable(path) }
    var hasher = SHA256Hasher()
    var buffer = [UInt8](repeating: 0, count: readBytes)
    var done = 0
    while true {
      let count = unsafe buffer.withUnsafeMutableBytes {
        unsafe read(descriptor, $0.baseAddress, $0.count)
      }
      guard count >= 0 else {
        if errno == EINTR { continue }
        throw unreadable(path)
      }
      if count == 0 { return hasher.finish() }
      hasher.update(buffer.rawSpan.extracting(0..<count))
      done += count
      progress(done, Int(status.st_size))
    }
  }

  private static func unreadable(_ path: String) -> AdministrationError {
    .unavailable("\(path) cannot be read: \(systemMessage(errno))")
  }

  /// Refuses a path at which no backup of the store in `directory` can be made.
  ///
  /// - Throws: ``AdministrationError/refused(_:)``.
  static func checkTarget(
    _ path: String, besides directory: String
  ) throws(AdministrationError) {
    guard !exists(path) else { throw .refused("\(path) exists already, and is not overwritten") }
    let parent = path.lastIndex(of: "/").map { path[..<$0] }.map { $0.isEmpty ? "/" : String($0) }
    guard let parent else { throw .refused("\(path) is not an absolute path") }
    var target = stat()
    var own = stat()
    guard unsafe stat(parent, &target) == 0 else {
      throw .refused("the directory \(parent) cannot be used: \(systemMessage(errno))")
    }
    guard target.st_mode & S_IFMT == S_IFDIR else {
      throw .refused("\(parent) is not a directory")
    }
    // What lies beside the store is removed with it, and may be taken for a part of it.
    let isOwn = unsafe stat(directory, &own) == 0
    guard !isOwn || own.st_ino != target.st_ino || own.st_dev != target.st_dev else {
      throw .refused("\(parent) is the store's own directory; a backup belongs elsewhere")
    }
    guard unsafe access(parent, W_OK | X_OK) == 0 else {
      // Before the user is looked up, which leaves its own.
      let reason = systemMessage(errno)
      throw .refused(
        "the user \(HostUser.current.name ?? "#\(geteuid())"), who writes the backup, cannot write "
          + "in the directory \(parent): \(reason)")
    }
  }
}
