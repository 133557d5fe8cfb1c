import Glibc
import SystemCalls

/// The note beside a store that damage in `cards.mdb` has ended its writing: the file `cards.mdb.damaged`.
///
/// A large file is not read whole at each start. While the note is there it is, so that a page that was
/// met once is not served on until somebody meets it again. What counts is that the note is there; it is
/// removed by the first who opens the store for writing and finds every page in order.
///
/// Content: a line of text, `page=17`, or `file` where no page is known.
enum DamageMark {
  private static let ending = ".draft"

  private static func path(in directory: String) -> String { "\(directory)/cards.mdb.damaged" }

  /// Whether one was left. Where that cannot be seen, the file is read as if it were not.
  static func isLeft(in directory: String) -> Bool {
    (try? Files.exists(path(in: directory))) ?? false
  }

  /// Leaves one, durable. On a disk that can only be read there is none, and all else is as it would be
  /// with it.
  static func leave(_ cause: StorageError, in directory: String) {
    let path = path(in: directory)
    Drafts.removeAbandoned(for: path, ending: ending)
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
  static func remove(in directory: String) { try? Files.remove([path(in: directory)]) }
}
