import Bytes
import Glibc
import SystemCalls

/// The file `cards.journal`: a block that says which journal it is, and two halves for frames.
///
/// It is written and read by positions alone and never mapped. All of its blocks are written once before
/// it is used, so that a frame changes nothing but blocks that the file has.
final class JournalFile: Sendable {
  /// Bytes that are written or looked at together.
  private static let pieceBytes = 256 << 10

  let path: String
  let header: JournalHeader
  private let descriptor: Int32

  var identifier: JournalDigest { header.identifier }
  var halfBytes: Int { header.halfBytes }

  static func path(in directory: String) -> String { "\(directory)/cards.journal" }
  private static func draft(in directory: String) -> String { "\(path(in: directory)).new" }

  /// What is left where a crash interrupted the making of one.
  static func leftovers(in directory: String) -> [String] { [draft(in: directory)] }

  /// Bytes of a half of a journal of `bytes`: whole blocks, beside the header's.
  static func halfBytes(of bytes: Int) -> Int {
    (bytes - JournalFormat.blockBytes) / 2 / JournalFormat.blockBytes * JournalFormat.blockBytes
  }

  private init(path: String, header: JournalHeader, descriptor: Int32) {
    self.path = path
    self.header = header
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  // MARK: - Opening

  /// Opens the one in `directory`; nil where there is none.
  /// - Throws: ``StorageError/damaged(file:page:)``, ``StorageError/truncated(file:)``.
  static func open(
    in directory: String, isReadOnly: Bool = false
  ) throws(StorageError) -> JournalFile? {
    let path = path(in: directory)
    let flags = (isReadOnly ? O_RDONLY : O_RDWR) | O_NOFOLLOW | O_CLOEXEC
    let descriptor = unsafe Glibc.open(path, flags)
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      throw .system(call: "open", path: path, errno: errno)
    }
    do throws(StorageError) {
      var block = [UInt8](repeating: 0, count: JournalFormat.blockBytes)
      try read(into: &block, at: 0, of: descriptor, path)
      guard let header = JournalHeader(block.rawSpan) else { throw .damaged(file: path) }
      guard try status(of: descriptor, path).st_size >= header.fileBytes else {
        throw .truncated(file: path)
      }
      return JournalFile(path: path, header: header, descriptor: descriptor)
    } catch {
      close(descriptor)
      throw error
    }
  }

  /// Begins a journal of `bytes` that is none of those before. For a store whose `cards.mdb` alone is the
  /// truth: frames that are in the file count for nothing any more.
  ///
  /// A file of that size is used again; otherwise one is made whole, under another name.
  /// - Throws: ``StorageError/noRoom(file:_:)``.
  static func begin(in directory: String, bytes: Int) throws(StorageError) -> JournalFile {
    let header = JournalHeader(identifier: .drawn(), halfBytes: halfBytes(of: bytes))
    if let known = try? open(in: directory), known.halfBytes == header.halfBytes,
      try known.hasBlocks
    {
      let file = try known.renamed(header)
      // Who made it may have been killed between the file's naming and this.
      try Files.synchronize(directory: directory)
      return file
    }
    return try make(header, in: directory)
  }

  /// The same file, as another journal.
  private func renamed(_ header: JournalHeader) throws(StorageError) -> JournalFile {
    let descriptor = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    guard descriptor >= 0 else { throw .system(call: "fcntl", path: path, errno: errno) }
    let copy = JournalFile(path: path, header: header, descriptor: descriptor)
    try copy.write(header.bytes, at: 0)
    try copy.synchronize()
    return copy
  }

  private static func make(
    _ header: JournalHeader, in directory: String
  ) throws(StorageError) -> JournalFile {
    let draft = draft(in: directory)
    let path = path(in: directory)
    try Files.remove([draft])
    let flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
    let descriptor = unsafe Glibc.open(draft, flags, 0o600)
    guard descriptor >= 0 else { throw .system(call: "open", path: draft, errno: errno) }
    let file = JournalFile(path: path, header: header, descriptor: descriptor)
    do throws(StorageError) {
      try file.write(header.bytes, at: 0)
      try file.writeZeros(from: JournalFormat.blockBytes, to: header.fileBytes)
      guard fsync(descriptor) == 0 else { throw .system(call: "fsync", path: draft, errno: errno) }
      try Files.rename(draft, to: path)
      try Files.synchronize(directory: directory)
    } catch {
      try? Files.remove([draft])
      if case .system(_, _, let number) = error, [ENOSPC, EDQUOT, EFBIG].contains(number) {
        throw .noRoom(file: path, number == EFBIG ? .fileSize : .disk)
      }
      throw error
    }
    return file
  }

