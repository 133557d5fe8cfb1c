import Glibc
import Storage
import TestSupport

/// A disk of its own, whose room others take. Needs to be root: it mounts it.
final class SmallDisk {
  enum Kind: String {
    /// Each page counts for itself.
    case tmpfs
    /// One with blocks and extents, on a file in memory.
    case ext4
  }

  static let pageBytes = 4_096
  private static let bytes = 24 << 20

  private let folder: TemporaryDirectory
  /// Where it is mounted.
  let path: String
  private var other: String { "\(path)/other" }

  init(_ kind: Kind) throws {
    folder = try TemporaryDirectory(inMemory: true)
    path = "\(folder.path)/disk"
    try Self.check(unsafe mkdir(path, 0o700), "mkdir")
    switch kind {
    case .tmpfs:
      let options = "size=\(Self.bytes),mode=0700"
      let status = unsafe options.withCString { unsafe mount("tmpfs", path, "tmpfs", 0, $0) }
      try Self.check(status, "mount")
    case .ext4:
      let image = "\(folder.path)/image"
      close(unsafe open(image, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600))
      try Self.check(unsafe truncate(image, off_t(Self.bytes)), "truncate")
      let making = ["mkfs.ext4", "-q", "-b", "4096", "-m", "0", "-O", "^has_journal", image]
      try Self.check(FaultyProcess.spawn(making), "mkfs.ext4")
      try Self.check(FaultyProcess.spawn(["mount", "-o", "loop", image, path]), "mount")
    }
  }

  deinit {
    unsafe umount2(path, Int32(MNT_DETACH))
  }

  private static func check(_ status: Int32, _ call: String) throws {
    guard status == 0 else { throw StorageError.system(call: call, errno: errno) }
  }

  /// Has others take all of the room but so many pages.
  func leave(pages: Int) throws {
    let descriptor = unsafe open(other, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    defer { close(descriptor) }
    var figures = statvfs()
    try Self.check(unsafe statvfs(path, &figures), "statvfs")
    var bytes = Int(figures.f_bavail * figures.f_frsize) - pages * Self.pageBytes
    // What the file system needs itself for so long a file.
    while bytes > 0, posix_fallocate(descriptor, 0, bytes) != 0 { bytes -= Self.pageBytes }
  }

  /// Gives back what others took.
  func giveBack() { remove(other) }

  /// Removes everything.
  func empty() {
    for name in TemporaryDirectory.files(in: path) where name != "lost+found" {
      remove("\(path)/\(name)")
    }
  }

  /// Removes a file, or a directory of files. Cut off before, since a child that is being started may hold a
  /// copy of a descriptor, and the room would come back at any time.
  private func remove(_ path: String) {
    for name in TemporaryDirectory.files(in: path) { unsafe truncate("\(path)/\(name)", 0) }
    unsafe truncate(path, 0)
    TemporaryDirectory.removeAll(path)
  }
}
