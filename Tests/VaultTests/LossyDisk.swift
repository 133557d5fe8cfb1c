import TestSupport

/// The files of a store on a disk that holds writes back until it is told to be done with them.
struct LossyDisk {
  typealias File = RecordedWrites.File

  /// What a disk does that it should not.
  enum Flaw: Equatable {
    /// It says that it has the frames of the journal, and need not.
    case forgetsFrames
    /// It has whole commits of LMDB in their order, and the latest `commits` not at all. With one, every
    /// frame that is missing from LMDB still stands in the journal; with two, a half has been used again
    /// before the disk has the commit that contains its frames. A sync that counted at the next one only
    /// would be as late as one, and would leave LMDB's pages in no order that it could read.
    case commitsLate(commits: Int)
    /// The block before a write to the journal goes with it, as if frames were packed, and the write began in
    /// the block in which the frame before it ends.
    case spoilsBlockBefore
  }

  private struct Write {
    var file: File
    let offset: Int
    let bytes: ArraySlice<UInt8>
  }

  private static let blockBytes = 4_096
  /// LMDB's two headers. It changes a part of one in place, and does not survive one that was good and holds
  /// anything: nothing is put there. What it writes elsewhere in its file nobody looks at before the commit.
  private static let headerBytes = 2 * blockBytes

  /// What the disk has, whatever comes.
  private(set) var files: [File: [UInt8]]
  private var pending: [Write] = []
  /// Commits of LMDB that come later than they should.
  private var late: [[Write]] = []
  /// Whether the draft has been named, and the disk need not know.
  private var isNaming = false
  private let flaw: Flaw?
  private var generator: SeededGenerator

  init(_ files: [File: [UInt8]], seed: UInt64 = 0, flaw: Flaw? = nil) {
    self.files = files
    self.flaw = flaw
    generator = SeededGenerator(seed: seed)
  }

  /// A number from zero up to `most`, drawn from the seed.
  mutating func random(upTo most: Int) -> Int { Int.random(in: 0...most, using: &generator) }

  // MARK: - What is done to it

  /// Takes what a process did.
  mutating func replay(_ events: ArraySlice<RecordedWrites.Event>) {
    for event in events {
      switch event {
      case .write(let file, let offset, let bytes):
        if file == .draft, offset == 0 { beginDraft() }
        pending.append(Write(file: kept(file), offset: offset, bytes: bytes))
      case .latestIsDurable(.cards):
        if case .commitsLate(let commits) = flaw {
          delayCommit(by: commits)
        } else {
          endLatest(.cards)
        }
      case .latestIsDurable(let file): endLatest(kept(file))
      case .allAreDurable(let file): endAll(kept(file))
      case .draftIsNamed: isNaming = true
      case .namesAreDurable: if isNaming { nameDraft() }
      case .acknowledged: break
      }
    }
  }

  /// Where the disk has what is written to a file: the journal's name may be news to it.
  private func kept(_ file: File) -> File { isNaming && file == .journal ? .draft : file }

  /// There may be one that was not finished, which has been removed.
  private mutating func beginDraft() {
    precondition(!isNaming, "a draft is made while the disk need not know the name of another")
    files[.draft] = nil
    pending.removeAll { $0.file == .draft }
  }

  private mutating func endLatest(_ file: File) {
    guard let index = pending.lastIndex(where: { $0.file == file }) else { return }
    apply(pending.remove(at: index))
  }

  private mutating func endAll(_ file: File) {
    if case .commitsLate = flaw, file == .cards { return }
    // The journal's own header stands at its beginning.
    let end = flaw == .forgetsFrames && file == .journal ? Self.blockBytes : .max
    for write in pending where write.file == file && write.offset < end { apply(write) }
    pending.removeAll { $0.file == file && $0.offset < end }
  }

  /// The write of a header ends a commit.
  private mutating func delayCommit(by commits: Int) {
    late.append(pending.filter { $0.file == .cards })
    pending.removeAll { $0.file == .cards }
    guard late.count > commits else { return }
    for write in late.removeFirst() { apply(write) }
  }

  private mutating func nameDraft() {
    isNaming = false
    files[.journal] = files.removeValue(forKey: .draft)
    for index in pending.indices where pending[index].file == .draft {
      pending[index].file = .journal
    }
  }

  // MARK: - Power loss

  /// Loses the power: ``files`` are what the disk holds when it is back.
  ///
  /// Of each write that was not durable it has all, nothing, or some units, and one unit of one of them may
  /// hold anything.
  mutating func losePower() {
    if isNaming, Bool.random(using: &generator) { nameDraft() }
    isNaming = false
    late = []
    if case .commitsLate = flaw { pending.removeAll { $0.file == .cards } }
    for write in pending {
      switch random(upTo: 3) {
      case 0: break
      case 1: apply(write)
      case 2: applySome(of: write, unit: 512)
      default: applySome(of: write, unit: Self.blockBytes)
      }
    }
    if let write = pending.randomElement(using: &generator) { spoilUnit(of: write) }
    pending = []
    // A start makes another.
    files[.draft] = nil
  }

  /// What processes see: everything that was written.
  var seen: [File: [UInt8]] {
    var disk = self
    for write in pending { disk.apply(write) }
    disk.pending = []
    if isNaming { disk.nameDraft() }
    return disk.files
  }

  private mutating func applySome(of write: Write, unit: Int) {
    var start = 0
    while start < write.bytes.count {
      // Units are those of the disk, not of the write.
      let end = min(write.bytes.count, start + unit - (write.offset + start) % unit)
      if Bool.random(using: &generator) {
        let first = write.bytes.startIndex
        apply(
          Write(
            file: write.file, offset: write.offset + start,
            bytes: write.bytes[first + start..<first + end]))
      }
      start = end
    }
  }

  /// Puts anything into a unit that was being written, every second time.
  private mutating func spoilUnit(of write: Write) {
    let isWide = flaw == .spoilsBlockBefore && write.file == .journal
    guard !write.bytes.isEmpty, isWide || Bool.random(using: &generator) else { return }
    let unit = Bool.random(using: &generator) ? 512 : Self.blockBytes
    var start = (write.offset + random(upTo: write.bytes.count - 1)) / unit * unit
    var end = start + unit
    if isWide { (start, end) = (max(0, write.offset - Self.blockBytes), write.offset) }
    if write.file == .cards, start < Self.headerBytes { return }
    end = min(end, files[write.file]?.count ?? 0)
    guard start < end else { return }
    var bytes: [UInt8] = []
    while bytes.count < end - start {
      bytes.append(UInt8(truncatingIfNeeded: generator.next()))
    }
    files[write.file]?.replaceSubrange(start..<end, with: bytes)
  }

  private mutating func apply(_ write: Write) {
    var file = files.removeValue(forKey: write.file) ?? []
    let end = write.offset + write.bytes.count
    if file.count < end { file += [UInt8](repeating: 0, count: end - file.count) }
    file.replaceSubrange(write.offset..<end, with: write.bytes)
    files[write.file] = file
  }
}
