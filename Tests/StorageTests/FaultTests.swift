import Glibc
import Storage
import Testing

/// A disk that fails: a child process runs over a library that stands before the system's calls.
@Suite struct FaultTests {
  /// The library: `fdatasync` fails with EIO while the flag `sync` exists, writing LMDB's header
  /// page with EIO at `header`, writing pages with ENOSPC at `pages`, allocating at `allocation`.
  private static let library = """
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <errno.h>
    #include <fcntl.h>
    #include <stdio.h>
    #include <stdlib.h>
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
    #define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
    int fdatasync(int fd) { return fails("sync") ? failed(EIO) : NEXT(fdatasync)(fd); }
    int fsync(int fd) { return fails("sync") ? failed(EIO) : NEXT(fsync)(fd); }
    ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
      if (count >= 512 && fails("pages")) return failed(ENOSPC);
      if (count < 512 && fails("header")) return failed(EIO);
      return NEXT(pwrite)(fd, bytes, count, offset);
    }
    ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
      return fails("pages") ? failed(ENOSPC) : NEXT(pwritev)(fd, parts, count, offset);
    }
    ssize_t writev(int fd, const struct iovec *parts, int count) {
      return fails("pages") ? failed(ENOSPC) : NEXT(writev)(fd, parts, count);
    }
    int fallocate(int fd, int mode, off_t offset, off_t length) {
      return fails("allocation") ? failed(ENOSPC) : NEXT(fallocate)(fd, mode, offset, length);
    }
    """

  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// Runs the child through `steps`; returns what it printed, line by line.
  private func run(_ steps: String...) throws -> [String] {
    let source = "\(directory.path)/faults.c"
    let library = "\(directory.path)/faults.so"
    let output = "\(directory.path)/output"
    try write(Self.library, to: source)
    let candidates = ["/usr/bin/cc", "/usr/bin/clang"]
    let compiler = candidates.first { path in unsafe access(path, X_OK) == 0 } ?? "clang"
    let compiled = try spawn(
      [compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"])
    try #require(compiled == 0, "the library of faults does not compile")
    let environment = ["LD_PRELOAD=\(library)", "STORAGE_FAULTS=\(directory.path)"]
    let program = try "\(ownDirectory())/StorageFaults"
    let status = try spawn(
      [program, directory.store, directory.path] + steps, environment: environment,
      output: output)
    #expect(status == 0)
    return try read(output).split(separator: "\n").map(String.init)
  }

  @Test func `a failed sync ends writing for good`() throws {
    let lines = try run(
      "ordinary:10", "fault:sync", "ordinary:10", "clear:sync", "ordinary:10", "reserved:10",
      "stop", "ordinary:1")
    // The jobs that come after the failure are in the queue, or refused at once.
    #expect(
      Set(lines) == [
        "stored 10", "writingEnded 10", "onEnd writingEnded", "writingEnded 1",
      ])
    #expect(lines.count { $0 == "onEnd writingEnded" } == 1)
    #expect(lines.count { $0 == "writingEnded 10" } == 3)
    let store = try Store.open(at: directory.store, mapSize: 8 << 20)
    // What was acknowledged is there; nothing that came after the failure is.
    #expect(try store.count() == 10)
  }

  @Test func `a header page that cannot be written ends writing for good`() throws {
    let lines = try run(
      "reserved:10", "fault:header", "reserved:10", "clear:header", "reserved:10", "stop")
    #expect(Set(lines) == ["stored 10", "writingEnded 10", "onEnd writingEnded"])
    #expect(lines.count { $0 == "writingEnded 10" } == 2)
    let store = try Store.open(at: directory.store, mapSize: 8 << 20)
    #expect(try store.count() == 10)
  }

  @Test func `a full disk refuses and is forgotten when there is room again`() throws {
    let lines = try run(
      "ordinary:10", "fault:pages", "ordinary:10", "reserved:10", "clear:pages", "ordinary:10",
      "stop")
    #expect(lines == ["stored 10", "full 10", "full 10", "stored 10"])
    let store = try Store.open(at: directory.store, mapSize: 8 << 20)
    #expect(try store.count() == 20)
  }

  @Test func `without blocks to allocate only reserved jobs are admitted`() throws {
    let lines = try run(
      "fault:allocation", "ordinary:10", "reserved:10", "clear:allocation", "ordinary:10", "stop")
    #expect(lines == ["full 10", "stored 10", "stored 10"])
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

  /// Runs a program to its end; returns its exit status, or minus one.
  private func spawn(
    _ arguments: [String], environment: [String] = [], output: String? = nil
  ) throws -> Int32 {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    if let output {
      unsafe posix_spawn_file_actions_addopen(
        &actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
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
    return result & 0x7F == 0 ? (result >> 8) & 0xFF : -1
  }
}
