import Glibc
import SystemCalls

/// The note beside a store that damage in `cards.mdb` has ended its writing: the file `cards.mdb.damaged`.
///
/// A large file is not read whole at each start. While the note is there it is, so that a page that was
/// met once is not served on until somebody meets it again. It is removed by the first who opens the store
/// for writing and finds every page in order.
///
/// Content: a line of text, `page=17`, or `file` where no page is known; nothing where the disk was full. What
/// has the name and is anything else is somebody's own, such as a store that was moved out of the way: it
/// says nothing, and is neither removed nor replaced.
package enum DamageMark {
  private static let name = "cards.mdb.damaged"
  private static let ending = ".draft"
  /// Longer than any that is written.
  private static let mostBytes = 64

  private static func path(in directory: String) -> String { "\(directory)/\(name)" }

  /// Whether one was left; one that may not be read counts as one.
  static func isLeft(in directory: String) -> Bool {
    let path = path(in: directory)
    if isMark(path) { return true }
    return unsafe access(path, R_OK) != 0 && errno == EACCES
  }

  /// Whether the file `name` in `directory` is one, or the draft of one.
  package static func isLeft(as name: String, in directory: String) -> Bool {
    (name == Self.name || Drafts.isDraft(name, of: Self.name, ending: ending))
      && isMark("\(directory)/\(name)")
  }

  /// The path of something that keeps one from being left: it has the name and is none.
  package static func obstacle(in directory: String) -> String? {
    let path = path(in: directory)
    // What cannot be looked at is not replaced either.
    guard (try? Files.exists(path)) ?? true, !isMark(path) else { return nil }
    return path
  }

  /// Leaves one, durable. On a disk that can only be read, or where there is an ``obstacle(in:)``, there is
  /// none, and all else is as it would be with it.
  static func leave(_ cause: StorageError, in directory: String) {
    let path = path(in: directory)
    Drafts.removeAbandoned(for: path, ending: ending)
    guard obstacle(in: directory) == nil else { return }
    let draft = Drafts.name(for: path, ending: ending)
    let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
    let descriptor = unsafe open(draft, flags, 0o600)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    Drafts.hold(descriptor)
    // On a full disk it is empty, and there.
    try? writeAll(Array("\(cause.placeOfDamage)\n".utf8), to: descriptor)
    guard fsync(descriptor) == 0, (try? Files.rename(draft, to: path)) != nil else {
      try? Files.remove([draft])
      return
    }
    try? Files.synchronize(directory: directory)
  }

  /// Removes it. One that stays costs the next start the time of reading the file.
  static func remove(in directory: String) {
    let path = path(in: directory)
    if isMark(path) { try? Files.remove([path]) }
  }

  /// Whether the file `path` is one by its kind, its size and what it says.
  private static func isMark(_ path: String) -> Bool {
    // Without O_NONBLOCK, a pipe of that name would stop the start.
    let descriptor = unsafe open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
      status.st_size <= off_t(mostBytes)
    else { return false }
    var bytes = [UInt8](repeating: 0, count: mostBytes)
    let count = unsafe bytes.withUnsafeMutableBytes {
      unsafe read(descriptor, $0.baseAddress, $0.count)
    }
    return count == Int(status.st_size) && says(bytes.prefix(count))
  }

  /// Whether a mark of this content may have been written.
  private static func says(_ bytes: ArraySlice<UInt8>) -> Bool {
    if bytes.isEmpty || bytes.elementsEqual("file\n".utf8) { return true }
    let before = Array("page=".utf8)
    guard bytes.starts(with: before), bytes.last == UInt8(ascii: "\n") else { return false }
    let digits = bytes.dropFirst(before.count).dropLast()
    return !digits.isEmpty
      && digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
  }
}
