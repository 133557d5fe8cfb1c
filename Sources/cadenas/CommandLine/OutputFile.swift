import Glibc

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
      let folder = path.lastIndex(of: "/").map { path[...$0] } ?? "."
      try NewFile.synchronize(directory: String(folder))
    } catch {
      unsafe unlink(path)
      throw error
    }
  }

  /// Puts `bytes` in the place of the file at `path`, durable, with mode 0640. After an error the
  /// file before is still there.
  static func replace(_ path: String, with bytes: [UInt8]) throws(CommandFailure) {
    let draft = path + ".draft"
    do throws(CommandFailure) {
      try NewFile.write(bytes, to: draft, replacing: true)
      guard unsafe rename(draft, path) == 0 else { throw .system(path) }
    } catch {
      unsafe unlink(draft)
      throw error
    }
  }
}
