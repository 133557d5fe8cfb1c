import Bytes
import LMDB

/// How far a history has come: the sequence of its last frame, and what tells that one from every other.
struct JournalPoint: Equatable, Sendable {
  /// Counts for the life of the store.
  var sequence: UInt64
  /// That of the frame's head.
  var digest: JournalDigest
}

/// The row `journal` of `meta`, which each commit of LMDB writes in its own transaction: which frames it
/// contains, and where the next one stands.
///
/// The frame that it names is in the journal's other half: a journal in which nothing is as new as that is an
/// older one.
///
/// Bytes: id of the journal(16) ‖ sequence(8) ‖ digest(16) ‖ half(1) ‖ alone(1).
struct JournalRow: Equatable, Sendable {
  static let key = Array("journal".utf8)
  private static let byteCount = 42

  /// Of the journal whose frames follow.
  var identifier: JournalDigest
  /// The last step that LMDB has.
  var point: JournalPoint
  /// The half in which the next frame stands, at its beginning: 0 or 1.
  var half: Int
  /// Whether there is no such frame, since the disk had no room for it: no other follows then.
  var isAlone = false

  init(identifier: JournalDigest, point: JournalPoint, half: Int, isAlone: Bool = false) {
    self.identifier = identifier
    self.point = point
    self.half = half
    self.isAlone = isAlone
  }

  /// Nil for other bytes than those of a row.
  init?(_ bytes: RawSpan) {
    var reader = RowReader(bytes)
    guard bytes.byteCount == Self.byteCount, let identifier = reader.journalDigest(),
      let sequence = reader.number(UInt64.self), let digest = reader.journalDigest(),
      let half = reader.number(UInt8.self), half <= 1,
      let alone = reader.number(UInt8.self), alone <= 1
    else { return nil }
    self.init(
      identifier: identifier, point: JournalPoint(sequence: sequence, digest: digest),
      half: Int(half), isAlone: alone == 1)
  }

  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    identifier.append(to: &bytes)
    bytes.append(bigEndian: point.sequence)
    point.digest.append(to: &bytes)
    bytes.append(UInt8(half))
    bytes.append(isAlone ? 1 : 0)
    return bytes
  }

  /// Writes it to a transaction of LMDB.
  func put(in base: inout WriteTransaction, _ meta: Database) throws(LMDBError) {
    let bytes = bytes
    try base.put(key: Self.key.rawSpan, value: bytes.rawSpan, in: meta)
  }

  /// The row in the store that `transaction` sees; nil where there is none, or one that is not whole.
  static func read(in transaction: borrowing some StoreReading & ~Copyable) throws(StorageError)
    -> JournalRow?
  {
    guard let found = try transaction.get(key.rawSpan, in: .meta) else { return nil }
    return JournalRow(found)
  }
}

/// What stands at the beginning of the file, in a block of its own.
///
/// Bytes: magic(8) ‖ version(4) ‖ id(16) ‖ bytes of a half(8) ‖ digest of these(16); zeros.
struct JournalHeader: Equatable {
  static let magic = Array("CdnJournl".utf8.prefix(8))
  private static let byteCount = 36

  let identifier: JournalDigest
  let halfBytes: Int

  init(identifier: JournalDigest, halfBytes: Int) {
    self.identifier = identifier
    self.halfBytes = halfBytes
  }

  /// Nil for a block that is none.
  init?(_ block: RawSpan) {
    guard var reader = JournalFormat.reader(of: block, magic: Self.magic, count: Self.byteCount),
      let identifier = reader.journalDigest(), let half = reader.number(UInt64.self),
      let halfBytes = Int(exactly: half), halfBytes >= JournalFormat.blockBytes,
      halfBytes % JournalFormat.blockBytes == 0, halfBytes <= JournalFormat.mostBytes
    else { return nil }
    self.init(identifier: identifier, halfBytes: halfBytes)
  }

  /// A block.
  var bytes: [UInt8] {
    var bytes = JournalFormat.beginning(Self.magic)
    identifier.append(to: &bytes)
    bytes.append(bigEndian: UInt64(halfBytes))
    JournalFormat.seal(&bytes)
    JournalFormat.fillBlock(&bytes)
    return bytes
  }
}

/// The head of a frame, before its rows.
///
/// Bytes: magic(8) ‖ version(4) ‖ id of the journal(16) ‖ sequence(8) ‖ digest of the step before(16) ‖
/// bytes of the rows(4) ‖ number of rows(4) ‖ digest of the rows(16) ‖ digest of these(16). The rows
/// follow, then zeros up to a whole block. A frame without rows says that a batch follows which LMDB takes by
/// itself: after it, nothing in the journal follows what LMDB had before.
struct FrameHead: Equatable {
  private static let magic = Array("CdnFrame".utf8)
  private static let signedCount = 76
  /// Bytes of a head.
  static let byteCount = signedCount + JournalDigest.byteCount
  /// Where a head will stand.
  static let place = [UInt8](repeating: 0, count: byteCount)

  let identifier: JournalDigest
  let sequence: UInt64
  let before: JournalDigest
  let rowBytes: Int
  let rowCount: Int
  let rowDigest: JournalDigest
  /// What the next frame names this one by.
  private(set) var digest = JournalDigest.zero

  /// Bytes of the frame whose rows have so many: whole blocks.
  static func frameBytes(rowBytes: Int) -> Int {
    JournalFormat.wholeBlocks(byteCount + rowBytes)
  }

