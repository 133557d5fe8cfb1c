import Bytes
import LMDB
import TestSupport
import Testing

@Suite struct TransactionTests {
  private struct Interruption: Error {}

  private let directory: TemporaryDirectory
  private let environment: Environment
  private let words: Database

  init() throws {
    directory = try TemporaryDirectory()
    environment = try directory.environment()
    words = try environment.openDatabase("words", creating: true)
  }

  @Test func `what was written is read after the commit`() throws {
    try environment.write { transaction in try transaction.put("key", "value", in: words) }
    #expect(try environment.read { try $0.value("key", in: words) } == "value")
    #expect(try environment.read { try $0.value("other", in: words) } == nil)
  }

  @Test func `a write that throws changes nothing`() throws {
    #expect(throws: Interruption.self) {
      try environment.write { transaction in
        try transaction.put("key", "value", in: words)
        throw Interruption()
      }
    }
    #expect(try environment.read { try $0.value("key", in: words) } == nil)
  }

  @Test func `a write transaction that is not committed changes nothing`() throws {
    do {
      var transaction = try environment.beginWrite()
      try transaction.put("key", "value", in: words)
    }
    #expect(try environment.read { try $0.value("key", in: words) } == nil)
  }

  @Test func `a snapshot does not see later commits`() throws {
    try environment.write { try $0.put("key", "old", in: words) }
    try environment.read { snapshot in
      try environment.write { try $0.put("key", "new", in: words) }
      #expect(try snapshot.value("key", in: words) == "old")
    }
    #expect(try environment.read { try $0.value("key", in: words) } == "new")
  }

  @Test func `a lent value holds the bytes that were put`() throws {
    try environment.write { try $0.put("key", "value", in: words) }
    let transaction = try environment.beginRead()
    let key = Array("key".utf8)
    guard let value = try transaction.get(key.rawSpan, in: words) else {
      Issue.record("the value is missing")
      return
    }
    #expect(value.byteCount == 5)
    #expect(unsafe value.unsafeLoad(as: UInt8.self) == UInt8(ascii: "v"))
  }

  @Test func `deleting tells whether there was something`() throws {
    try environment.write { transaction in
      try transaction.put("key", "value", in: words)
      #expect(try transaction.delete("key", in: words))
      #expect(try !transaction.delete("key", in: words))
      #expect(try transaction.count(of: words) == 0)
    }
  }

  @Test func `removing all leaves an empty database`() throws {
    try environment.write { transaction in
      for number in 0..<1000 { try transaction.put("\(number)", "value", in: words) }
      try transaction.removeAll(in: words)
    }
    #expect(try environment.read { try $0.count(of: words) } == 0)
  }

  @Test func `appending out of order is refused and leaves the transaction usable`() throws {
    try environment.write { transaction in
      try transaction.put("b", "2", in: words, appends: true)
      #expect(throws: LMDBError(.keyExists, in: .put)) {
        try transaction.put("a", "1", in: words, appends: true)
      }
      try transaction.put("c", "3", in: words, appends: true)
    }
    #expect(try environment.read { try $0.count(of: words) } == 2)
  }

  @Test(arguments: [0, 512]) func `keys are one to 511 bytes`(length: Int) throws {
    let key = String(repeating: "k", count: length)
    #expect(throws: LMDBError(.badValueSize, in: .put)) {
      try environment.write { try $0.put(key, "value", in: words) }
    }
  }

  @Test func `a full map is an error after which the environment is usable`() throws {
    let value = String(repeating: "v", count: 100_000)
    #expect(throws: LMDBError(.mapFull, in: .put)) {
      try environment.write { transaction in
        for number in 0..<100 { try transaction.put("\(number)", value, in: words) }
      }
    }
    try environment.write { try $0.put("key", "value", in: words) }
    #expect(try environment.read { try $0.count(of: words) } == 1)
  }

  @Test func `a snapshot that cannot begin fails at its first use`() throws {
    var options = Environment.Options(mapSize: 1 << 20)
    options.maxReaders = 1
    options.creates = true
    let other = try TemporaryDirectory()
    let small = try Environment(path: other.file, options: options)
    let database = try small.openDatabase("words", creating: true)
    do {
      let first = try small.beginRead()
      #expect(try first.count(of: database) == 0)
      #expect(throws: LMDBError(.readersFull, in: .begin)) {
        try small.read { second in try second.count(of: database) }
      }
    }
    #expect(try small.read { try $0.count(of: database) } == 0)
  }
}
