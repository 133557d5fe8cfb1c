import Glibc
import LMDB
import TestSupport
import Testing

@Suite struct DraftTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func draft() throws(LMDBError) -> Environment {
    var options = Environment.Options(mapSize: 4 << 20)
    options.isDraft = true
    return try Environment(path: directory.file, options: options)
  }

  private func hasLockFile() -> Bool { unsafe access("\(directory.file)-lock", F_OK) == 0 }

  @Test func `a draft is its owner's alone and keeps no lock file`() throws {
    let environment = try draft()
    #expect(directory.fileMode == 0o600)
    #expect(!hasLockFile())
    let words = try environment.openDatabase("words", creating: true)
    try environment.write { try $0.put("key", "value", in: words) }
    try environment.synchronize()
    #expect(try environment.read { try $0.value("key", in: words) } == "value")
  }

  @Test func `what a draft holds is read without a lock file too`() throws {
    do {
      let environment = try draft()
      let words = try environment.openDatabase("words", creating: true)
      try environment.write { try $0.put("key", "value", in: words) }
      try environment.synchronize()
    }
    let usedBytes = try #require(try Environment.usedBytes(ofFile: directory.file))
    #expect(usedBytes >= directory.fileBytes)
    var options = Environment.Options(mapSize: usedBytes)
    options.isReadOnly = true
    options.isUnshared = true
    let environment = try Environment(path: directory.file, options: options)
    let words = try environment.openDatabase("words")
    #expect(try environment.read { try $0.value("key", in: words) } == "value")
    #expect(try environment.read { try $0.count(of: .names) } == 1)
    #expect(!hasLockFile())
  }

  @Test func `a draft is made in no other file's place`() throws {
    close(unsafe open(directory.file, O_CREAT | O_WRONLY, 0o644))
    #expect(throws: LMDBError(.system(errno: EEXIST), in: .create)) { try draft() }
    unsafe unlink(directory.file)
    // A link that leads nowhere would make a file elsewhere.
    guard unsafe symlink("\(directory.path)/data.mdb-lock", directory.file) == 0 else { return }
    #expect(throws: LMDBError(.system(errno: EEXIST), in: .create)) { try draft() }
    #expect(!hasLockFile())
  }

  @Test func `a file that is not there uses nothing`() throws {
    #expect(try Environment.usedBytes(ofFile: directory.file) == nil)
  }
}
