import Glibc
import Storage
import TestSupport
import Testing

/// A journal that is damaged while its store lies killed: what was acknowledged is there, or the store is
/// refused by an error that names the file.
///
/// `CADENAS_DAMAGE_ROUNDS` says how many damages, `CADENAS_DAMAGE_SEED` which; a release is tested with
/// 1,000.
@Suite(.timeLimit(.minutes(10))) struct JournalDamageTests {
  private static let rounds = number(of: "CADENAS_DAMAGE_ROUNDS") ?? 200
  private static let seed = UInt64(number(of: "CADENAS_DAMAGE_SEED") ?? 15)
  private static let mapSize = 32 << 20

  private let directory: TemporaryDirectory
  private let killed: KilledStore

  init() throws {
    directory = try TemporaryDirectory()
    killed = try KilledStore(in: directory, mapSize: Self.mapSize)
  }

  private static func number(of variable: String) -> Int? {
    unsafe getenv(variable).flatMap { unsafe Int(String(cString: $0)) }
  }

  @Test func `a single damage of the journal is harmless or named`() throws {
    var random = SeededGenerator(seed: Self.seed)
    var table: [String: [Outcome: Int]] = [:]
    for round in 0..<Self.rounds {
      // LMDB lacks the frames of one half or, as if its newest header were lost, of both.
      let isHeaderLost = round % 2 == 1
      let damage = JournalDamage.random(of: killed.journal, using: &random)
      let outcome = try outcome(of: damage, isHeaderLost: isHeaderLost)
      #expect(outcome != .silent, "\(round): \(damage), header lost: \(isHeaderLost)")
      table[damage.kind, default: [:]][outcome, default: 0] += 1
    }
    for (kind, counts) in table.sorted(by: { $0.key < $1.key }) {
      print(
        "journal damage \(kind): harmless \(counts[.harmless] ?? 0), named \(counts[.named] ?? 0), "
          + "silent \(counts[.silent] ?? 0)")
    }
  }

  @Test func `undamaged, both are read whole`() throws {
    for isHeaderLost in [false, true] {
      #expect(try outcome(of: nil, isHeaderLost: isHeaderLost) == .harmless)
    }
  }

  @Test func `a half that is gone or the other is missed, be it read or written`() throws {
    let journal = killed.journal
    for damage in [
      JournalDamage.half(of: journal, from: 0, to: 1), .half(of: journal, from: 1, to: 0),
      .zeros(4_096, journal.halfBytes), .zeros(4_096 + journal.halfBytes, journal.halfBytes),
    ] {
      #expect(try outcome(of: damage, isHeaderLost: true) == .named, "\(damage)")
      #expect(try outcome(of: damage, isHeaderLost: false) != .silent, "\(damage)")
    }
  }

  @Test func `a damaged one that nobody needs goes when the store is compacted`() throws {
    #expect(try outcome(of: nil, isHeaderLost: false) == .harmless)
    try directory.replace("cards.journal", by: [UInt8](repeating: 7, count: 5_000))
    let store = try Store.open(at: directory.store, mapSize: Self.mapSize)
    _ = try store.compact()
    #expect(!directory.exists("cards.journal"))
    #expect(try store.rows() == killed.rows)
  }

  @Test(arguments: [false, true])
  func `what was erased is needed by neither header of LMDB`(_ isCompacted: Bool) throws {
    let (journal, file, rows) = try erased(isCompacted: isCompacted)
    let older = withoutNewestHeader(file)
    for file in [file, older] {
      try directory.replace("cards.mdb", by: file)
      try directory.replace("cards.journal", by: journal)
      var options = Store.Options()
      options.isReadOnly = true
      let store = try Store.open(at: directory.store, mapSize: Self.mapSize, options: options)
      #expect(try store.rows() == rows)
    }
  }

  /// `cards.mdb` with one of its headers, that of the newest transaction, older than the other.
  private func withoutNewestHeader(_ file: [UInt8]) -> [UInt8] {
    // Behind the heads of pages 0 and 1. The last word is the transaction that wrote it, least byte first.
    let headers = [16..<152, 4_112..<4_248]
    let transactions = headers.map { Array(file[$0].suffix(8).reversed()) }
    let isFirstOlder = transactions[0].lexicographicallyPrecedes(transactions[1])
    let (lost, left) = isFirstOlder ? (headers[1], headers[0]) : (headers[0], headers[1])
    var file = file
    file.replaceSubrange(lost, with: Array(file[left]))
    let word = lost.upperBound - 8
    let number = (0..<8).reduce(0) { $0 | Int(file[word + $1]) << (8 * $1) } - 1
    for byte in 0..<8 { file[word + byte] = UInt8(truncatingIfNeeded: number >> (8 * byte)) }
    return file
  }

  /// The files of a store whose journal was erased under a writer, as they were then, and what it holds.
  private func erased(
    isCompacted: Bool
  ) throws -> (journal: [UInt8], file: [UInt8], rows: [Row]) {
    let store = try Store.open(at: directory.store, mapSize: Self.mapSize)
    try store.startWriter { Issue.record("writing ended: \($0)") }
    defer { store.stopWriter() }
    for number in 200..<210 {
      try store.perform { (transaction) throws(StorageError) in try transaction.append(number) }
    }
    if isCompacted { _ = try store.compact() } else { try store.eraseJournal() }
    return (
      try contents(of: "\(directory.store)/cards.journal"),
      try contents(of: "\(directory.store)/cards.mdb"), try store.rows()
    )
  }

  private enum Outcome { case harmless, named, silent }

  /// What a damage comes to: first for who only reads, then for who writes.
  private func outcome(of damage: JournalDamage?, isHeaderLost: Bool) throws -> Outcome {
    var journal = killed.journal.bytes
    damage?.apply(to: &journal)
    try directory.replace("cards.journal", by: journal)
    try directory.replace("cards.mdb", by: isHeaderLost ? killed.before : killed.after)
    let read = try opened(isReadOnly: true)
    let written = try opened(isReadOnly: false)
    #expect(read == written, "\(damage?.description ?? "none")")
    return read == .harmless ? written : read
  }

  private func opened(isReadOnly: Bool) throws -> Outcome {
    var options = Store.Options()
    options.isReadOnly = isReadOnly
    do {
      let store = try Store.open(at: directory.store, mapSize: Self.mapSize, options: options)
      return try store.rows() == killed.rows ? .harmless : .silent
    } catch let error {
      #expect("\(error)".contains("cards.journal"), "it does not name the file: \(error)")
      return .named
    }
  }
}

