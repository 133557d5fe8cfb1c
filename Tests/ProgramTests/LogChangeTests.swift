import AuditLog
import Bytes
import Cryptography
import Storage
import TestSupport
import Testing

@testable import cadenas
@testable import cadenas_dev

/// Whatever is changed in a log, by somebody who can write to the disk, is found, and where.
///
/// A thousand changes drawn at random; the seed is fixed, so that a failure comes again.
@Suite("A change of the log") struct LogChangeTests {
  private static let changes = 500

  @Test("in a store is found, with the first bad sequence")
  func store() throws {
    try withScratchDirectory { directory in
      let fixture = try LogFixture(in: directory)
      let trust = AuditVerifier.Trust(keys: fixture.keys)
      let whole = try AuditVerifier.verify(fixture.store, trusting: trust)
      #expect(whole.finding == nil)
      #expect(whole.signatures == UInt64(fixture.checkpoints.count))
      var random = SeededGenerator(seed: 2_026)
      for number in 0..<Self.changes {
        let change = try StoreChange(fixture.store, &random)
        let finding = try AuditVerifier.verify(fixture.store, trusting: trust).finding
        try change.undo(in: fixture.store)
        let found = try #require(finding, "change \(number): \(change.what)")
        #expect(
          change.sequences.contains(found.sequence),
          "change \(number): \(change.what), found at \(found.sequence), \(found.reason)")
      }
      #expect(try AuditVerifier.verify(fixture.store, trusting: trust) == whole)
    }
  }

  @Test("that rolls a store back is found by a checkpoint that was kept")
  func rollback() throws {
    try withScratchDirectory { directory in
      let fixture = try LogFixture(in: directory)
      for kept in fixture.checkpoints.dropFirst() {
        let older = try OlderStore(
          of: fixture.store, size: kept.size - 1, in: "\(directory)/older\(kept.size)")
        #expect(try AuditVerifier.verify(older.store).finding == nil)
        #expect(
          try AuditVerifier.verify(older.store, trusting: .init(since: kept)).finding
            == .init(sequence: kept.size - 1, reason: .logShortened))
      }
    }
  }

  @Test("in an export is found, with the first bad sequence")
  func export() throws {
    try withScratchDirectory { directory in
      let fixture = try LogFixture(in: directory)
      let check = ExportCheck(
        directory: fixture.export, publicKeyPath: fixture.publicKey, sincePath: nil)
      let whole = try check.run()
      #expect(whole.verification.finding == nil)
      #expect(whole.verification.signatures == UInt64(fixture.checkpoints.count))
      #expect(whole.signer == fixture.keys[1])
      var random = SeededGenerator(seed: 11_28)
      for number in 0..<Self.changes {
        let change = try ExportChange(fixture.export, &random)
        let finding: AuditVerification.Finding?
        do {
          finding = try check.run().verification.finding
        } catch let failure as CommandFailure {
          // A file that cannot be read as what it is has no sequence, and is named.
          #expect(change.mayBeUnreadable, "change \(number): \(change.what): \(failure.message)")
          finding = change.sequences.first.map { .init(sequence: $0, reason: .checkpointInvalid) }
        }
        try change.undo()
        let found = try #require(finding, "change \(number): \(change.what)")
        #expect(
          change.sequences.contains(found.sequence),
          "change \(number): \(change.what), found at \(found.sequence), \(found.reason)")
      }
      #expect(try check.run().verification == whole.verification)
    }
  }
}

/// Rows of a store before a change, to be put back.
private struct StoreChange {
  let what: String
  /// Where it may be found: exactly, for a change of one line.
  let sequences: ClosedRange<UInt64>
  private var rows: [(table: Table, key: [UInt8], value: [UInt8]?)] = []

