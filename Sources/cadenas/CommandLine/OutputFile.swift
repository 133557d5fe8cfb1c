import Glibc

/// A file that a command writes whole, or not at all.
enum OutputFile {
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
