import Glibc
import TestSupport

/// What a process did to `cards.mdb` and whom it told, in its order, as a library that stands before
/// the system's calls wrote it down.
struct RecordedWrites {
  enum Event {
    /// Bytes were handed to the system; the disk may have them or not.
    case write(offset: Int, bytes: ArraySlice<UInt8>)
    /// The latest write has reached the disk: it was made with `O_DSYNC`, and has returned.
    case latestIsDurable
    /// All writes have reached the disk.
    case allAreDurable
    /// Clients were told what stands in these bytes.
    case acknowledged(ArraySlice<UInt8>)
  }

  private(set) var events: [Event] = []

  /// The library. Each record is `kind(8) ‖ offset(8) ‖ length(8) ‖ bytes`, in the file that
  /// `RECORDED_WRITES` names. One thread writes `cards.mdb` and acknowledges.
  private static let library = """
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <fcntl.h>
    #include <stdint.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <sys/uio.h>
    #include <unistd.h>
    #define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
    enum { WRITE = 1, LATEST = 2, ALL = 3, TOLD = 4 };
    static int ends(int fd, const char *end) {
      char link[64], path[4096];
      snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
      ssize_t length = readlink(link, path, sizeof path);
      size_t tail = strlen(end);
      return length >= (ssize_t)tail && memcmp(path + length - tail, end, tail) == 0;
    }
    static int isStore(int fd) { return ends(fd, "/cards.mdb"); }
    static void record(uint64_t kind, uint64_t offset, const void *bytes, uint64_t length) {
      static int log = -1;
      if (log < 0) log = open(getenv("RECORDED_WRITES"), O_WRONLY | O_CREAT | O_APPEND, 0600);
      uint64_t head[3] = {kind, offset, length};
      struct iovec parts[2] = {{head, sizeof head}, {(void *)bytes, length}};
      if (NEXT(writev)(log, parts, 2) != (ssize_t)(sizeof head + length)) abort();
    }
    ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
      if (!isStore(fd)) return NEXT(pwrite)(fd, bytes, count, offset);
      record(WRITE, offset, bytes, count);
      ssize_t written = NEXT(pwrite)(fd, bytes, count, offset);
      if (written != (ssize_t)count) abort();
      if (fcntl(fd, F_GETFL) & O_DSYNC) record(LATEST, 0, 0, 0);
      return written;
    }
    ssize_t writev(int fd, const struct iovec *parts, int count) {
      if (!isStore(fd)) return NEXT(writev)(fd, parts, count);
      off_t offset = lseek(fd, 0, SEEK_CUR);
      ssize_t sum = 0;
      for (int part = 0; part < count; part++) {
        record(WRITE, offset + sum, parts[part].iov_base, parts[part].iov_len);
        sum += parts[part].iov_len;
      }
      if (NEXT(writev)(fd, parts, count) != sum) abort();
      return sum;
    }
    ssize_t write(int fd, const void *bytes, size_t count) {
      if (isStore(fd)) abort();
      if (ends(fd, "/acknowledged")) record(TOLD, 0, bytes, count);
      return NEXT(write)(fd, bytes, count);
    }
    int ftruncate(int fd, off_t length) {
      if (isStore(fd)) abort();
      return NEXT(ftruncate)(fd, length);
    }
    int fdatasync(int fd) {
      int status = NEXT(fdatasync)(fd);
      if (status == 0 && isStore(fd)) record(ALL, 0, 0, 0);
      return status;
    }
    int fsync(int fd) {
      int status = NEXT(fsync)(fd);
      if (status == 0 && isStore(fd)) record(ALL, 0, 0, 0);
      return status;
    }
    """

  /// Runs a program of the tests over the library, and reads what that wrote down.
  ///
  /// - Parameter directory: gets the library, and `acknowledged` and `writes`.
  init(of program: String, _ arguments: [String], in directory: TemporaryDirectory) throws {
    let source = "\(directory.path)/recorder.c"
    let library = "\(directory.path)/recorder.so"
    let log = "\(directory.path)/writes"
    try writeFile(Array(Self.library.utf8), to: source)
    let candidates = ["/usr/bin/cc", "/usr/bin/clang"]
    guard let compiler = candidates.first(where: { unsafe access($0, X_OK) == 0 }) else {
      throw Missing(what: "a C compiler")
    }
    let compiled = try ChildProgram.run(
      [compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"],
      environment: ["PATH=/usr/bin:/bin"])
    guard compiled == 0 else { throw Missing(what: "the library that records writes") }
    let status = try ChildProgram.run(
      [ChildProgram.path(program)] + arguments,
      environment: ["LD_PRELOAD=\(library)", "RECORDED_WRITES=\(log)"])
    guard status == 0 else { throw Missing(what: "a good end of \(program): \(status)") }
    let bytes = try fileBytes(of: log)
    var rest = bytes[...]
    while rest.count >= 24 {
      let (kind, offset, length) = (
        Self.number(&rest), Self.number(&rest), Self.number(&rest)
      )
      let content = rest.prefix(length)
      rest = rest.dropFirst(length)
      switch kind {
      case 1: events.append(.write(offset: offset, bytes: content))
      case 2: events.append(.latestIsDurable)
      case 3: events.append(.allAreDurable)
      default: events.append(.acknowledged(content))
      }
    }
  }

  private static func number(_ bytes: inout ArraySlice<UInt8>) -> Int {
    defer { bytes = bytes.dropFirst(8) }
    return bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
  }
}

/// Makes or replaces a file.
func writeFile(_ bytes: [UInt8], to path: String) throws {
  let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
  guard descriptor >= 0 else { throw Missing(what: path) }
  defer { close(descriptor) }
  let count = unsafe bytes.withUnsafeBytes {
    unsafe write(descriptor, $0.baseAddress, $0.count)
  }
  guard count == bytes.count else { throw Missing(what: path) }
}
