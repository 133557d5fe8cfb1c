internal import Bytes
internal import Cryptography
internal import JSON

/// What whoever verifies a log needs of one line.
struct CheckedLine {
  /// The hash of its leaf.
  let leaf: Digest256
  /// Whether its operation is a client's: those are archived, and are never written while the vault is
  /// sealed.
  let isArchived: Bool
  /// When it was written, in Unix milliseconds; nil where that cannot be read.
  let timeMilliseconds: Int64?
  /// The mark that it says, where it is the entry about an archive.
  let mark: ArchiveMark?

  private static let archiveOperation = Array(ArchiveMark.operation.utf8)

  /// Reads the line that stands at `sequence`.
  /// - Throws: what is wrong with it.
  init(_ line: RawSpan, at sequence: UInt64) throws(AuditVerification.Reason) {
    guard line.byteCount <= AuditLimits.lineBytes,
      let document = try? JSONDocument(line, maximumDepth: 1, maximumNodes: 32),
      let number = document.member("seq", of: document.root),
      let operation = document.member("operation", of: document.root), operation.kind == .string
    else { throw .entryMalformed }
    guard document.integer(of: number) == Int64(exactly: sequence) else {
      throw .sequenceMismatch
    }
    leaf = MerkleHash.leaf(line)
    let word = line.extracting(operation.content)
    timeMilliseconds = document.member("time", of: document.root)
      .flatMap { document.string(of: $0) }.flatMap(RFC3339.unixMilliseconds)
    isArchived = ArchiveMark.isArchived(operation: word.array)
    let isMark =
      word.byteCount == Self.archiveOperation.count && word.array == Self.archiveOperation
    mark = isMark ? LoggedEntry(line: line)?.entry.reason.flatMap { ArchiveMark($0) } : nil
  }
}