/// The files of a store whose writer was killed, with frames in both halves of its journal.
private struct KilledStore {
  let journal: JournalImage
  /// `cards.mdb` with the frames of the first half, and without them: what is left when LMDB has lost its
  /// newest header.
  let after: [UInt8]
  let before: [UInt8]
  /// All that was acknowledged.
  let rows: [Row]

  init(in directory: TemporaryDirectory, mapSize: Int) throws {
    let store = try directory.newStore(mapSize: mapSize)
    var limits = WriterLimits()
    limits.journal.bytes = 1 << 20
    limits.journal.nanoseconds = 1 << 60
    limits.journal.idleNanoseconds = 1 << 60
    try store.startWriter(limits: limits) { Issue.record("writing ended: \($0)") }
    func put(_ numbers: Range<Int>) throws {
      for number in numbers {
        try store.perform { (transaction) throws(StorageError) in
          // Frames of one block to five.
          try transaction.append(number, valueBytes: 100 + number % 4 * 5_000)
          try transaction.put(number % 11, valueBytes: 1 + number % 50, in: .idempotency)
          if number % 5 == 4 { _ = try transaction.delete(number - 2) }
        }
      }
    }
    // The halves before are used again.
    for round in 0..<2 {
      try put(round * 40..<round * 40 + 40)
      _ = try store.count()
    }
    try put(80..<115)
    before = try contents(of: "\(directory.store)/cards.mdb")
    try #require(store.pendingFrames.count == 35)
    _ = try store.count()
    after = try contents(of: "\(directory.store)/cards.mdb")
    try put(115..<145)
    try #require(store.pendingFrames.count == 30)
    journal = JournalImage(try contents(of: "\(directory.store)/cards.journal"))
    rows = try store.rows()
    store.stopWriter()
  }
}

