import Glibc
import SecretMemory
import SystemCalls

/// What can be wrong with a file that a configuration names.
package enum ConfigurationFileProblem: Error, Equatable {
  /// It cannot be opened or read; the system's words for why.
  case unreadable(String)
  /// It is a directory, a device or a socket.
  case notRegular
  /// It is larger than the bound, in bytes.
  case tooLarge(maximumBytes: Int)
  /// Others than its owner may read, write or run it; its permission bits.
  case notPrivate(mode: UInt32)

  /// The end of a sentence about the file.
  package var text: String {
    switch self {
    case .unreadable(let reason): "cannot be read: \(reason)"
    case .notRegular: "is not a regular file"
    case .tooLarge(let maximumBytes): "is larger than \(maximumBytes) bytes"
    case .notPrivate(let mode):
      "is open to others than its owner (mode 0\(String(mode, radix: 8)))"
    }
  }
}

/// The only place where configuration touches the disk.
package enum ConfigurationFiles {
  /// Reads a whole regular file of at most `maximumBytes`.
  package static func read(
    _ path: String, maximumBytes: Int
  ) throws(ConfigurationFileProblem) -> [UInt8] {
    let descriptor = try openRegular(path, isPrivate: false)
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    // The file may be a secret's.
    defer { unsafe chunk.withUnsafeMutableBytes { unsafe wipe($0) } }
    while bytes.count <= maximumBytes {
      let room = min(chunk.count, maximumBytes + 1 - bytes.count)
      let count = unsafe Glibc.read(descriptor, &chunk, room)
      if count < 0, errno == EINTR { continue }
      if count < 0 { throw .unreadable(systemMessage(errno)) }
      if count == 0 { return bytes }
      bytes += chunk[..<count]
    }
    throw .tooLarge(maximumBytes: maximumBytes)
  }

  /// Checks that a file is there and can be read, and, where it has to be private, that nobody but
  /// its owner has any right to it. Its content is not looked at.
  package static func check(
    _ path: String, isPrivate: Bool
  ) throws(ConfigurationFileProblem) {
    close(try openRegular(path, isPrivate: isPrivate))
  }

  /// The absolute path that a path written in a file in `directory` means.
  package static func absolute(_ path: String, in directory: String) -> String {
    if path.hasPrefix("/") { return path }
    return directory == "/" ? "/" + path : directory + "/" + path
  }

  /// The absolute path of what `path` means in the working directory; nil if that has no name.
  package static func absolute(_ path: String) -> String? {
    if path.hasPrefix("/") { return path }
    guard let name = unsafe getcwd(nil, 0) else { return nil }
    defer { unsafe free(name) }
    return absolute(path, in: unsafe String(cString: name))
  }

  private static func openRegular(
    _ path: String, isPrivate: Bool
  ) throws(ConfigurationFileProblem) -> Int32 {
    // Without O_NONBLOCK, a FIFO of that name would wait for a writer.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else { throw .unreadable(systemMessage(errno)) }
    var status = stat()
    var problem: ConfigurationFileProblem?
    if unsafe fstat(descriptor, &status) != 0 {
      problem = .unreadable(systemMessage(errno))
    } else if status.st_mode & S_IFMT != S_IFREG {
      problem = .notRegular
    } else if isPrivate, status.st_mode & 0o077 != 0 {
      problem = .notPrivate(mode: status.st_mode & 0o7777)
    }
    guard let problem else { return descriptor }
    close(descriptor)
    throw problem
  }
}
