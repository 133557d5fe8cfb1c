import Bytes
import Glibc
import LMDB
import TestSupport
import Testing

@Suite struct TreeCheckTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// Leaves a file of two databases behind: three levels of pages, and values on overflow pages.
  private func makeFile() throws -> Int {
    let environment = try directory.environment(mapSize: 16 << 20)
    let words = try environment.openDatabase("words", creating: true)
    _ = try environment.openDatabase("empty", creating: true)
    try environment.write { transaction in
      for number in 0..<20_000 { try transaction.put("key \(number)", "value", in: words) }
      for number in 0..<3 {
        try transaction.put("long \(number)", String(repeating: "v", count: 20_000), in: words)
      }
    }
    try environment.write { transaction in
      for number in 0..<5000 { _ = try transaction.delete("key \(number)", in: words) }
    }
    let depth = try environment.read { (transaction) throws(LMDBError) in
      // The value under a database's name is its tree's description, see TreeCheck.
      try transaction.get(Array("words".utf8).rawSpan, in: .names)?.byte(6)
    }
    #expect(depth == 3)
    return try environment.fileSize()
  }

  @Test func `a file as LMDB writes it passes`() throws {
    _ = try makeFile()
    try Environment.checkFile(directory.file)
  }

  @Test func `a file without databases passes`() throws {
    _ = try directory.environment()
    try Environment.checkFile(directory.file)
  }

  @Test func `a page of anything else is found unless it is free`() throws {
    let length = try makeFile()
    var image = [UInt8](repeating: 0, count: length)
    let descriptor = unsafe open(directory.file, O_RDONLY)
    let count = unsafe image.withUnsafeMutableBytes {
      unsafe read(descriptor, $0.baseAddress, $0.count)
    }
    close(descriptor)
    try #require(count == length)
    // What is no leaf, no branch and no overflow page, and what says that it is another page.
    let other = Array(image[4096 * 2..<4096 * 3])
    let zeros = [UInt8](repeating: 0, count: 4096)
    for damaged in [zeros, zeros.map { ~$0 }, other] {
      var found = 0
      for page in 3..<length / 4096 {
        try directory.overwrite(damaged, at: page * 4096)
        do throws(LMDBError) {
          try Environment.checkFile(directory.file)
        } catch {
          #expect(error.kind == .corrupted)
          found += 1
        }
        try directory.overwrite(Array(image[page * 4096..<page * 4096 + 4096]), at: page * 4096)
      }
      #expect(found > 50)
    }
  }

  @Test func `a file that is cut off, is none or is absent is told apart`() throws {
    let length = try makeFile()
    try directory.truncate(to: length / 2)
    #expect(throws: LMDBError(.truncated, in: .inspect)) {
      try Environment.checkFile(directory.file)
    }
    try directory.overwrite([UInt8](repeating: 1, count: 8192), at: 0)
    #expect(throws: LMDBError(.invalid, in: .inspect)) {
      try Environment.checkFile(directory.file)
    }
    unsafe unlink(directory.file)
    #expect(throws: LMDBError(.system(errno: ENOENT), in: .inspect)) {
      try Environment.checkFile(directory.file)
    }
  }
}
