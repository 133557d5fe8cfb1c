import LMDB
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

  @Test func `a commit finds blocks that are written already`() throws {
    let environment = try open(mapSize: 64 << 20)
    let words = try environment.openDatabase("words", creating: true)
    for number in 0..<4000 {
      let before = try environment.fileSize()
      try add(number, to: environment, words)
      // Only room that was there before the pages were written counts.
      try #require(usedBytes(of: environment) <= max(before, 1 << 20))
    }
    #expect(try usedBytes(of: environment) > 4 << 20)
    #expect(try environment.fileSize() - usedBytes(of: environment) <= 2 << 20)
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
    var stored = 0
    #expect(throws: LMDBError.self) {
      for number in 0..<4000 {
        try add(number, to: environment, words)
        stored += 1
      }
    }
    #expect(try environment.fileSize() <= mapSize)
    // Little of a small map is room.
    #expect(stored * 1000 > mapSize / 2)
  }

  @Test func `without it a file is as long as its pages`() throws {
    let environment = try open(mapSize: 16 << 20, writesAhead: false)
    let words = try environment.openDatabase("words", creating: true)
    try add(1, to: environment, words)
    #expect(try environment.fileSize() <= usedBytes(of: environment))
  }
}
