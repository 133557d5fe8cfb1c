import Glibc
import Storage
import TestSupport
import Testing

/// A child process, `StorageFaults`, that runs over a library which stands before the system's calls
/// and makes them fail.
struct FaultyProcess {
  /// The library. While these flags exist: `fdatasync` and `fsync` fail with EIO (`sync`), writing
  /// LMDB's header page fails with EIO (`header`), and so do blocks that are written where none can be
  /// allocated (`room`), writing pages with ENOSPC (`pages`), and so does allocating (`allocation`);
  /// `no-allocation` is a file system that cannot allocate, and `disk-end` a disk on which `cards.mdb` has room for 4 MiB: what goes beyond is cut short, as a real one does it.
  /// `STORAGE_FAULT_AT` is the one of all writes and syncs of `cards.mdb` and `cards.journal` that fails, with the
  /// error `STORAGE_FAULT_CODE`; where that is 0, the process is killed before it.
  /// Of the journal: writing to it fails with ENOSPC (`journal-full`) or EIO (`journal-write`), so does its mark
  /// alone (`mark-full`), and syncing it (`journal-sync`); LMDB's pages are those of `pages`.
  /// Of a compaction: writing the draft fails with ENOSPC (`draft-full`)
  /// or EIO (`draft-pages`), syncing it (`draft-sync`), giving it its name (`rename`; `renamed` says
  /// so after it has happened), removing the lock file (`lock`), syncing the directory
  /// (`directory`). `kill-draft-pages`, `kill-draft-sync`, `kill-rename`, `kill-renamed` and
  /// `kill-directory` kill the process there.
  private static let library = """
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <errno.h>
    #include <fcntl.h>
    #include <signal.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <sys/stat.h>
    #include <sys/statvfs.h>
    #include <sys/uio.h>
    #include <unistd.h>
    static int fails(const char *name) {
      char path[4096];
      const char *directory = getenv("STORAGE_FAULTS");
      if (!directory) return 0;
      snprintf(path, sizeof path, "%s/%s", directory, name);
      return access(path, F_OK) == 0;
    }
    static int failed(int code) { errno = code; return -1; }
    static void dies(const char *name) { if (fails(name)) kill(getpid(), SIGKILL); }
    static int ends(const char *path, const char *end) {
      size_t length = strlen(path), tail = strlen(end);
      return length >= tail && strcmp(path + length - tail, end) == 0;
    }
    static int isNamed(int fd, const char *end) {
      char link[64], path[4096];
      snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
      ssize_t length = readlink(link, path, sizeof path - 1);
      if (length < 0) return 0;
      path[length] = 0;
      return ends(path, end);
    }
    static int isJournal(int fd) {
      return isNamed(fd, "/cards.journal") || isNamed(fd, "/cards.journal.new");
    }
    static int nthFails(int fd) {
      static int count;
      const char *at = getenv("STORAGE_FAULT_AT"), *code = getenv("STORAGE_FAULT_CODE");
      if (!at || !code || !(isJournal(fd) || isNamed(fd, "/cards.mdb"))) return 0;
      if (++count != atoi(at)) return 0;
      if (!atoi(code)) kill(getpid(), SIGKILL);
      return atoi(code);
    }
    static int journalFails(int fd, const char *bytes, size_t count) {
      if (!isJournal(fd)) return 0;
      if (fails("mark-full") && count >= 8 && memcmp(bytes, "CdnAcked", 8) == 0) return ENOSPC;
      return fails("journal-full") ? ENOSPC : fails("journal-write") ? EIO : 0;
    }
    static int isDraft(int fd) { return isNamed(fd, ".compact"); }
    static const off_t diskEnd = 4 << 20;
    static int hasEnd(int fd) { return fails("disk-end") && isNamed(fd, "/cards.mdb"); }
    static int isDirectory(int fd) {
      struct stat status;
      return fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
    }
    #define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
    static int syncFails(int fd) {
      if (isDraft(fd)) dies("kill-draft-sync");
      if (isDirectory(fd)) dies("kill-directory");
      return fails("sync") || (isJournal(fd) && fails("journal-sync")) || (isDraft(fd) && fails("draft-sync"))
        || (isDirectory(fd) && fails("directory"));
    }
    static int draftFails(int fd) {
      if (!isDraft(fd)) return 0;
      dies("kill-draft-pages");
      return fails("draft-full") ? ENOSPC : fails("draft-pages") ? EIO : 0;
    }
    int fdatasync(int fd) {
      int code = syncFails(fd) ? EIO : nthFails(fd);
      return code ? failed(code) : NEXT(fdatasync)(fd);
    }
    int fsync(int fd) {
      int code = syncFails(fd) ? EIO : nthFails(fd);
      return code ? failed(code) : NEXT(fsync)(fd);
    }
    int rename(const char *from, const char *to) {
      if (!ends(from, ".compact")) return NEXT(rename)(from, to);
      dies("kill-rename");
      if (fails("rename")) return failed(EIO);
      int status = NEXT(rename)(from, to);
      dies("kill-renamed");
      return fails("renamed") ? failed(EIO) : status;
    }
    int unlink(const char *path) {
      if (ends(path, "cards.mdb-lock") && fails("lock")) return failed(EIO);
      return NEXT(unlink)(path);
    }
    static ssize_t writeUpToEnd(int fd, const struct iovec *parts, int count, off_t offset) {
      ssize_t done = 0;
      for (int part = 0; part < count; part++) {
        size_t length = parts[part].iov_len;
        if (offset + done + (off_t)length > diskEnd)
          length = offset + done < diskEnd ? diskEnd - offset - done : 0;
        if (length) done += NEXT(pwrite)(fd, parts[part].iov_base, length, offset + done);
        if (length < parts[part].iov_len) break;
      }
      return done ? done : failed(ENOSPC);
    }
    int statvfs(const char *path, struct statvfs *figures) {
      int status = NEXT(statvfs)(path, figures);
      struct stat file;
      if (status == 0 && fails("disk-end") && ends(path, "/cards.mdb") && stat(path, &file) == 0)
        figures->f_bavail =
          file.st_size < diskEnd ? (diskEnd - file.st_size) / figures->f_frsize : 0;
      return status;
    }
    ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
      int code = draftFails(fd);
      if (!code) code = journalFails(fd, bytes, count);
      if (!code) code = nthFails(fd);
      if (code) return failed(code);
      if (isJournal(fd)) return NEXT(pwrite)(fd, bytes, count, offset);
      struct iovec part = {(void *)bytes, count};
      if (hasEnd(fd)) return writeUpToEnd(fd, &part, 1, offset);
      if (count >= 512 && fails("pages")) return failed(ENOSPC);
      if (count < 512 && fails("header")) return failed(EIO);
      if (count == 65536 && fails("room")) return failed(EIO);
      return NEXT(pwrite)(fd, bytes, count, offset);
    }
    ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
      int code = draftFails(fd);
      if (!code) code = nthFails(fd);
      if (code) return failed(code);
      if (hasEnd(fd)) return writeUpToEnd(fd, parts, count, offset);
      return fails("pages") ? failed(ENOSPC) : NEXT(pwritev)(fd, parts, count, offset);
    }
    ssize_t writev(int fd, const struct iovec *parts, int count) {
      int code = draftFails(fd);
      if (!code) code = nthFails(fd);
      if (code) return failed(code);
      if (hasEnd(fd)) {
        ssize_t done = writeUpToEnd(fd, parts, count, lseek(fd, 0, SEEK_CUR));
        if (done > 0) lseek(fd, done, SEEK_CUR);
        return done;
      }
      return fails("pages") ? failed(ENOSPC) : NEXT(writev)(fd, parts, count);
    }
    int fallocate(int fd, int mode, off_t offset, off_t length) {
      if (fails("no-allocation")) return failed(EOPNOTSUPP);
      if (hasEnd(fd) && offset + length > diskEnd) return failed(ENOSPC);
      return fails("allocation") ? failed(ENOSPC) : NEXT(fallocate)(fd, mode, offset, length);
    }
    """

