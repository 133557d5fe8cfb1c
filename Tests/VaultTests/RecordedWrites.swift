import Glibc
import TestSupport

/// What a process did to the files of a store and whom it told, in its order, as a library that stands
/// before the system's calls wrote it down.
struct RecordedWrites: Sendable {
  /// A file that holds part of the truth.
  enum File: Int, CaseIterable, Sendable {
    case cards = 1
    case journal
    /// What becomes the journal when it gets its name.
    case draft

    var name: String {
      switch self {
      case .cards: "cards.mdb"
      case .journal: "cards.journal"
      case .draft: "cards.journal.new"
      }
    }
  }

  enum Event: Sendable {
    /// Bytes were handed to the system; the disk may have them or not.
    case write(File, offset: Int, bytes: ArraySlice<UInt8>)
    /// The latest write to the file has reached the disk: it was made with `O_DSYNC`, and has returned.
    case latestIsDurable(File)
    /// All writes to the file have reached the disk.
    case allAreDurable(File)
    /// The draft has got the journal's name; the disk may know or not.
    case draftIsNamed
    /// All names have reached the disk.
    case namesAreDurable
    /// Clients were told what stands in these bytes.
    case acknowledged(ArraySlice<UInt8>)
  }

  private(set) var events: [Event] = []
  /// How the process ended.
  let status: Int32

  /// - Parameter log: what the library wrote.
  fileprivate init(_ log: [UInt8], status: Int32) throws {
    self.status = status
    var rest = log[...]
    while rest.count >= 32 {
      let kind = Self.number(&rest)
      let file = File(rawValue: Self.number(&rest))
      let (offset, length) = (Self.number(&rest), Self.number(&rest))
      let content = rest.prefix(length)
      rest = rest.dropFirst(length)
      events.append(try Self.event(kind, file, offset, content))
    }
  }

  private static func event(
    _ kind: Int, _ file: File?, _ offset: Int, _ content: ArraySlice<UInt8>
  ) throws -> Event {
    switch (kind, file) {
    case (1, let file?): return .write(file, offset: offset, bytes: content)
    case (2, let file?): return .latestIsDurable(file)
    case (3, let file?): return .allAreDurable(file)
    case (4, _): return .acknowledged(content)
    case (5, _): return .draftIsNamed
    case (6, _): return .namesAreDurable
    default: throw Missing(what: "a meaning of the record \(kind)")
    }
  }

  private static func number(_ bytes: inout ArraySlice<UInt8>) -> Int {
    defer { bytes = bytes.dropFirst(8) }
    return bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
  }
}

/// Runs programs of the tests over a library that writes down what they do to a store's files.
///
/// Syncs are written down and not done: the disk that matters is made from the record.
struct WriteRecorder: Sendable {
  private let library: String