  init(_ store: Store, _ random: inout SeededGenerator) throws {
    let sequence = UInt64.random(in: 0..<LogFixture.size, using: &random)
    let key = sequence.bigEndianBytes
    switch Int.random(in: 0..<8, using: &random) {
    case 0, 1:
      what = "a bit of line \(sequence)"
      sequences = sequence...sequence
      try keep(.audit, key, in: store)
      try put(.audit, key, Self.flipped(try Self.value(.audit, key, store), &random), in: store)
    case 2:
      what = "line \(sequence) deleted"
      sequences = sequence...sequence
      try keep(.audit, key, in: store)
      try put(.audit, key, nil, in: store)
    case 3:
      let other =
        (sequence + UInt64.random(in: 1..<LogFixture.size, using: &random))
        % LogFixture.size
      what = "lines \(sequence) and \(other) swapped"
      sequences = min(sequence, other)...min(sequence, other)
      let otherKey = other.bigEndianBytes
      try keep(.audit, key, in: store)
      try keep(.audit, otherKey, in: store)
      let first = try Self.value(.audit, key, store)
      try put(.audit, key, Self.value(.audit, otherKey, store), in: store)
      try put(.audit, otherKey, first, in: store)
    case 4:
      let isEnd = Bool.random(using: &random)
      let inserted = isEnd ? LogFixture.size.bigEndianBytes : key + [0]
      what = "a line inserted \(isEnd ? "at the end" : "after \(sequence)")"
      // The last position is where what comes after the end is found.
      sequences = isEnd ? LogFixture.size...LogFixture.size : (sequence + 1)...(sequence + 1)
      try keep(.audit, inserted, in: store)
      try put(.audit, inserted, Self.value(.audit, key, store), in: store)
    case 5:
      // Line and hash together: what is left is the tree.
      what = "line \(sequence) and its hash rewritten"
      sequences = 0...sequence
      let row = try Self.row(.leaves, upTo: key, store)
      try keep(.audit, key, in: store)
      try keep(.leaves, row.key, in: store)
      var line = try Self.value(.audit, key, store)
      line[line.count - 4] ^= 1
      let offset = Int(sequence - Self.number(row.key)) * 32
      var hashes = row.value
      hashes.replaceSubrange(
        offset..<offset + 32, with: MerkleHash.leaf(line.rawSpan).bytes)
      try put(.audit, key, line, in: store)
      try put(.leaves, row.key, hashes, in: store)
    case 6:
      let row = try Self.row(.checkpoints, upTo: key + [1], store, orFirst: true)
      what = "the checkpoint or node \(row.key)"
      sequences = 0...LogFixture.size
      try keep(.checkpoints, row.key, in: store)
      try put(.checkpoints, row.key, Self.flipped(row.value, &random), in: store)
    default:
      let row = try Self.row(.leaves, upTo: key, store)
      what = "a bit of the noted hashes from \(Self.number(row.key)) on"
      sequences = 0...(Self.number(row.key) + UInt64(row.value.count / 32))
      try keep(.leaves, row.key, in: store)
      try put(.leaves, row.key, Self.flipped(row.value, &random), in: store)
    }
  }

  func undo(in store: Store) throws {
    for row in rows { try put(row.table, row.key, row.value, in: store) }
  }

  private mutating func keep(_ table: Table, _ key: [UInt8], in store: Store) throws {
    let isThere = try store.read { try $0.contains(key.rawSpan, in: table) }
    rows.append((table, key, isThere ? try Self.value(table, key, store) : nil))
  }

  private func put(_ table: Table, _ key: [UInt8], _ value: [UInt8]?, in store: Store) throws {
    try store.write { transaction in
      if let value {
        try transaction.put(
          key: key.rawSpan, value: value.rawSpan, in: table)
      } else {
        try transaction.delete(key.rawSpan, in: table)
      }
    }
  }

  private static func flipped(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
    var bytes = bytes
    bytes[Int.random(in: bytes.indices, using: &random)] ^=
      1 << UInt8.random(in: 0..<8, using: &random)
    return bytes
  }

  static func number(_ key: [UInt8]) -> UInt64 { key.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } }

  static func value(_ table: Table, _ key: [UInt8], _ store: Store) throws -> [UInt8] {
    try store.read { transaction in
      guard let value = try transaction.get(key.rawSpan, in: table) else { return [] }
      return value.array
    }
  }

  /// The last row up to `key`, or, where there is none, the first.
  private static func row(
    _ table: Table, upTo key: [UInt8], _ store: Store, orFirst: Bool = false
  ) throws -> (key: [UInt8], value: [UInt8]) {
    var found: (key: [UInt8], value: [UInt8]) = ([], [])
    try store.read { transaction in
      for isReversed in orFirst ? [true, false] : [true] where found.key.isEmpty {
        try transaction.forEach(
          in: table, from: isReversed ? key.rawSpan : nil, reversed: isReversed
        ) { key, value in
          found = (
            key.array,
            value.array
          )
          return false
        }
      }
    }
    return found
  }
}

