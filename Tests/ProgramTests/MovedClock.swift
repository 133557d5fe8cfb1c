@testable import cadenas_dev

/// A wall clock that a test sets while programs run under it, by a library that stands before the
/// system's calls. How time passes stays as it is.
final class MovedClock {
  private let directory: String
  /// The programs, which see this clock.
  let programs: Programs

  /// Sets the clock to the system's time.
  init() throws {
    directory = try Account.makeTemporaryDirectory(prefix: "cadenas-clock")
    let sources = #filePath.split(separator: "/").dropLast().map { "/\($0)" }.joined()
    let library = "\(directory)/clock.so"
    // The toolchain's own compiler and linker: no other need be there.
    let compile = #"exec "$(dirname "$(readlink -f "$(command -v swift)")")/clang" "$@""#
    try ChildProcess.run([
      "sh", "-c", compile, "sh", "-fuse-ld=lld", "-shared", "-fPIC", "-O1", "-o", library,
      "\(sources)/Golden/clock.c",
    ])
    var programs = try Account.programs
    programs.account += ["env", "LD_PRELOAD=\(library)", "CLOCK_FILE=\(directory)/ahead"]
    self.programs = programs
    try set(aheadSeconds: 0)
  }

  deinit { _ = try? ChildProcess.run(["rm", "-rf", directory]) }

  /// Lets the clock be `aheadSeconds` ahead of the system's, or behind where that is negative.
  func set(aheadSeconds: Int) throws {
    // At once: no program is to read half of it.
    try Account.write(Array("\(aheadSeconds)\n".utf8), to: "\(directory)/ahead.new")
    try ChildProcess.run(["mv", "\(directory)/ahead.new", "\(directory)/ahead"])
  }
}
