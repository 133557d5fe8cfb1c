import Glibc

@testable import cadenas_dev

/// A directory of its own for one test, in which the programs may write, gone afterwards.
func withScratchDirectory(_ body: (String) throws -> Void) throws {
  let directory = try Account.makeTemporaryDirectory(prefix: "cadenas-dev-test")
  defer { _ = try? ChildProcess.run(["rm", "-rf", directory]) }
  try body(directory)
}

func withScratchDirectory(_ body: (String) async throws -> Void) async throws {
  let directory = try Account.makeTemporaryDirectory(prefix: "cadenas-dev-test")
  defer { _ = try? ChildProcess.run(["rm", "-rf", directory]) }
  try await body(directory)
}

/// The permission bits of the file at `path`.
func mode(of path: String) -> mode_t {
  var status = stat()
  guard unsafe stat(path, &status) == 0 else { return 0 }
  return status.st_mode & 0o777
}
