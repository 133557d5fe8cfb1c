import Bytes
import Glibc
import LMDB
import TestSupport
import Testing

/// A file that is damaged and too large to be read at opening: LMDB is kept from its damaged pages.
@Suite struct TreeGuardTests {
  private let directory: TemporaryDirectory
  private let image: [UInt8]
  private static let pageSize = 4096

  init() throws {
    directory = try TemporaryDirectory()
    image = try directory.makeDeepFile()
  }

  /// Opens the file as one that is too large to be read whole.
  private func open() throws(LMDBError) -> Environment {
    var options = Environment.Options(mapSize: 16 << 20)
    options.checksWholeUpTo = 0
    return try Environment(path: directory.file, options: options)
  }

  /// The leaf that holds the key, of the tree that counts.
  private func leaf(of key: String) throws -> Int {
    let live = try livePages()
    let found = live.filter { page in
      let bytes = Array(image[page * Self.pageSize..<(page + 1) * Self.pageSize])
      return bytes[10] == 2 && bytes.firstRange(of: Array("\(key)value".utf8)) != nil
    }
    try #require(found.count == 1)
    return found[0]
  }

  /// The pages without which the file does not pass its check.
  private func livePages() throws -> [Int] {
    let zeros = [UInt8](repeating: 0, count: Self.pageSize)
    return try (2..<image.count / Self.pageSize).filter { page in
      try directory.overwrite(zeros, at: page * Self.pageSize)
      defer { try? restore(page) }
      do throws(LMDBError) { try Environment.checkFile(directory.file) } catch { return true }
      return false
    }
  }

  private func restore(_ page: Int) throws {
    let start = page * Self.pageSize
    try directory.overwrite(Array(image[start..<start + Self.pageSize]), at: start)
  }

  private func zero(_ page: Int) throws {
    try directory.overwrite(
      [UInt8](repeating: 0, count: Self.pageSize), at: page * Self.pageSize)
  }

  @Test func `what stands on a damaged page is an error, and all else is found`() throws {
    let page = try leaf(of: "key 7777")
    try zero(page)
    let environment = try open()
    let words = try environment.openDatabase("words")
    let damage = LMDBError(.damaged(file: directory.file, page: page), in: .inspect)
    let reader = try environment.beginRead()
    #expect(throws: damage) { try reader.value("key 7777", in: words) }
    #expect(try reader.value("key 9999", in: words) == "value")
    #expect(try reader.value("key 5000", in: words) == "value")
    var count = 0
    #expect(throws: damage) {
      try reader.forEach(in: words) { _, _ in
        count += 1
        return true
      }
    }
    #expect(count > 1_000)
    var backwards = 0
    #expect(throws: damage) {
      try reader.forEach(in: words, reversed: true) { _, _ in
        backwards += 1
        return true
      }
    }
    #expect(count + backwards < 15_003 && backwards > 1_000)
    for change in ["put", "delete"] {
      var writer = try environment.beginWrite()
      #expect(throws: damage, "\(change)") {
        if change == "put" {
          try writer.put("key 7777", "other", in: words)
        } else {
          _ = try writer.delete("key 7777", in: words)
        }
      }
    }
    try environment.write { try $0.put("key 9999", "other", in: words) }
    #expect(try environment.beginRead().value("key 9999", in: words) == "other")
  }

  @Test func `a page that goes bad after opening is met by who walks over all`() throws {
    let environment = try directory.environment(mapSize: 16 << 20)
    let words = try environment.openDatabase("words")
    let page = try leaf(of: "key 7777")
    try zero(page)
    #expect(throws: LMDBError(.damaged(file: directory.file, page: page), in: .inspect)) {
      try environment.beginRead().forEach(in: words) { _, _ in true }
    }
  }

  @Test func `upper pages, last leaves and the free list are read at opening`() throws {
    let live = try livePages()
    var refused = 0
    for page in live {
      try zero(page)
      do throws(LMDBError) { _ = try open() } catch {
        #expect(error.kind == .damaged(file: directory.file, page: page))
        refused += 1
      }
      try restore(page)
    }
    // Of a tree with more pages than are read in any case, some leaves are left out.
    #expect(refused > 4 && live.count - refused > 5)
    #expect(throws: Never.self) { try open() }
  }

  /// Whatever a file holds, LMDB is not ended by it: an end would end this test's process.
  @Test func `no damage ends the process, and no key leads to another's value`() throws {
    var random = SeededGenerator(seed: 4)
    let pages = image.count / Self.pageSize
    var outcomes: [String: Int] = [:]
    for _ in 0..<60 {
      let page = Int.random(in: 0..<pages, using: &random)
      let other = Int.random(in: 2..<pages, using: &random)
      var bytes = Array(image[page * Self.pageSize..<(page + 1) * Self.pageSize])
      switch Int.random(in: 0..<5, using: &random) {
      case 0: bytes = [UInt8](repeating: 0, count: Self.pageSize)
      case 1: for index in bytes.indices { bytes[index] = .random(in: 0...255, using: &random) }
      case 2: bytes = Array(image[other * Self.pageSize..<(other + 1) * Self.pageSize])
      // In the part where a page says of itself where what is.
      default:
        bytes[Int.random(in: 0..<200, using: &random)] ^=
          1 << UInt8.random(in: 0..<8, using: &random)
      }
      try directory.overwrite(bytes, at: page * Self.pageSize)
      outcomes[try use(), default: 0] += 1
      try directory.truncate(to: 0)
      try directory.overwrite(image, at: 0)
    }
    #expect(outcomes["refused", default: 0] > 5 && outcomes["used", default: 0] > 5, "\(outcomes)")
  }

  /// Reads and changes much of the file; says whether it could be opened.
  private func use() throws -> String {
    unsafe unlink("\(directory.file)-lock")
    guard let environment = try? open(), let words = try? environment.openDatabase("words") else {
      return "refused"
    }
    for number in stride(from: 4_990, to: 20_000, by: 97) {
      let found = try? environment.beginRead().value("key \(number)", in: words)
      guard let value = found ?? nil else { continue }
      // A flipped bit of a value is not LMDB's to find.
      #expect(value.utf8.count == 5)
    }
    for isReversed in [false, true] {
      try? environment.beginRead().forEach(in: words, reversed: isReversed) { _, _ in true }
    }
    for start in stride(from: 5_000, to: 20_000, by: 2_500) {
      try? environment.write { transaction in
        for number in start..<start + 300 {
          _ = try? transaction.delete("key \(number)", in: words)
          try? transaction.put("new \(number)", "value", in: words)
        }
      }
    }
    try? environment.write { try $0.removeAll(in: words) }
    return "used"
  }
}
