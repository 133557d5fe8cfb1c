import Glibc
import SystemCalls

/// What is done with the store's files by name.
enum Files {
  /// Removes those of `paths` that are there.
  static func remove(_ paths: [String]) throws(StorageError) {
    for path in paths where unsafe unlink(path) != 0 && errno != ENOENT {
      throw .system(call: "unlink", path: path, errno: errno)
    }
  }

  /// Gives the file `path` the name `name`, in the place of what had it. Not durable before the
  /// directory has been synced.
  static func rename(_ path: String, to name: String) throws(StorageError) {
    guard unsafe Glibc.rename(path, name) == 0 else {
      throw .system(call: "rename", path: name, errno: errno)
    }
  }

  /// Makes the names in `directory` durable.
  static func synchronize(directory: String) throws(StorageError) {
    do throws(SystemFailure) { try Directory.synchronize(directory) } catch {
      throw .system(call: error.call, path: directory, errno: error.errno)
    }
  }

  /// True when there is something of the name `path`, if only a link that leads nowhere.
  static func exists(_ path: String) throws(StorageError) -> Bool {
    var status = stat()
    if unsafe lstat(path, &status) == 0 { return true }
    guard errno == ENOENT || errno == ENOTDIR else {
      throw .system(call: "lstat", path: path, errno: errno)
    }
    return false
  }

  /// True when the disk of the file `path` has no more room than a few pages take.
  static func haveNoRoom(beside path: String) -> Bool {
    availableBytes(beside: path).map { $0 < 1 << 16 } ?? false
  }

  /// What keeps the file `path`, which may have `mapSize` bytes, from becoming longer.
  static func limit(of path: String, mapSize: Int) -> StoreRoom.Limit {
    if haveNoRoom(beside: path) { return .disk }
    let mayWrite = ResourceLimit.fileSize.current ?? .max
    return mayWrite < UInt64(mapSize) ? .fileSize : .mapSize
  }

  /// Bytes that the disk of the file `path` has for this user; nil where it does not tell.
  static func availableBytes(beside path: String) -> Int? {
    var figures = statvfs()
    guard unsafe statvfs(path, &figures) == 0 else { return nil }
    return Int(clamping: UInt64(figures.f_bavail) * UInt64(figures.f_frsize))
  }
}