/// A store as it was when its log had fewer entries.
private struct OlderStore {
  let store: Store

  init(of newer: Store, size: UInt64, in directory: String) throws {
    try Store.create(
      at: directory, mapSize: 1 << 26, storeIdentifier: newer.storeIdentifier)
    store = try Store.open(at: directory, mapSize: 1 << 26)
    let log = try AuditLog(restoringFrom: store)
    let page = try AuditReader(newer).page(from: 0, below: size)
    try store.write { transaction in
      for logged in page.entries {
        try log.append(
          try #require(logged.entry), atMilliseconds: logged.timeMilliseconds, in: &transaction)
      }
      try log.batchWillCommit(&transaction)
    }
    log.batchDidCommit()
  }
}

/// Files of an export before a change, to be put back.
private struct ExportChange {
  let what: String
  let sequences: ClosedRange<UInt64>
  /// Whether a file may not be what it is any more.
  private(set) var mayBeUnreadable = false
  private let path: String
  private let before: [UInt8]

  init(_ export: String, _ random: inout SeededGenerator) throws {
    let size = LogFixture.size
    let sequence = Int.random(in: 0..<Int(size), using: &random)
    let place = UInt64(sequence)
    let kind = Int.random(in: 0..<8, using: &random)
    let files = [
      "checkpoint", "checkpoints/256", "checkpoints/640", "tile/0/000", "tile/0/002.p/188",
      "tile/1/000.p/2", "keys.txt",
    ]
    let name = kind < 6 ? "entries.jsonl" : files[Int.random(in: files.indices, using: &random)]
    path = "\(export)/\(name)"
    before = try DevelopmentFiles.read(path)
    var lines = before.split(separator: UInt8(ascii: "\n")).map(Array.init)
    var whole: [UInt8]?
    switch kind {
    case 0, 1:
      what = "a bit of line \(sequence)"
      sequences = place...place
      let index = Int.random(in: lines[sequence].indices, using: &random)
      lines[sequence][index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case 2:
      what = "line \(sequence) deleted"
      sequences = place...place
      lines.remove(at: sequence)
    case 3:
      let other = (sequence + Int.random(in: 1..<Int(size), using: &random)) % Int(size)
      what = "lines \(sequence) and \(other) swapped"
      sequences = UInt64(min(sequence, other))...UInt64(min(sequence, other))
      lines.swapAt(sequence, other)
    case 4:
      what = "line \(sequence) inserted again at its place"
      sequences = (place + 1)...(place + 1)
      lines.insert(lines[sequence], at: sequence)
    case 5:
      let end = Int.random(in: 0..<before.count, using: &random)
      what = "entries cut at byte \(end)"
      let place = UInt64(before[..<end].count { $0 == UInt8(ascii: "\n") })
      sequences = place...place
      whole = Array(before[..<end])
    default:
      var bytes = before
      // In keys.txt keys and notes count, not the lines of remarks about them.
      var index: Int
      repeat {
        index = Int.random(in: bytes.indices, using: &random)
      } while name == "keys.txt" && Self.isRemark(index, in: bytes)
      bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      what = "byte \(index) of \(name)"
      sequences = 0...size
      mayBeUnreadable = name == "checkpoint" || name == "keys.txt"
      whole = bytes
    }
    let changed = whole ?? lines.flatMap { $0 + [UInt8(ascii: "\n")] }
    try DevelopmentFiles.write(changed, to: path)
  }

  private static func isRemark(_ index: Int, in bytes: [UInt8]) -> Bool {
    let lineFeed = UInt8(ascii: "\n")
    let start = bytes[..<index].lastIndex(of: lineFeed).map { $0 + 1 } ?? 0
    return bytes[start] == UInt8(ascii: "#") || bytes[index] == lineFeed
  }

  func undo() throws { try DevelopmentFiles.write(before, to: path) }
}
