import Bytes
import LMDB

/// Goes through the frames that follow what LMDB has, and tells a torn tail from damage.
///
/// From the row's half on, and then in the other, frames are taken as long as each names the one before.
/// How far the history came for certain is told by every mark and every frame's head in the file, wherever
/// it stands: a mark by the sequence in it, a head by the one before its own, since no frame is written
/// before the last one was durable. Where the chain ends before that, acknowledged frames are missing. It ends
/// before a frame without rows, too: what LMDB took by itself then is in no frame.
struct JournalReplay {
  /// Blocks that are looked at together.
  private static let scannedBytes = 1 << 20

  /// Where the history ends.
  private(set) var point: JournalPoint
  private(set) var frames = 0
  /// Frames after this one are not taken.
  private let last: UInt64

  private init(after row: JournalRow, upTo last: UInt64) {
    point = row.point
    self.last = last
  }

  /// Calls `body` with the rows of each frame in their order.
  ///
  /// - Parameter last: the sequence that is known to be the last; nil where it is to be found out.
  /// - Throws: ``StorageError/journalMissing(file:)`` where the file is another journal than the row's;
  ///   ``StorageError/damaged(file:page:)`` where acknowledged frames do not follow, which is found after
  ///   `body` has been called with those before; what `body` throws.
  static func run(
    _ file: JournalFile, after row: JournalRow, upTo last: UInt64? = nil,
    _ body: (_ rows: RawSpan, _ count: Int) throws(StorageError) -> Void
  ) throws(StorageError) -> JournalReplay {
    guard file.identifier == row.identifier else { throw .journalMissing(file: file.path) }
    var replay = JournalReplay(after: row, upTo: last ?? .max)
    var known = last ?? 0
    if last == nil {
      let found = try replay.scan(file)
      guard row.isAlone || found.newest >= row.point.sequence else {
        throw .journalMissing(file: file.path)
      }
      known = found.known
    }
    var half = row.half
    var place = try replay.takeFrames(of: file, in: half, body)
    // Those after a commit of LMDB whose header the disk has lost.
    let before = replay.frames
    let end = try replay.takeFrames(of: file, in: 1 - half, body)
    if replay.frames > before { (half, place) = (1 - half, end) }
    guard replay.point.sequence >= known else {
      let position = file.start(ofHalf: half) + place
      throw .damaged(file: file.path, page: position / JournalFormat.blockBytes)
    }
    return replay
  }

  /// Takes the frames of a half, as far as they follow; returns where the next would stand.
  private mutating func takeFrames(
    of file: JournalFile, in half: Int,
    _ body: (_ rows: RawSpan, _ count: Int) throws(StorageError) -> Void
  ) throws(StorageError) -> Int {
    var bytes: [UInt8] = []
    var place = 0
    while point.sequence < last, place + JournalFormat.blockBytes <= file.halfBytes {
      let position = file.start(ofHalf: half) + place
      try file.read(JournalFormat.blockBytes, at: position, into: &bytes)
      guard let head = FrameHead(bytes.rawSpan), head.identifier == file.identifier,
        head.sequence == point.sequence + 1, head.before == point.digest,
        place + head.frameBytes <= file.halfBytes, !head.isStep
      else { break }
      try file.read(head.frameBytes, at: position, into: &bytes)
      let rows = bytes.rawSpan.extracting(FrameHead.byteCount..<FrameHead.byteCount + head.rowBytes)
      guard FrameHead(bytes.rawSpan) == head, JournalDigest(of: rows) == head.rowDigest else {
        break
      }
      try body(rows, head.rowCount)
      point = head.point
      frames += 1
      place += head.frameBytes
    }
    return place
  }

  /// The sequence that somebody was told of, or that is durable for certain, and the greatest that is there.
  private func scan(_ file: JournalFile) throws(StorageError) -> (known: UInt64, newest: UInt64) {
    var bytes: [UInt8] = []
    var known = point.sequence
    var newest: UInt64 = 0
    var position = JournalFormat.blockBytes
    let end = file.header.fileBytes
    while position < end {
      let count = min(Self.scannedBytes, end - position)
      try file.read(count, at: position, into: &bytes)
      for start in stride(from: 0, to: count, by: JournalFormat.blockBytes) {
        let block = bytes.rawSpan.extracting(start..<start + JournalFormat.blockBytes)
        if let mark = FrameMark(block), mark.identifier == file.identifier {
          known = max(known, mark.point.sequence)
          newest = max(newest, mark.point.sequence)
        } else if let head = FrameHead(block), head.identifier == file.identifier {
          known = max(known, head.sequence - 1)
          newest = max(newest, head.sequence)
        }
      }
      position += count
    }
    return (known, newest)
  }
}

extension WriteSet {
  /// Takes the rows of a frame of `file`.
  mutating func add(
    rows: RawSpan, count: Int, of file: JournalFile, appends: Bool
  ) throws(StorageError) {
    let isWhole: Bool
    do throws(LMDBError) { isWhole = try add(rows: rows, count: count, appends: appends) } catch {
      throw .damaged(file: file.path)
    }
    guard isWhole else { throw .damaged(file: file.path) }
  }
}

extension JournalFile {
  /// Hands the frames that follow `row` to a transaction of LMDB, one after the other.
  func replay(
    after row: JournalRow, upTo last: UInt64? = nil, into base: inout WriteTransaction,
    _ tables: Tables
  ) throws(StorageError) -> JournalReplay {
    var set = WriteSet()
    return try JournalReplay.run(self, after: row, upTo: last) {
      (rows, count) throws(StorageError) in
      set.removeAll()
      try set.add(rows: rows, count: count, of: self, appends: true)
      do throws(LMDBError) { try set.apply(to: &base, tables) } catch { throw StorageError(error) }
    }
  }

  /// What the frames that follow `row` change, as one set.
  func changes(after row: JournalRow) throws(StorageError) -> WriteSet {
    var set = WriteSet()
    _ = try JournalReplay.run(self, after: row) { (rows, count) throws(StorageError) in
      try set.add(rows: rows, count: count, of: self, appends: false)
    }
    return set
  }
}
