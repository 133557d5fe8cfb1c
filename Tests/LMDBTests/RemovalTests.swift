import Glibc
import LMDB
import TestSupport
import Testing

/// What is read before entries go from a tree that is not proven.
@Suite struct RemovalTests {
  private static let pageSize = 4096
  /// Of eighteen that a leaf had, the five that it has still: where one more goes, LMDB joins it with the
  /// leaf beside it, or takes an entry from there.
  private static let numbers = (0..<30_000).filter { $0 % 18 < 5 }
  private let directory: TemporaryDirectory
  private let image: [UInt8]

  init() throws {
    directory = try TemporaryDirectory()
    do {
      let environment = try directory.environment(mapSize: 32 << 20)
      let words = try environment.openDatabase("words", creating: true)
      let value = String(repeating: "v", count: 200)
      try environment.write { transaction in
        for number in 0..<30_000 {
          try transaction.put(Self.key(number), value, in: words, appends: true)
        }
      }
      try environment.write { transaction in
        for number in 0..<30_000 where number % 18 >= 5 {
          _ = try transaction.delete(Self.key(number), in: words)
        }
      }
    }
    image = try directory.bytes(at: 0, count: directory.fileBytes)
  }

  private static func key(_ number: Int) -> String { "key \(100_000 + number)" }

  /// Opens the file as one that is too large to be read whole.
  private func open() throws(LMDBError) -> (Environment, Database) {
    var options = Environment.Options(mapSize: 32 << 20)
    options.checksWholeUpTo = 0
    let environment = try Environment(path: directory.file, options: options)
    return (environment, try environment.openDatabase("words"))
  }

  /// How often this thread has read from a file.
  private func reads() throws -> Int {
    let text = String(decoding: try bytes(of: "/proc/thread-self/io"), as: UTF8.self)
    let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("syscr: ") })
    return try #require(Int(line.dropFirst(7)))
  }

  /// What a file says that has no length.
  private func bytes(of path: String) throws -> [UInt8] {
    let descriptor = unsafe Glibc.open(path, O_RDONLY)
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 4_096)
    let count = unsafe read(descriptor, &bytes, bytes.count)
    try #require(count > 0)
    return Array(bytes.prefix(count))
  }

  /// Reads that removing entries in one transaction takes.
  private func reads(removing indices: some Sequence<Int>) throws -> Int {
    let (environment, words) = try open()
    var transaction = try environment.beginWrite()
    let before = try reads()
    for index in indices {
      let isGone = try transaction.delete(Self.key(Self.numbers[index]), in: words)
      try #require(isGone, "\(index)")
    }
    return try reads() - before
  }

  /// Seven leaves, sixty and none lie between two of them.
  @Test(arguments: [(200, 35), (25, 300), (1_000, 1)])
  func `takes some pages for each entry, however many go in one transaction`(
    _ count: Int, _ step: Int
  ) throws {
    let indices = (0..<count).map { $0 * step }
    let few = try reads(removing: indices.prefix(10))
    let many = try reads(removing: indices)
    #expect((10...80).contains(few), "\(few) of 10")
    #expect(many <= count * 7, "\(many) of \(count)")
  }

  /// LMDB ends the process, or says `corrupted`, where it touches a page that was not read before.
  @Test func `reads each page that is touched`() throws {
    var random = SeededGenerator(seed: 9)
    var found = 0
    for round in 0..<120 {
      let page = Int.random(in: 2..<image.count / Self.pageSize, using: &random)
      let start = page * Self.pageSize
      guard image[start + 10] == 2 else { continue }
      try directory.overwrite([UInt8](repeating: 0, count: Self.pageSize), at: start)
      defer {
        try? directory.overwrite(Array(image[start..<start + Self.pageSize]), at: start)
      }
      guard let (environment, words) = try? open() else { continue }
      var transaction = try environment.beginWrite()
      do throws(LMDBError) {
        for index in Self.scattered(round, using: &random) {
          _ = try transaction.delete(Self.key(Self.numbers[index]), in: words)
        }
      } catch {
        #expect(error.kind == .damaged(file: directory.file, page: page), "\(round): \(error)")
        found += 1
      }
    }
    #expect(found > 20, "\(found)")
  }

  /// Entries in an order in which stretches begin, grow, meet and are left again.
  private static func scattered(_ round: Int, using random: inout SeededGenerator) -> [Int] {
    var indices: [Int] = []
    for _ in 0..<60 {
      let start = Int.random(in: 0..<numbers.count - 60, using: &random)
      var run = Array(start..<start + Int.random(in: 1..<(round % 4 == 0 ? 60 : 8), using: &random))
      switch round % 3 {
      case 0: run.reverse()
      case 1: run.shuffle(using: &random)
      default: break
      }
      indices += run
    }
    return indices
  }
}
