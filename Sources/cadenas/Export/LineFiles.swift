import Glibc
import SystemCalls

/// Reads a file line by line, whatever its size.
struct LineFile: ~Copyable {
  private static let chunkBytes = 1 << 20

  private let path: String
  private let descriptor: Int32

  /// - Throws: ``CommandFailure`` where it cannot be opened.
  init(_ path: String) throws(CommandFailure) {
    self.path = path
    // A pipe would wait for somebody who writes.
    descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    var status = stat()
    guard descriptor >= 0, unsafe fstat(descriptor, &status) == 0 else {
      throw CommandFailure(.refused, "\(path): \(systemMessage(errno))")
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw CommandFailure(.refused, "\(path) is not a regular file")
    }
    // What has been written and synced is read again from the disk, and not from memory.
    _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
  }

  deinit { close(descriptor) }

  /// Gives each line to `body`, without its end.
  /// - Returns: what follows the last end of a line; at most `longest` bytes of it.
  /// - Throws: ``CommandFailure``, or what `body` throws.
  func forEach(longest: Int, _ body: ([UInt8]) throws -> Void) throws -> [UInt8] {
    var lines = LineAssembler()
    var chunk = [UInt8](repeating: 0, count: Self.chunkBytes)
    while true {
      let count = unsafe read(descriptor, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw CommandFailure.system(path) }
      if count == 0 { return lines.rest }
      for line in lines.take(chunk[..<count]) { try body(line) }
      if lines.rest.count > longest { return lines.rest }
    }
  }
}

/// Writes a new file in large pieces.
struct NewFile: ~Copyable {
  private static let bufferBytes = 1 << 20

  /// What it is called, as a draft until it gets its own name.
  let path: String
  private let descriptor: Int32
  private var buffer: [UInt8] = []

  /// Creates a draft of the file `path`, mode 0640, and holds it until this value goes.
  init(draftOf path: String, ending: String) throws(CommandFailure) {
    do throws(SystemFailure) {
      (self.path, descriptor) = try Drafts.create(for: path, ending: ending, mode: 0o640)
    } catch { throw .system(path, error.errno) }
  }

  /// Creates the file, mode 0640.
  ///
  /// - Parameter isPrivate: whether it has mode 0600, whatever the directory's default list adds.
  /// - Throws: ``CommandFailure``, also where there is one already.
  init(_ path: String, isPrivate: Bool = false) throws(CommandFailure) {
    self.path = path
    let flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_EXCL
    descriptor = unsafe open(path, flags, isPrivate ? 0o600 : 0o640)
    guard descriptor >= 0 else { throw .system(path) }
    guard isPrivate, fchmod(descriptor, 0o600) != 0 else { return }
    let failure = CommandFailure.system(path)
    unsafe unlink(path)
    throw failure
  }

  deinit { close(descriptor) }

  /// Creates the file with these bytes, durable.
  static func write(_ bytes: [UInt8], to path: String) throws(CommandFailure) {
    var file = try NewFile(path)
    file.append(bytes)
    try file.synchronize()
  }

  /// Makes the names in a directory durable.
  static func synchronize(directory path: String) throws(CommandFailure) {
    do throws(SystemFailure) { try Directory.synchronize(path) } catch {
      throw .system(path, error.errno)
    }
  }

  /// Makes everything durable.
  mutating func synchronize() throws(CommandFailure) {
    try flush()
    guard fsync(descriptor) == 0 else { throw .system(path) }
  }

  mutating func append(_ bytes: [UInt8]) { buffer += bytes }

  /// Writes what is in memory where that is much.
  mutating func flushSometimes() throws(CommandFailure) {
    if buffer.count >= Self.bufferBytes { try flush() }
  }

  private mutating func flush() throws(CommandFailure) {
    do throws(SystemFailure) { try writeAll(buffer, to: descriptor) } catch {
      throw .system(path, error.errno)
    }
    buffer.removeAll(keepingCapacity: true)
  }
}
