import Bytes
import LMDB
import TestSupport
import Testing

@Suite struct CursorTests {
  private let directory: TemporaryDirectory
  private let environment: Environment
  private let words: Database

  init() throws {
    directory = try TemporaryDirectory()
    environment = try directory.environment()
    words = try environment.openDatabase("words", creating: true)
    try environment.write { [words] transaction in
      for letter in ["b", "d", "f"] { try transaction.put(letter, letter + letter, in: words) }
    }
  }

  /// The keys that a walk visits.
  private func keys(
    from start: String?, reversed: Bool = false, limit: Int = .max
  ) throws -> [String] {
    let start = start.map { Array($0.utf8) }
    var found: [String] = []
    try environment.read { transaction in
      let visit = { (key: RawSpan, value: RawSpan) in
        found.append(String(decoding: key.array, as: UTF8.self))
        #expect(value.byteCount == 2 * key.byteCount)
        return found.count < limit
      }
      if let start {
        try transaction.forEach(
          in: words, from: start.rawSpan, reversed: reversed, visit)
      } else {
        try transaction.forEach(in: words, reversed: reversed, visit)
      }
    }
    return found
  }

  @Test func `a walk visits all keys in order`() throws {
    #expect(try keys(from: nil) == ["b", "d", "f"])
    #expect(try keys(from: nil, reversed: true) == ["f", "d", "b"])
  }

  @Test(arguments: [
    ("a", ["b", "d", "f"]), ("d", ["d", "f"]), ("e", ["f"]), ("g", []),
  ]) func `a walk begins at the key or the next one`(start: String, expected: [String]) throws {
    #expect(try keys(from: start) == expected)
  }

  @Test(arguments: [
    ("a", []), ("d", ["d", "b"]), ("e", ["d", "b"]), ("g", ["f", "d", "b"]),
  ]) func `a walk back begins at the key or the one before`(
    start: String, expected: [String]
  ) throws {
    #expect(try keys(from: start, reversed: true) == expected)
  }

  @Test func `a walk ends when it is told to`() throws {
    #expect(try keys(from: nil, limit: 2) == ["b", "d"])
  }

  @Test func `a walk over nothing visits nothing`() throws {
    try environment.write { try $0.removeAll(in: words) }
    #expect(try keys(from: nil) == [])
    #expect(try keys(from: nil, reversed: true) == [])
    #expect(try keys(from: "a", reversed: true) == [])
  }

  @Test func `a cursor begins at either end`() throws {
    let transaction = try environment.beginRead()
    var forwards = try transaction.cursor(in: words)
    if let first = try forwards.next() {
      #expect(first.key.array == Array("b".utf8))
    } else {
      Issue.record("there is no first entry")
    }
    var backwards = try transaction.cursor(in: words)
    if let last = try backwards.previous() {
      #expect(last.key.array == Array("f".utf8))
    } else {
      Issue.record("there is no last entry")
    }
  }
}
