import Glibc
import SystemCalls

/// A file that a command writes whole, or not at all.
enum OutputFile {
  /// Refuses a path where there is something already, before what is to be written has been asked for.
  static func checkIsNew(_ path: String) throws(CommandFailure) {
    var status = stat()
    guard unsafe lstat(path, &status) != 0 else {
      throw CommandFailure(.refused, "\(path) exists already, and is not overwritten")
    }
  }

  /// Creates the file at `path` with `bytes`, durable, with mode 0640; after an error there is none. One
  /// that is there already stays.
  static func create(_ path: String, with bytes: [UInt8]) throws(CommandFailure) {
    try checkIsNew(path)
    var file = try NewFile(path)
    do throws(CommandFailure) {
      file.append(bytes)
      try file.synchronize()
      try NewFile.synchronize(directory: Directory.containing(path))
    } catch {
      unsafe unlink(path)
      throw error
    }
  }

  private static let ending = ".draft"

  /// Puts `bytes` in the place of the file at `path`, durable, its name too, with mode 0640. After an
  /// error the file before is still there, unless it is the name alone that may not be durable.
  static func replace(_ path: String, with bytes: [UInt8]) throws(CommandFailure) {
    Drafts.removeAbandoned(for: path, ending: ending)
    var draft = try NewFile(draftOf: path, ending: ending)
    do throws(CommandFailure) {
      draft.append(bytes)
      try draft.synchronize()
      // While the draft is held: nobody takes it for one that was left.
      guard unsafe rename(draft.path, path) == 0 else { throw .system(path) }
    } catch {
      unsafe unlink(draft.path)
      throw error
    }
    try NewFile.synchronize(directory: Directory.containing(path))
  }
}