  /// The library's source. Each record is `kind(8) ‖ file(8) ‖ offset(8) ‖ length(8) ‖ bytes`, in the file
  /// that `RECORDED_WRITES` names. One thread at a time writes the store's files and acknowledges.
  private static let source = """
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <fcntl.h>
    #include <stdint.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <sys/stat.h>
    #include <sys/uio.h>
    #include <unistd.h>
    #define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
    enum { WRITE = 1, LATEST = 2, ALL = 3, TOLD = 4, NAMED = 5, NAMES = 6 };
    static int ends(const char *path, const char *end) {
      size_t length = strlen(path), tail = strlen(end);
      return length >= tail && strcmp(path + length - tail, end) == 0;
    }
    static int leads(int fd, const char *end) {
      char link[64], path[4096];
      snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
      ssize_t length = readlink(link, path, sizeof path - 1);
      if (length < 0) return 0;
      path[length] = 0;
      return ends(path, end);
    }
    static uint64_t file(int fd) {
      if (leads(fd, "/cards.mdb")) return 1;
      if (leads(fd, "/cards.journal")) return 2;
      return leads(fd, "/cards.journal.new") ? 3 : 0;
    }
    static void record(
      uint64_t kind, uint64_t file, uint64_t offset, const void *bytes, uint64_t length
    ) {
      static int log = -1;
      if (log < 0) log = open(getenv("RECORDED_WRITES"), O_WRONLY | O_CREAT | O_APPEND, 0600);
      uint64_t head[4] = {kind, file, offset, length};
      struct iovec parts[2] = {{head, sizeof head}, {(void *)bytes, length}};
      if (NEXT(writev)(log, parts, 2) != (ssize_t)(sizeof head + length)) abort();
    }
    ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
      uint64_t which = file(fd);
      if (!which) return NEXT(pwrite)(fd, bytes, count, offset);
      record(WRITE, which, offset, bytes, count);
      ssize_t written = NEXT(pwrite)(fd, bytes, count, offset);
      if (written != (ssize_t)count) abort();
      if (fcntl(fd, F_GETFL) & O_DSYNC) record(LATEST, which, 0, 0, 0);
      return written;
    }
    ssize_t writev(int fd, const struct iovec *parts, int count) {
      uint64_t which = file(fd);
      if (!which) return NEXT(writev)(fd, parts, count);
      off_t offset = lseek(fd, 0, SEEK_CUR);
      ssize_t sum = 0;
      for (int part = 0; part < count; part++) {
        record(WRITE, which, offset + sum, parts[part].iov_base, parts[part].iov_len);
        sum += parts[part].iov_len;
      }
      if (NEXT(writev)(fd, parts, count) != sum) abort();
      return sum;
    }
    ssize_t write(int fd, const void *bytes, size_t count) {
      if (file(fd)) abort();
      if (leads(fd, "/acknowledged")) record(TOLD, 0, 0, bytes, count);
      return NEXT(write)(fd, bytes, count);
    }
    int ftruncate(int fd, off_t length) {
      if (file(fd)) abort();
      return NEXT(ftruncate)(fd, length);
    }
    int rename(const char *from, const char *to) {
      int status = NEXT(rename)(from, to);
      if (status == 0 && ends(from, "/cards.journal.new")) record(NAMED, 0, 0, 0, 0);
      return status;
    }
    static int recordSync(int fd) {
      struct stat status;
      uint64_t which = file(fd);
      if (which) record(ALL, which, 0, 0, 0);
      else if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) record(NAMES, 0, 0, 0, 0);
      return 0;
    }
    int fdatasync(int fd) { return recordSync(fd); }
    int fsync(int fd) { return recordSync(fd); }
    """

  /// Makes the library, in `directory`.
  init(in directory: TemporaryDirectory) throws {
    let source = "\(directory.path)/recorder.c"
    library = "\(directory.path)/recorder.so"
    try writeFile(Array(Self.source.utf8), to: source)
    let candidates = ["/usr/bin/cc", "/usr/bin/clang"]
    guard let compiler = candidates.first(where: { unsafe access($0, X_OK) == 0 }) else {
      throw Missing(what: "a C compiler")
    }
    let compiled = try ChildProgram.run(
      [compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"],
      environment: ["PATH=/usr/bin:/bin"])
    guard compiled == 0 else { throw Missing(what: "the library that records writes") }
  }

  /// Runs a program of the tests over the library, and reads what that wrote down.
  ///
  /// - Parameter log: where the library writes; there is no such file before or after.
  func run(
    _ program: String, _ arguments: [String], log: String
  ) throws -> RecordedWrites {
    defer { TemporaryDirectory.removeAll(log) }
    let status = try ChildProgram.run(
      [ChildProgram.path(program)] + arguments,
      environment: ["LD_PRELOAD=\(library)", "RECORDED_WRITES=\(log)"])
    let isThere = unsafe access(log, F_OK) == 0
    return try RecordedWrites(isThere ? fileBytes(of: log) : [], status: status)
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
