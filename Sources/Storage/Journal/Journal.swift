import Bytes
import Glibc
import LMDB

/// The journal of a store whose writer runs: frames go one behind the other into a half, and each commit of
/// LMDB changes the half, so that a frame is overwritten only after the second commit that contains it.
final class Journal {
  /// Why a frame could not be made durable.
  enum Failure: Error {
    /// The disk has no room for its blocks. Nothing was acknowledged; LMDB can take the batch.
    case noRoom
    /// Nothing may be written any more, and why.
    case ended(StorageError)
  }

  /// The greatest rows of a frame, in bytes. What is larger is LMDB's own.
  static let mostRowBytes = 256 << 10
  /// Memory that is kept for the next frame, in bytes.
  private static let mostKeptBytes = 1 << 20

  let file: JournalFile
  /// The row that LMDB has.
  private var committedRow: JournalRow
  /// The last step that is durable: in a frame, or in LMDB.
  private(set) var point: JournalPoint
  private(set) var half: Int
  /// Where the next frame begins in its half.
  private(set) var place = 0
  /// Where the last frame of the other half ends.
  private var placeInOtherHalf: Int
  /// Whether frames are still written: not after the disk had no room for one.
  private(set) var isUsable = true
  private var frame: [UInt8] = []
  private var mark: [UInt8] = []

  /// - Parameter row: the row that LMDB has. No frame follows it yet.
  init(_ file: JournalFile, after row: JournalRow) {
    self.file = file
    committedRow = row
    point = row.point
    half = row.half
    placeInOtherHalf = row.isAlone ? 0 : JournalFormat.blockBytes
  }

  /// Whether a frame with rows of so many bytes fits into the half, with one without rows and a mark
  /// behind it.
  func hasRoom(forRowBytes bytes: Int) -> Bool {
    let behind = 2 * JournalFormat.blockBytes
    return place + FrameHead.frameBytes(rowBytes: bytes) + behind <= file.halfBytes
  }

  /// Makes a batch durable: one write and one sync. The mark is there before this returns; where the disk
  /// has no room for that, the journal is not ``isUsable`` any more, and LMDB is to be committed at once.
  func append(_ set: borrowing WriteSet) throws(Failure) {
    let isFirst = place == 0
    begin()
    frame.append(contentsOf: set.rows)
    point = try writeFrame(rowCount: set.rowCount)
    try writeMark(at: file.start(ofHalf: half) + place)
    // So that a half that is lost, or written over, as a whole is missed.
    if isFirst { try writeMark(at: file.start(ofHalf: 1 - half) + placeInOtherHalf) }
  }

  private func begin() {
    frame.removeAll(keepingCapacity: frame.capacity <= Self.mostKeptBytes)
    frame.append(contentsOf: FrameHead.place)
  }

  /// Writes the frame, durable, and goes behind it.
  private func writeFrame(rowCount: Int) throws(Failure) -> JournalPoint {
    let head = FrameHead(
      following: point, in: file.identifier, rowCount: rowCount, frame: &frame)
    JournalFormat.fillBlock(&frame)
    do throws(StorageError) {
      try file.write(frame, at: file.start(ofHalf: half) + place)
    } catch {
      guard error.isOfFullDisk else { throw .ended(error) }
      isUsable = false
      throw .noRoom
    }
    // An error is told once, and a later sync may call durable what is not.
    do throws(StorageError) { try file.synchronize() } catch { throw .ended(error) }
    place += head.frameBytes
    return head.point
  }

  /// Says at `position`, where no frame is, which one is acknowledged.
  private func writeMark(at position: Int) throws(Failure) {
    FrameMark(point, in: file.identifier).write(to: &mark)
    do throws(StorageError) { try file.write(mark, at: position) } catch {
      guard error.isOfFullDisk else { throw .ended(error) }
      isUsable = false
    }
  }

  // MARK: - Commits of LMDB

  /// The row of a commit that contains all frames until now.
  var row: JournalRow {
    JournalRow(identifier: file.identifier, point: point, half: 1 - half)
  }

  /// The row of a commit that contains a batch more, which has no frame of its own: a frame that says so is
  /// durable before it, where the disk has room for one.
  /// - Throws: why nothing may be written any more.
  func rowOfStep() throws(StorageError) -> JournalRow {
    do throws(Failure) {
      if isUsable {
        begin()
        return JournalRow(
          identifier: file.identifier, point: try writeFrame(rowCount: 0), half: 1 - half)
      }
    } catch { if case .ended(let cause) = error { throw cause } }
    let next = JournalPoint(sequence: point.sequence + 1, digest: .drawn())
    return JournalRow(identifier: file.identifier, point: next, half: 1 - half, isAlone: true)
  }

  /// LMDB has been committed with `row`.
  /// - Throws: why nothing may be written any more.
  func didCommit(_ row: JournalRow) throws(StorageError) {
    let isStep = row.point != point
    committedRow = row
    point = row.point
    half = row.half
    placeInOtherHalf = place
    place = 0
    guard isStep, isUsable else { return }
    do throws(Failure) { try writeMark(at: file.start(ofHalf: half)) } catch {
      if case .ended(let cause) = error { throw cause }
    }
  }

  /// LMDB has not been committed with the row of a step: its frame, which nobody follows, will be overwritten.
  func didNotCommit(placeBefore: Int) { place = placeBefore }

  /// Hands the frames that LMDB does not have to a transaction that has begun anew.
  func replay(into base: inout WriteTransaction, _ tables: Tables) throws(StorageError) {
    _ = try file.replay(after: committedRow, upTo: point.sequence, into: &base, tables)
  }

  /// Puts zeros in the place of all frames but the last step's, which has no rows, where there is one. Only
  /// after such a step, and while LMDB has everything.
  func erase() throws(StorageError) {
    precondition(place == 0, "frames are erased that LMDB does not have")
    try file.erase(besides: committedRow.isAlone ? nil : file.start(ofHalf: 1 - half))
  }
}

extension StorageError {
  /// Whether the disk, or what this process may write, is at its end.
  var isOfFullDisk: Bool {
    guard case .system(_, _, let number) = self else { return false }
    return number == ENOSPC || number == EDQUOT || number == EFBIG
  }
}
