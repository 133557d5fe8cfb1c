import Storage
import TestSupport
import Testing

/// A walk over a table in pieces.
@Suite struct PieceWalkTests {
  private let directory: TemporaryDirectory
  private let store: Store

  init() throws {
    directory = try TemporaryDirectory()
    store = try directory.newStore()
    try store.write { (transaction) throws(StorageError) in
      for number in 0..<10 { try transaction.append(number) }
    }
  }

  /// The numbers of the next piece, which ends before `end`.
  private func piece(_ walk: inout PieceWalk, before end: Int = .max) throws -> [Int] {
    var numbers: [Int] = []
    try store.readPiece(of: .cards, &walk) { (key, _, _) throws(StorageError) in
      let number = unsafe key.withUnsafeBytes { unsafe Int($0[7]) }
      guard number < end else { return false }
      numbers.append(number)
      return true
    }
    return numbers
  }

  @Test func `gives each entry once, also where others change the table meanwhile`() throws {
    var walk = PieceWalk(entriesPerPiece: 4)
    #expect(try piece(&walk) == [0, 1, 2, 3])
    // The entry on which it stands, one behind it and one before it; and one more.
    try store.write { (transaction) throws(StorageError) in
      for number in [3, 1, 5] { _ = try transaction.delete(number) }
      try transaction.put(10)
    }
    #expect(try piece(&walk) == [4, 6, 7, 8])
    #expect(!walk.isAtEnd)
    #expect(try piece(&walk) == [9, 10])
    #expect(walk.isAtEnd && walk.count == 10)
  }

  @Test func `ends before the entry that is not wanted, and an end that is full is seen later`()
    throws
  {
    var walk = PieceWalk(after: keyBytes(1), entriesPerPiece: 4)
    #expect(try piece(&walk) == [2, 3, 4, 5])
    #expect(try piece(&walk, before: 8) == [6, 7])
    #expect(walk.isAtEnd && walk.count == 6)
    walk = PieceWalk(entriesPerPiece: 10)
    #expect(try piece(&walk).count == 10)
    #expect(!walk.isAtEnd)
    #expect(try piece(&walk) == [])
    #expect(walk.isAtEnd)
  }

  @Test func `stands where it stood after an error`() throws {
    var walk = PieceWalk(entriesPerPiece: 4)
    _ = try piece(&walk)
    var seen = 0
    #expect(throws: StorageError.full) {
      try store.readPiece(of: .cards, &walk) { (_, _, _) throws(StorageError) in
        seen += 1
        if seen == 2 { throw .full }
        return true
      }
    }
    #expect(try piece(&walk) == [4, 5, 6, 7])
    #expect(walk.count == 8)
  }

  @Test func `over all, rests between two pieces, and can be given up there`() throws {
    try store.write { (transaction) throws(StorageError) in
      for number in 10..<2_500 { try transaction.append(number) }
    }
    var rests: [Int] = []
    var count = 0
    func walk(pieces: Int) throws -> Bool {
      (rests, count) = ([], 0)
      return try store.walk(
        over: .cards,
        goesOn: { () throws(StorageError) in
          rests.append(count)
          return rests.count < pieces
        }
      ) { (_, _, _) throws(StorageError) in count += 1 }
    }
    #expect(try walk(pieces: 9))
    #expect(rests == [1_000, 2_000, 2_500])
    #expect(try !walk(pieces: 2))
    #expect(rests == [1_000, 2_000])
  }
}