  /// Whether every block of the file is there: a copy by a tool may have holes.
  private var hasBlocks: Bool {
    get throws(StorageError) {
      try Self.status(of: descriptor, path).st_blocks * 512 >= header.fileBytes
    }
  }

  /// Why nothing may be written to it any more, where its name does not lead to it, or it has been cut off.
  var loss: StorageError? {
    if (try? SystemCalls.path(path, leadsTo: descriptor)) == false {
      return .fileReplaced(file: path)
    }
    guard let status = try? Self.status(of: descriptor, path) else { return nil }
    return status.st_size < header.fileBytes ? .truncated(file: path) : nil
  }

  // MARK: - Frames

  /// Where a half begins in the file.
  func start(ofHalf half: Int) -> Int { JournalFormat.blockBytes + half * halfBytes }

  /// Reads the bytes from `position` on.
  func read(_ count: Int, at position: Int, into bytes: inout [UInt8]) throws(StorageError) {
    if bytes.count != count { bytes = [UInt8](repeating: 0, count: count) }
    try Self.read(into: &bytes, at: position, of: descriptor, path)
  }

  /// Writes all of `bytes`; nothing is durable before ``synchronize()`` has returned.
  func write(_ bytes: [UInt8], at position: Int) throws(StorageError) {
    try write(bytes.rawSpan, at: position)
  }

  private func write(_ bytes: RawSpan, at position: Int) throws(StorageError) {
    var done = 0
    while done < bytes.byteCount {
      let count = unsafe bytes.withUnsafeBytes {
        unsafe pwrite(
          descriptor, $0.baseAddress?.advanced(by: done), $0.count - done, off_t(position + done))
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        throw .system(call: "pwrite", path: path, errno: count < 0 ? errno : EIO)
      }
      done += count
    }
  }

  func synchronize() throws(StorageError) {
    guard fdatasync(descriptor) == 0 else {
      throw .system(call: "fdatasync", path: path, errno: errno)
    }
  }

  /// Puts zeros in the place of all frames, durable: for when LMDB has every one of them.
  ///
  /// - Parameter position: of a block that stays.
  func erase(besides position: Int? = nil) throws(StorageError) {
    let (start, end) = (JournalFormat.blockBytes, header.fileBytes)
    try writeZeros(from: start, to: position ?? end)
    if let position { try writeZeros(from: position + JournalFormat.blockBytes, to: end) }
    try synchronize()
  }

  /// Erases a journal that nobody needs, where there is one, and removes what cannot be read; false where
  /// the disk has no room for zeros.
  static func erase(in directory: String) throws(StorageError) -> Bool {
    try hasRoom { () throws(StorageError) in
      do throws(StorageError) { try open(in: directory)?.erase() } catch {
        guard error.tellsOfDamage else { throw error }
        try Files.remove([path(in: directory)])
      }
    }
  }

  /// Whether what `erase` does found room: some file systems write to other blocks than those that are there.
  static func hasRoom(_ erase: () throws(StorageError) -> Void) throws(StorageError) -> Bool {
    do throws(StorageError) { try erase() } catch {
      // A sync that failed is no want of room, whatever it says.
      guard case .system(call: "pwrite", _, _) = error, error.isOfFullDisk else { throw error }
      return false
    }
    return true
  }

  private func writeZeros(from start: Int, to end: Int) throws(StorageError) {
    let zeros = [UInt8](repeating: 0, count: Self.pieceBytes)
    var position = start
    while position < end {
      let count = min(zeros.count, end - position)
      try write(zeros.rawSpan.extracting(first: count), at: position)
      position += count
    }
  }

  private static func read(
    into bytes: inout [UInt8], at position: Int, of descriptor: Int32, _ path: String
  ) throws(StorageError) {
    var done = 0
    while done < bytes.count {
      let count = unsafe bytes.withUnsafeMutableBytes {
        unsafe pread(
          descriptor, $0.baseAddress?.advanced(by: done), $0.count - done, off_t(position + done))
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .system(call: "pread", path: path, errno: errno) }
      guard count > 0 else { throw .truncated(file: path) }
      done += count
    }
  }

  private static func status(of descriptor: Int32, _ path: String) throws(StorageError) -> stat {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      throw .system(call: "fstat", path: path, errno: errno)
    }
    return status
  }
}

extension JournalHeader {
  /// Bytes of the whole file.
  var fileBytes: Int { JournalFormat.blockBytes + 2 * halfBytes }
}