  private let directory: TemporaryDirectory

  init(_ directory: TemporaryDirectory) { self.directory = directory }

  /// Runs the child through `steps`, with the faults `before` from its beginning on; returns its exit status, less than zero the signal that has killed it, and what
  /// it printed, line by line, on both streams.
  func run(
    _ steps: [String], before faults: [String] = [], more variables: [String] = []
  ) throws -> (status: Int32, lines: [String]) {
    for fault in faults { try write("", to: "\(directory.path)/\(fault)") }
    return try run(arguments: [directory.store, directory.path] + steps, more: variables)
  }

  /// The same with all of the child's arguments.
  func run(
    arguments: [String], more variables: [String] = []
  ) throws -> (status: Int32, lines: [String]) {
    let source = "\(directory.path)/faults.c"
    let library = "\(directory.path)/faults.so"
    let output = "\(directory.path)/output"
    try write(Self.library, to: source)
    let candidates = ["/usr/bin/cc", "/usr/bin/clang"]
    let compiler = candidates.first { path in unsafe access(path, X_OK) == 0 } ?? "clang"
    if unsafe access(library, F_OK) != 0 {
      let compiled = try Self.spawn(
        [compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"])
      try #require(compiled == 0, "the library of faults does not compile")
    }
    // A child that crashes must not wait for the runtime's backtracer.
    let environment =
      [
        "LD_PRELOAD=\(library)", "STORAGE_FAULTS=\(directory.path)", "SWIFT_BACKTRACE=enable=no",
      ] + variables
    let program = try "\(ownDirectory())/StorageFaults"
    let status = try Self.spawn([program] + arguments, environment: environment, output: output)
    return (status, try read(output).split(separator: "\n").map(String.init))
  }

  private func write(_ text: String, to path: String) throws {
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    defer { close(descriptor) }
    var text = text
    let written = text.withUTF8 { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
    guard written == text.utf8.count else { throw StorageError.system(call: "write", errno: errno) }
  }

  private func read(_ path: String) throws -> String {
    let descriptor = unsafe open(path, O_RDONLY)
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 65536)
    let count = unsafe bytes.withUnsafeMutableBytes {
      unsafe Glibc.read(descriptor, $0.baseAddress, $0.count)
    }
    guard count >= 0 else { throw StorageError.system(call: "read", errno: errno) }
    return String(decoding: bytes.prefix(count), as: UTF8.self)
  }

  /// The directory of the test program, where the child's program is too.
  private func ownDirectory() throws -> String {
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = unsafe bytes.withUnsafeMutableBytes { bytes in
      let characters = unsafe bytes.assumingMemoryBound(to: CChar.self)
      return unsafe characters.baseAddress.map {
        unsafe readlink("/proc/self/exe", $0, characters.count)
      } ?? -1
    }
    guard count > 0 else { throw StorageError.system(call: "readlink", errno: errno) }
    let path = String(decoding: bytes.prefix(count), as: UTF8.self)
    return path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      .joined(separator: "/")
  }

  /// Runs a program to its end; returns its exit status, or less than zero the signal.
  static func spawn(
    _ arguments: [String], environment: [String] = [], output: String? = nil
  ) throws -> Int32 {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    if let output {
      unsafe posix_spawn_file_actions_addopen(
        &actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
      unsafe posix_spawn_file_actions_adddup2(&actions, 1, 2)
    }
    var path = "PATH=/usr/bin:/bin"
    if let inherited = unsafe getenv("PATH") { path = unsafe "PATH=\(String(cString: inherited))" }
    var argv = unsafe arguments.map { unsafe strdup($0) } + [nil]
    var environ = unsafe (environment + [path]).map { unsafe strdup($0) } + [nil]
    defer {
      for index in unsafe argv.indices { unsafe free(argv[index]) }
      for index in unsafe environ.indices { unsafe free(environ[index]) }
    }
    var process = pid_t()
    let status = unsafe posix_spawnp(&process, arguments[0], &actions, nil, &argv, &environ)
    guard status == 0 else { throw StorageError.system(call: "posix_spawn", errno: status) }
    var result: Int32 = 0
    while unsafe waitpid(process, &result, 0) < 0 && errno == EINTR {}
    return result & 0x7F == 0 ? (result >> 8) & 0xFF : -(result & 0x7F)
  }
}
