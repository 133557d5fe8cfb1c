internal import Glibc

/// A call of the system that has failed, and its error number.
package struct SystemFailure: Error, Equatable, Sendable {
  package let call: String
  package let errno: Int32
}

/// The system's text for an error number.
package func systemMessage(_ number: Int32) -> String {
  unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
    guard let start = buffer.baseAddress, unsafe strerror_r(number, start, buffer.count) == 0
    else { return "error \(number)" }
    return unsafe String(cString: start)
  }
}

/// Writes all of `bytes`.
package func writeAll(_ bytes: [UInt8], to descriptor: Int32) throws(SystemFailure) {
  let (_, failure) = writeUpToFailure(bytes, to: descriptor)
  if let failure { throw failure }
}

/// Writes `bytes` as far as that goes: how many were written, and why not all of them; nil where all
/// were. Waits for whoever reads, also where the descriptor itself does not.
package func writeUpToFailure(
  _ bytes: [UInt8], to descriptor: Int32
) -> (count: Int, failure: SystemFailure?) {
  var rest = bytes[...]
  while !rest.isEmpty {
    let count = unsafe rest.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
    if count < 0, errno == EINTR { continue }
    // Another process that has the same terminal or pipe may have made it non-blocking.
    if count < 0, errno == EAGAIN {
      var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      _ = unsafe poll(&entry, 1, -1)
      continue
    }
    guard count > 0 else {
      let failure = SystemFailure(call: "write", errno: count < 0 ? errno : EIO)
      return (bytes.count - rest.count, failure)
    }
    rest = rest.dropFirst(count)
  }
  return (bytes.count, nil)
}

/// Whether `path` leads to the file that is open: not where that was deleted, or another was put in its place.
package func path(_ path: String, leadsTo descriptor: Int32) throws(SystemFailure) -> Bool {
  var opened = stat()
  var named = stat()
  guard unsafe fstat(descriptor, &opened) == 0 else {
    throw SystemFailure(call: "fstat", errno: errno)
  }
  guard unsafe stat(path, &named) == 0 else {
    if errno == ENOENT || errno == ENOTDIR { return false }
    throw SystemFailure(call: "stat", errno: errno)
  }
  return opened.st_ino == named.st_ino && opened.st_dev == named.st_dev
}

/// What is done with a directory by name.
package enum Directory {
  /// Makes the names in the directory durable.
  package static func synchronize(_ path: String) throws(SystemFailure) {
    let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemFailure(call: "open", errno: errno) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw SystemFailure(call: "fsync", errno: errno) }
  }

  /// The names in the directory, sorted, without `.` and `..`; at most `most` of them.
  package static func names(
    in path: String, atMost most: Int = .max
  ) throws(SystemFailure) -> [String] {
    guard let stream = unsafe opendir(path) else {
      throw SystemFailure(call: "opendir", errno: errno)
    }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while names.count < most, let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) {
        unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Whether the disk of `path` can only be read. Where it does not tell, it can be written.
  package static func isOnReadOnlyDisk(_ path: String) -> Bool {
    var figures = statvfs()
    return unsafe statvfs(path, &figures) == 0 && figures.f_flag & UInt(ST_RDONLY) != 0
  }

  /// The directory in which `path` lies.
  package static func containing(_ path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}

/// The clocks of the machine.
package enum SystemClock {
  /// Milliseconds since 1970-01-01 00:00 UTC.
  package static func unixMilliseconds() -> Int64 {
    let now = read(CLOCK_REALTIME)
    return Int64(now.tv_sec) * 1_000 + Int64(now.tv_nsec) / 1_000_000
  }

  /// Nanoseconds of a clock that only goes forward.
  package static func monotonicNanoseconds() -> UInt64 { nanoseconds(CLOCK_MONOTONIC) }

  /// The time that the calling thread has had the processor, in nanoseconds.
  package static func threadNanoseconds() -> UInt64 { nanoseconds(CLOCK_THREAD_CPUTIME_ID) }

  private static func nanoseconds(_ clock: clockid_t) -> UInt64 {
    let now = read(clock)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
  }

  private static func read(_ clock: clockid_t) -> timespec {
    var now = timespec()
    unsafe clock_gettime(clock, &now)
    return now
  }
}
