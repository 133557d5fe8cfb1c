import Glibc
import SystemCalls

/// Small files and directories, whole, with the path in every error.
enum DevelopmentFiles {
  /// How much of a file is read at most, in bytes.
  static let readLimit = 64 << 20

  static func exists(_ path: String) -> Bool {
    unsafe access(path, F_OK) == 0
  }

  /// Creates the directory `path` with mode 0700 where it is absent.
  static func makeDirectory(_ path: String) throws(DevelopmentError) {
    guard unsafe mkdir(path, 0o700) != 0, errno != EEXIST else { return }
    throw .system(path)
  }

  /// Creates the directory `path` and those above it, with mode 0700, where they are absent.
  static func makeDirectories(_ path: String) throws(DevelopmentError) {
    let parent = Directory.containing(path)
    if !exists(parent) { try makeDirectories(parent) }
    try makeDirectory(path)
  }

  /// A new directory below `TMPDIR`, or `/tmp`, that nobody else uses.
  static func makeTemporaryDirectory(prefix: String) throws(DevelopmentError) -> String {
    var base = "/tmp"
    if let chosen = unsafe getenv("TMPDIR") { base = unsafe String(cString: chosen) }
    var template = Array("\(base)/\(prefix).XXXXXX".utf8CString)
    guard unsafe mkdtemp(&template) != nil else { throw .system(base) }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// The names in the directory `path`, without `.` and `..`, sorted.
  static func names(in path: String) throws(DevelopmentError) -> [String] {
    do throws(SystemFailure) { return try Directory.names(in: path) } catch {
      throw .system(path, error.errno)
    }
  }

  /// The bytes of the file at `path`, the first ``readLimit`` of them.
  static func read(_ path: String) throws(DevelopmentError) -> [UInt8] {
    var bytes: [UInt8] = []
    try forEachChunk(of: path) { chunk in
      bytes += chunk.prefix(readLimit - bytes.count)
      return bytes.count < readLimit
    }
    return bytes
  }

  /// Gives `body` the file at `path` in pieces of at most 1 MiB, as long as it wants more.
  static func forEachChunk(
    of path: String, _ body: (ArraySlice<UInt8>) -> Bool
  ) throws(DevelopmentError) {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system(path) }
    defer { close(descriptor) }
    var chunk = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = unsafe Glibc.read(descriptor, &chunk, chunk.count)
      guard count >= 0 else { throw .system(path) }
      guard count > 0, body(chunk[..<count]) else { return }
    }
  }

  static func readText(_ path: String) throws(DevelopmentError) -> String {
    String(decoding: try read(path), as: UTF8.self)
  }

  /// The bytes of the secret in the file at `path`: all but an end of line.
  static func readSecret(_ path: String) throws(DevelopmentError) -> [UInt8] {
    var bytes = try read(path)
    if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
    if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
    guard !bytes.isEmpty else { throw .file(path: path, reason: "holds no secret") }
    return bytes
  }

  private static let draftEnding = ".new"

  /// Replaces the file at `path` at once: a reader sees the old bytes or the new ones. Its owner
  /// stays who it was, where this process may give files away.
  static func write(
    _ bytes: [UInt8], to path: String, mode: mode_t = 0o600
  ) throws(DevelopmentError) {
    Drafts.removeAbandoned(for: path, ending: draftEnding)
    let draft: (path: String, descriptor: Int32)
    do throws(SystemFailure) {
      draft = try Drafts.create(for: path, ending: draftEnding, mode: mode)
    } catch { throw .system(path, error.errno) }
    defer { close(draft.descriptor) }
    Drafts.give(draft.descriptor, toOwnerOf: path)
    do throws(DevelopmentError) {
      do throws(SystemFailure) { try writeAll(bytes, to: draft.descriptor) } catch {
        throw .system(path, error.errno)
      }
      try move(draft.path, to: path)
    } catch {
      unsafe unlink(draft.path)
      throw error
    }
  }

  /// Gives what is at `path` the name `destination`.
  static func move(_ path: String, to destination: String) throws(DevelopmentError) {
    guard unsafe rename(path, destination) == 0 else { throw .system(destination) }
  }

  /// `path` from the root; `path` itself where it starts there.
  static func absolute(_ path: String) throws(DevelopmentError) -> String {
    var path = path
    while path.count > 1 && path.hasSuffix("/") { path.removeLast() }
    guard !path.hasPrefix("/") else { return path }
    guard let current = unsafe getcwd(nil, 0) else { throw .system(path) }
    defer { unsafe free(current) }
    let base = unsafe String(cString: current)
    return path == "." ? base : "\(base)/\(path)"
  }
}
