internal import Glibc

/// Files that are written beside their place, and get its name when they are whole.
///
/// Each has a name of its own, so that of several who write for one place none touches another's. Whoever
/// writes one holds a lock on it; one that nobody holds is left of a process that is gone.
package enum Drafts {
  /// A name for a draft of the file or directory `path`: it begins with `path` and ends in `ending`.
  package static func name(for path: String, ending: String) -> String {
    let mark = UInt32.random(in: 0...UInt32.max)
    let digits = String(mark, radix: 16)
    return "\(path).\(String(repeating: "0", count: 8 - digits.count))\(digits)\(ending)"
  }

  /// Creates a draft of the file `path` and holds it; whoever gets the descriptor closes it.
  ///
  /// - Parameter mode: its permission bits, less what the process masks.
  package static func create(
    for path: String, ending: String, mode: UInt32
  ) throws(SystemFailure) -> (path: String, descriptor: Int32) {
    while true {
      let draft = name(for: path, ending: ending)
      let descriptor = unsafe open(draft, O_WRONLY | O_CREAT | O_CLOEXEC | O_EXCL, mode)
      guard descriptor >= 0 else { throw SystemFailure(call: "open", errno: errno) }
      hold(descriptor)
      if isNamed(descriptor) { return (draft, descriptor) }
      // Somebody took it for one that was left, in the moment before it was held.
      close(descriptor)
    }
  }

  /// Bytes by which a draft's name is longer than `path`.
  package static func addedBytes(ending: String) -> Int { 9 + ending.utf8.count }

  /// Locks the draft that is open as `descriptor`, until it is closed.
  package static func hold(_ descriptor: Int32) { flock(descriptor, LOCK_EX | LOCK_NB) }

  /// Whether the file that is open as `descriptor` still has a name.
  package static func isNamed(_ descriptor: Int32) -> Bool {
    var status = stat()
    return unsafe fstat(descriptor, &status) == 0 && status.st_nlink > 0
  }

  /// Gives the draft that is open as `descriptor` to the owner of the file `path`, where there is one and this
  /// process may give files away.
  package static func give(_ descriptor: Int32, toOwnerOf path: String) {
    var before = stat()
    guard unsafe stat(path, &before) == 0 else { return }
    _ = fchown(descriptor, before.st_uid, before.st_gid)
  }

  /// Removes drafts of the file `path` that nobody holds. What cannot be looked at stays.
  package static func removeAbandoned(for path: String, ending: String) {
    let directory = Directory.containing(path)
    let name = path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    let names = (try? Directory.names(in: directory)) ?? []
    for found in names where isDraft(found, of: name, ending: ending) {
      let draft = "\(directory)/\(found)"
      let descriptor = unsafe open(draft, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
      guard descriptor >= 0 else { continue }
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { unsafe unlink(draft) }
      close(descriptor)
    }
  }

  /// Whether a file of the name `found` is a draft of the file `name`.
  package static func isDraft(_ found: String, of name: String, ending: String) -> Bool {
    guard found.hasPrefix("\(name)."), found.hasSuffix(ending),
      found.utf8.count == name.utf8.count + addedBytes(ending: ending)
    else { return false }
    return found.dropFirst(name.count + 1).prefix(8).allSatisfy { $0.isHexDigit && !$0.isUppercase }
  }
}