/// The bytes of a journal.
private struct JournalImage {
  let bytes: [UInt8]
  var blocks: Int { bytes.count / 4_096 }
  var halfBytes: Int { (blocks - 1) / 2 * 4_096 }

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// A block: where frames are as often as anywhere, and now and then the header.
  func block(using random: inout SeededGenerator) -> Int {
    while true {
      let block = Int.random(in: 0..<blocks, using: &random)
      let isUsed = bytes[block * 4_096..<(block + 1) * 4_096].contains { $0 != 0 }
      if isUsed || Int.random(in: 0..<4, using: &random) == 0 { return block }
    }
  }
}

/// What is done to a journal.
private enum JournalDamage: CustomStringConvertible {
  case bit(Int, Int)
  case zeros(Int, Int)
  case noise(Int, UInt64)
  case cut(Int)
  case swap(Int, Int)
  case copy(from: Int, to: Int, Int)

  static func half(of journal: JournalImage, from: Int, to: Int) -> JournalDamage {
    let half = journal.halfBytes
    return .copy(from: 4_096 + from * half, to: 4_096 + to * half, half)
  }

  static func random(
    of journal: JournalImage, using random: inout SeededGenerator
  ) -> JournalDamage {
    let block = journal.block(using: &random)
    switch Int.random(in: 0..<8, using: &random) {
    case 0: return .zeros(block * 4_096 + Int.random(in: 0..<8, using: &random) * 512, 512)
    case 1: return .zeros(block * 4_096, 4_096)
    case 2: return .noise(block, random.next())
    case 3: return .cut(Int.random(in: 0..<journal.bytes.count, using: &random))
    case 4: return .swap(block, journal.block(using: &random))
    case 5: return .copy(from: journal.block(using: &random) * 4_096, to: block * 4_096, 4_096)
    case 6 where Int.random(in: 0..<4, using: &random) == 0:
      let half = Int.random(in: 0..<2, using: &random)
      return .half(of: journal, from: half, to: 1 - half)
    default:
      return .bit(
        block * 4_096 + Int.random(in: 0..<4_096, using: &random),
        Int.random(in: 0..<8, using: &random))
    }
  }

  var kind: String {
    switch self {
    case .bit: "bit"
    case .zeros(_, let count): "zeros of \(count)"
    case .noise: "noise"
    case .cut: "cut"
    case .swap: "swap"
    case .copy(_, _, let count): "copy of \(count)"
    }
  }

  var description: String {
    switch self {
    case .bit(let byte, let bit): "\(kind) at block \(byte / 4_096) byte \(byte % 4_096) bit \(bit)"
    case .zeros(let start, _): "\(kind) at block \(start / 4_096) byte \(start % 4_096)"
    case .noise(let block, _): "\(kind) at block \(block)"
    case .cut(let count): "\(kind) to \(count)"
    case .swap(let first, let second): "\(kind) of blocks \(first) and \(second)"
    case .copy(let from, let to, _): "\(kind) from block \(from / 4_096) to \(to / 4_096)"
    }
  }

  func apply(to bytes: inout [UInt8]) {
    func block(_ number: Int) -> Range<Int> { number * 4_096..<(number + 1) * 4_096 }
    switch self {
    case .bit(let byte, let bit): bytes[byte] ^= 1 << UInt8(bit)
    case .zeros(let start, let count):
      bytes.replaceSubrange(start..<start + count, with: repeatElement(0, count: count))
    case .noise(let number, let seed):
      var random = SeededGenerator(seed: seed)
      for index in block(number) { bytes[index] = .random(in: 0...255, using: &random) }
    case .cut(let count): bytes.removeLast(bytes.count - count)
    case .swap(let first, let second):
      let kept = Array(bytes[block(first)])
      bytes.replaceSubrange(block(first), with: Array(bytes[block(second)]))
      bytes.replaceSubrange(block(second), with: kept)
    case .copy(let from, let to, let count):
      bytes.replaceSubrange(to..<to + count, with: Array(bytes[from..<from + count]))
    }
  }
}
