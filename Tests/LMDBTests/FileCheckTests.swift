import Bytes
import Glibc
import LMDB
import TestSupport
import Testing

@Suite struct FileCheckTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test func `a file as LMDB writes it passes`() throws {
    _ = try directory.makeDeepFile()
    try Environment.checkFile(directory.file)
  }

  @Test func `a file passes after each of many transactions of all kinds`() throws {
    let environment = try directory.environment(mapSize: 16 << 20)
    let words = try environment.openDatabase("words", creating: true)
    try Environment.checkFile(directory.file)
    var random = SeededGenerator(seed: 7)
    for round in 0..<60 {
      try environment.write { transaction in
        for _ in 0..<Int.random(in: 1...200, using: &random) {
          let key = "key \(Int.random(in: 0..<2_000, using: &random))"
          if Int.random(in: 0..<3, using: &random) == 0 || round % 10 == 9 {
            _ = try transaction.delete(key, in: words)
          } else {
            let length = [1, 7, 40, 300, 1_500, 9_000].randomElement(using: &random) ?? 1
            try transaction.put(key, String(repeating: "v", count: length), in: words)
          }
        }
      }
      try Environment.checkFile(directory.file)
    }
  }

  @Test func `a file without databases passes`() throws {
    _ = try directory.environment()
    try Environment.checkFile(directory.file)
  }

  @Test func `a page of anything else is found unless it is free, and is named`() throws {
    let image = try directory.makeDeepFile()
    // What is no leaf, no branch and no overflow page, and what says that it is another page.
    let other = Array(image[4096 * 2..<4096 * 3])
    let zeros = [UInt8](repeating: 0, count: 4096)
    for damaged in [zeros, zeros.map { ~$0 }, other] {
      var found = 0
      for page in stride(from: 3, to: image.count / 4096, by: 2) {
        try directory.overwrite(damaged, at: page * 4096)
        do throws(LMDBError) {
          try Environment.checkFile(directory.file)
        } catch {
          #expect(error.kind == .damaged(file: directory.file, page: page))
          found += 1
        }
        try directory.overwrite(Array(image[page * 4096..<page * 4096 + 4096]), at: page * 4096)
      }
      #expect(found > 25)
    }
  }

  /// Pages that a misdirected write has exchanged keep their numbers where the disk is at fault for less
  /// than a page; with their numbers set right, it is their keys alone that tell.
  @Test(arguments: [false, true]) func `pages that have changed places are found`(
    _ areNumbersRight: Bool
  ) throws {
    let image = try directory.makeDeepFile()
    let leaves = (2..<image.count / 4096).filter { image[$0 * 4096 + 10] == 2 }
    var found = 0
    for index in stride(from: 0, to: leaves.count - 3, by: 4) {
      let (first, second) = (leaves[index], leaves[index + 3])
      var pages = [first, second].map { Array(image[$0 * 4096..<$0 * 4096 + 4096]) }
      if areNumbersRight {
        for index in 0..<8 {
          (pages[0][index], pages[1][index]) = (pages[1][index], pages[0][index])
        }
      }
      try directory.overwrite(pages[1], at: first * 4096)
      try directory.overwrite(pages[0], at: second * 4096)
      if throwsDamage() { found += 1 }
      try directory.overwrite(Array(image[first * 4096..<first * 4096 + 4096]), at: first * 4096)
      try directory.overwrite(Array(image[second * 4096..<second * 4096 + 4096]), at: second * 4096)
    }
    #expect(found > 10)
  }

  @Test func `what a flipped bit leaves behind reads as before, or is found`() throws {
    let image = try directory.makeDeepFile()
    let before = try contents()
    var random = SeededGenerator(seed: 11)
    var found = 0
    for _ in 0..<80 {
      let place = Int.random(in: 0..<image.count, using: &random)
      // A bit of a value changes the value; LMDB keeps no checksums.
      let changed = image[place] ^ (1 << UInt8.random(in: 0..<8, using: &random))
      try directory.overwrite([changed], at: place)
      if throwsDamage() {
        found += 1
      } else {
        #expect(try contents() == before, "byte \(place % 4096) of page \(place / 4096)")
      }
      try directory.overwrite([image[place]], at: place)
    }
    #expect(found > 0)
  }

  @Test func `a header that claims to be another commit is found`() throws {
    let environment = try directory.environment()
    let words = try environment.openDatabase("words", creating: true)
    for round in 0..<9 {
      try environment.write { transaction in
        for number in 0..<200 { try transaction.put("key \(round) \(number)", "value", in: words) }
      }
    }
    for page in 0..<2 {
      // The number of the transaction, bit by bit.
      for bit in 0..<20 {
        let place = page * 4096 + 144 + bit / 8
        let byte = try directory.bytes(at: place, count: 1)[0]
        try directory.overwrite([byte ^ (1 << UInt8(bit % 8))], at: place)
        #expect(throwsDamage(), "page \(page), bit \(bit)")
        try directory.overwrite([byte], at: place)
      }
    }
    #expect(!throwsDamage())
  }

  @Test func `a free list that names a page twice, or one in use, is found`() throws {
    let image = try directory.makeDeepFile()
    let header = 4096 * (load(image, 144) > load(image, 4096 + 144) ? 0 : 1)
    let leaf = load(image, header + 80) * 4096
    // The last list in the leaf: its node, then its first and second page number.
    let count = (Int(image[leaf + 12]) + Int(image[leaf + 13]) << 8 - 16) / 2
    let node =
      leaf + Int(image[leaf + 16 + 2 * (count - 1)])
      + Int(image[leaf + 17 + 2 * (count - 1)]) << 8
    let list = node + 16
    try #require(load(image, list) >= 2)
    let names = load(image, header + 128)
    for number in [load(image, list + 16), names, 1, 1 << 40] {
      try directory.overwrite(
        Array(UInt64(number).bigEndianBytes.reversed()), at: list + 8)
      #expect(throwsDamage(), "\(number)")
    }
  }

  @Test func `a file that is cut off, is none or is absent is told apart`() throws {
    let length = try directory.makeDeepFile().count
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

  private func load(_ image: [UInt8], _ offset: Int) -> Int {
    (0..<8).reversed().reduce(0) { $0 << 8 | Int(image[offset + $1]) }
  }

  private func throwsDamage() -> Bool {
    do { try Environment.checkFile(directory.file) } catch { return true }
    return false
  }

  /// Every key, and how long its value is.
  private func contents() throws -> [String] {
    let environment = try directory.environment(mapSize: 16 << 20, creates: false)
    let words = try environment.openDatabase("words")
    var entries: [String] = []
    try environment.beginRead().forEach(in: words) { key, value in
      entries.append("\(String(decoding: key.array, as: UTF8.self)) \(value.byteCount)")
      return true
    }
    return entries
  }
}
