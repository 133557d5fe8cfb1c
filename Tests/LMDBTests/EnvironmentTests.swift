import Glibc
import Synchronization
import TestSupport
import Testing

@testable import LMDB

@Suite struct EnvironmentTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// Leaves a file of some hundred pages behind, closed; returns its length.
  private func makeFile() throws -> Int {
    let environment = try directory.environment()
    let words = try environment.openDatabase("words", creating: true)
    let value = String(repeating: "v", count: 1000)
    try environment.write { transaction in
      for number in 0..<1000 { try transaction.put("\(number)", value, in: words) }
    }
    return try environment.fileSize()
  }

  @Test func `a new file is its owner's alone`() throws {
    _ = try directory.environment()
    #expect(directory.fileMode == 0o600)
  }

  @Test func `a missing file is not made unless that is asked for`() throws {
    #expect(throws: LMDBError(.system(errno: ENOENT), in: .open)) {
      try directory.environment(creates: false)
    }
    #expect(directory.fileBytes == -1)
  }

  @Test func `contents survive closing and opening`() throws {
    _ = try makeFile()
    let environment = try directory.environment(creates: false)
    let words = try environment.openDatabase("words")
    #expect(try environment.read { try $0.count(of: words) } == 1000)
  }

  @Test func `a file that lost its last page is refused before it is mapped`() throws {
    let length = try makeFile()
    try directory.truncate(to: length - 4096)
    #expect(throws: LMDBError(.truncated, in: .inspect)) {
      try directory.environment(creates: false)
    }
  }

  @Test(arguments: [0, 100, 1024, 4096, 4200, 8192, 8193])
  func `a file cut to almost nothing is refused`(length: Int) throws {
    _ = try makeFile()
    try directory.truncate(to: length)
    #expect(throws: LMDBError(.truncated, in: .inspect)) {
      try directory.environment(creates: false)
    }
  }

  @Test func `a file that misses free pages only is opened`() throws {
    let value = String(repeating: "v", count: 100_000)
    do {
      let environment = try directory.environment()
      let words = try environment.openDatabase("words", creating: true)
      // These leave single free pages, so that only the long value needs the end of the file.
      for number in 0..<10 {
        try environment.write { try $0.put("\(number)", "value", in: words) }
      }
      try environment.write { transaction in
        try transaction.put("gone", value, in: words)
        #expect(try transaction.delete("gone", in: words))
      }
      // Pages that a transaction took and gave back are counted, and were never written.
      let figures = try environment.information()
      try #require(directory.fileBytes < figures.pageCount * figures.pageSize)
      // Asked again and again beside what is written, and found out once.
      for _ in 0..<2 {
        #expect(!environment.isCutOff)
        #expect(environment.knownLength.load(ordering: .relaxed) == directory.fileBytes)
      }
      try environment.write { try $0.put("long", value + value, in: words) }
      #expect(!environment.isCutOff)
      #expect(environment.knownLength.load(ordering: .relaxed) == 0)
      try environment.write { _ = try $0.delete("long", in: words) }
    }
    do {
      let environment = try directory.environment(creates: false)
      let words = try environment.openDatabase("words")
      #expect(try environment.read { try $0.count(of: words) } == 10)
    }
    try directory.truncate(to: 3 * 4096)
    #expect(throws: LMDBError(.truncated, in: .inspect)) {
      try directory.environment(creates: false)
    }
  }

  @Test func `a file that is no environment is refused`() throws {
    _ = try makeFile()
    try directory.overwrite([UInt8](repeating: 0x55, count: 4096), at: 0)
    #expect(throws: LMDBError(.invalid, in: .inspect)) {
      try directory.environment(creates: false)
    }
  }

  @Test func `a header that counts absurdly many pages is refused`() throws {
    _ = try makeFile()
    for page in 0..<2 {
      try directory.overwrite([0, 0, 0, 0, 0, 0, 1, 0], at: page * 4096 + 136)
    }
    #expect(throws: LMDBError(.truncated, in: .inspect)) {
      try directory.environment(creates: false)
    }
  }

  @Test func `a map smaller than the file is refused and a greater one is not`() throws {
    let length = try makeFile()
    let error = #expect(throws: LMDBError.self) {
      try directory.environment(mapSize: 1 << 20, creates: false)
    }
    #expect(error?.kind == .mapTooSmall(neededBytes: length))
    let greater = try directory.environment(mapSize: 8 << 20, creates: false)
    #expect(try greater.information().mapSize == 8 << 20)
  }

  @Test func `a read-only environment takes no changes`() throws {
    _ = try makeFile()
    let environment = try directory.environment(isReadOnly: true, creates: false)
    let words = try environment.openDatabase("words")
    #expect(try environment.read { try $0.count(of: words) } == 1000)
    #expect(throws: LMDBError(.system(errno: EACCES), in: .begin)) {
      try environment.write { _ in }
    }
  }

  @Test func `figures tell pages, readers and free pages`() throws {
    let environment = try directory.environment()
    let words = try environment.openDatabase("words", creating: true)
    let before = try environment.information()
    let value = String(repeating: "v", count: 100_000)
    try environment.write { try $0.put("key", value, in: words) }
    try environment.write { try $0.removeAll(in: words) }
    let after = try environment.information()
    #expect(after.pageCount > before.pageCount + 20)
    #expect(after.lastTransaction == before.lastTransaction + 2)
    #expect(after.pageCount * after.pageSize < after.mapSize)
    #expect(try environment.freePages().all > 20)
    #expect(try environment.checkReaders() == 0)
  }

  @Test func `an environment that LMDB cannot open is closed once`() throws {
    _ = try makeFile()
    // The file passes the first look; the place of its lock file is taken by a directory.
    unsafe unlink("\(directory.file)-lock")
    guard unsafe mkdir("\(directory.file)-lock", 0o700) == 0 else { return }
    defer { unsafe rmdir("\(directory.file)-lock") }
    #expect(throws: LMDBError(.system(errno: EISDIR), in: .open)) {
      try directory.environment(creates: false)
    }
  }
}
