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
      let tape = try? JSONTape.parse(line, maximumDepth: 1, maximumNodes: 32),
      let number = tape.member("seq", of: tape.root, in: line),
      let operation = tape.member("operation", of: tape.root, in: line), operation.kind == .string
    else { throw .entryMalformed }
    guard tape.integer(of: number, in: line) == Int64(exactly: sequence) else {
      throw .sequenceMismatch
    }
    leaf = MerkleHash.leaf(line)
    let word = line.extracting(operation.content)
    timeMilliseconds = tape.member("time", of: tape.root, in: line)
      .flatMap { tape.string(of: $0, in: line) }.flatMap(RFC3339.unixMilliseconds)
    isArchived = ArchiveMark.isArchived(operation: word.array)
    let isMark =
      word.byteCount == Self.archiveOperation.count && word.array == Self.archiveOperation
    mark = isMark ? LoggedEntry(line: line)?.entry.reason.flatMap { ArchiveMark($0) } : nil
  }
}
