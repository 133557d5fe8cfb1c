import LMDB
import TestSupport
import Testing

/// Zeros ahead of the last page.
@Suite struct WrittenRoomTests {
  private static let pageSize = 4096

  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func open(mapSize: Int, writesAhead: Bool = true) throws -> Environment {
    var options = Environment.Options(mapSize: mapSize)
    options.creates = true
    options.writesAhead = writesAhead
    return try Environment(path: directory.file, options: options)
  }

  /// Adds an entry of a kilobyte in a transaction of its own.
  private func add(_ number: Int, to environment: Environment, _ database: Database) throws {
    try environment.write { transaction in
      try transaction.put("\(number)", String(repeating: "v", count: 1000), in: database)
    }
  }

  private func usedBytes(of environment: Environment) throws -> Int {
    try environment.information().pageCount * Self.pageSize
  }

  /// That the blocks are there is seen, that they are written is not: the file system does not say.
  @Test func `a commit finds blocks that the file has already`() throws {
    let environment = try open(mapSize: 64 << 20)
    let words = try environment.openDatabase("words", creating: true)
    try add(0, to: environment, words)
    for number in 1..<1500 {
      let length = try environment.fileSize()
      try #require(directory.allocatedBytes >= length)
      try add(number, to: environment, words)
      try #require(usedBytes(of: environment) <= length)
    }
    #expect(try usedBytes(of: environment) > 1500 * 1000)
  }

  @Test func `a small file stays small, and a large one has little more than its pages`() throws {
    let environment = try open(mapSize: 64 << 20)
    let words = try environment.openDatabase("words", creating: true)
    try add(0, to: environment, words)
    #expect(try environment.fileSize() <= 128 << 10)
    for number in 1..<8 {
      try environment.write { transaction in
        for part in 0..<1000 {
          try transaction.put("\(number) \(part)", String(repeating: "v", count: 1000), in: words)
        }
      }
    }
    for number in 0..<8 { try add(number, to: environment, words) }
    let room = try environment.fileSize() - usedBytes(of: environment)
    #expect(room > 512 << 10 && room <= 5 << 18)
  }

  @Test func `entries are what they were after the file has been opened again`() throws {
    do {
      let environment = try open(mapSize: 16 << 20)
      let words = try environment.openDatabase("words", creating: true)
      for number in 0..<500 { try add(number, to: environment, words) }
      // Pages that are changed and freed, between writing ahead.
      for number in 0..<250 {
        try environment.write { _ = try $0.delete("\(number)", in: words) }
      }
    }
    let environment = try open(mapSize: 16 << 20)
    let words = try environment.openDatabase("words")
    let value = String(repeating: "v", count: 1000)
    try environment.read { transaction in
      for number in 0..<500 {
        try #require(transaction.value("\(number)", in: words) == (number < 250 ? nil : value))
      }
    }
    try Environment.checkFile(directory.file)
  }

  @Test func `a transaction that was given up harms nothing`() throws {
    let environment = try open(mapSize: 64 << 20)
    let words = try environment.openDatabase("words", creating: true)
    for round in 0..<20 {
      var transaction = try environment.beginWrite()
      for number in 0..<200 {
        try transaction.put("\(number)", String(repeating: "x", count: 2000), in: words)
      }
      _ = consume transaction
      try add(round, to: environment, words)
    }
    #expect(try environment.read { try $0.count(of: words) } == 20)
    let value = String(repeating: "v", count: 1000)
    #expect(try environment.read { try $0.value("19", in: words) } == value)
  }

  @Test func `the file never grows beyond its map`() throws {
    let mapSize = 1 << 20
    let environment = try open(mapSize: mapSize)
    let words = try environment.openDatabase("words", creating: true)
    #expect(throws: LMDBError.self) {
      for number in 0..<4000 { try add(number, to: environment, words) }
    }
    #expect(try environment.fileSize() <= mapSize)
  }

  @Test func `without it a file is as long as its pages`() throws {
    let environment = try open(mapSize: 16 << 20, writesAhead: false)
    let words = try environment.openDatabase("words", creating: true)
    try add(1, to: environment, words)
    #expect(try environment.fileSize() <= usedBytes(of: environment))
  }
}