  var frameBytes: Int { Self.frameBytes(rowBytes: rowBytes) }
  /// Whether it stands for a batch that LMDB takes by itself.
  var isStep: Bool { rowCount == 0 }
  var point: JournalPoint { JournalPoint(sequence: sequence, digest: digest) }

  /// Of the frame that follows `point`, with the rows that stand behind a head's place in `frame`; writes
  /// it to that place.
  init(
    following point: JournalPoint, in identifier: JournalDigest, rowCount: Int,
    frame: inout [UInt8]
  ) {
    self.identifier = identifier
    sequence = point.sequence + 1
    before = point.digest
    self.rowCount = rowCount
    rowBytes = frame.count - Self.byteCount
    rowDigest = JournalDigest(of: frame.rawSpan.extracting(droppingFirst: Self.byteCount))
    var head = JournalFormat.beginning(Self.magic)
    identifier.append(to: &head)
    head.append(bigEndian: sequence)
    before.append(to: &head)
    head.append(bigEndian: UInt32(rowBytes))
    head.append(bigEndian: UInt32(rowCount))
    rowDigest.append(to: &head)
    digest = JournalFormat.seal(&head)
    frame.replaceSubrange(0..<Self.byteCount, with: head)
  }

  /// Nil for a block that does not begin with one.
  init?(_ block: RawSpan) {
    guard var reader = JournalFormat.reader(of: block, magic: Self.magic, count: Self.signedCount),
      let identifier = reader.journalDigest(), let sequence = reader.number(UInt64.self),
      let before = reader.journalDigest(), let rowBytes = reader.number(UInt32.self),
      let rowCount = reader.number(UInt32.self), let rowDigest = reader.journalDigest(),
      let digest = reader.journalDigest()
    else { return nil }
    self.identifier = identifier
    self.sequence = sequence
    self.before = before
    self.rowBytes = Int(rowBytes)
    self.rowCount = Int(rowCount)
    self.rowDigest = rowDigest
    self.digest = digest
  }
}

/// What stands where the next frame will begin: which one was acknowledged last. It is not synced, and
/// the next frame goes over it; after that, the next frame says so itself.
///
/// Bytes: magic(8) ‖ version(4) ‖ id of the journal(16) ‖ sequence(8) ‖ digest of the frame(16) ‖ digest
/// of these(16); zeros.
struct FrameMark: Equatable {
  private static let magic = Array("CdnAcked".utf8)
  private static let signedCount = 52

  let identifier: JournalDigest
  let point: JournalPoint

  init(_ point: JournalPoint, in identifier: JournalDigest) {
    self.identifier = identifier
    self.point = point
  }

  /// Nil for a block that is none.
  init?(_ block: RawSpan) {
    guard var reader = JournalFormat.reader(of: block, magic: Self.magic, count: Self.signedCount),
      let identifier = reader.journalDigest(), let sequence = reader.number(UInt64.self),
      let digest = reader.journalDigest()
    else { return nil }
    self.init(JournalPoint(sequence: sequence, digest: digest), in: identifier)
  }

  /// Writes a block to `bytes`, which it replaces.
  func write(to bytes: inout [UInt8]) {
    bytes.removeAll(keepingCapacity: true)
    JournalFormat.begin(Self.magic, &bytes)
    identifier.append(to: &bytes)
    bytes.append(bigEndian: point.sequence)
    point.digest.append(to: &bytes)
    JournalFormat.seal(&bytes)
    JournalFormat.fillBlock(&bytes)
  }
}

/// What header, frames and marks have in common: they begin a block, say what they are, and end with the
/// digest of what they said.
enum JournalFormat {
  /// Frames, marks and the header begin at multiples of this, and share no block: whatever is lost of a
  /// block that is being written when the power fails, no other was in it.
  static let blockBytes = 4_096
  static let version: UInt32 = 1
  /// The largest journal, in bytes.
  static let mostBytes = 64 << 20
  /// The smallest.
  static let leastBytes = 1 << 20

  static func wholeBlocks(_ bytes: Int) -> Int {
    (bytes + blockBytes - 1) / blockBytes * blockBytes
  }

  private static let zeros = [UInt8](repeating: 0, count: blockBytes)

  /// Appends zeros up to the end of the block.
  static func fillBlock(_ bytes: inout [UInt8]) {
    let missing = wholeBlocks(bytes.count) - bytes.count
    bytes.append(contentsOf: zeros.rawSpan.extracting(first: missing))
  }

  static func begin(_ magic: [UInt8], _ bytes: inout [UInt8]) {
    bytes.append(contentsOf: magic)
    bytes.append(bigEndian: version)
  }

  static func beginning(_ magic: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(FrameHead.byteCount)
    begin(magic, &bytes)
    return bytes
  }

  /// Appends the digest of what is there.
  @discardableResult
  static func seal(_ bytes: inout [UInt8]) -> JournalDigest {
    let digest = JournalDigest(of: bytes.rawSpan)
    digest.append(to: &bytes)
    return digest
  }

  /// A reader behind magic and version, where the block begins with `count` bytes of that kind and their
  /// digest; nil otherwise.
  @_lifetime(copy block)
  static func reader(of block: RawSpan, magic: [UInt8], count: Int) -> RowReader? {
    guard block.byteCount >= count + JournalDigest.byteCount, block.starts(with: magic) else {
      return nil
    }
    let signed = block.extracting(first: count)
    let digest = block.extracting(count..<count + JournalDigest.byteCount)
    guard JournalDigest(digest) == JournalDigest(of: signed) else { return nil }
    var reader = RowReader(block)
    guard reader.bytes(magic.count) != nil, reader.number(UInt32.self) == version else {
      return nil
    }
    return reader
  }
}
